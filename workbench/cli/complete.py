"""What a shell completes: names, found without importing torch, for a key press can't wait."""

import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from workbench.checkout import ROOT

PACKAGE = "workbench.models"


def plans(incomplete: str) -> list[str]:
    """Names of plans, those in ./ablations included. Files are the shell's to complete."""
    folders = (ROOT / "ablations", Path("ablations"))
    return _starting(incomplete, {file.stem for each in folders for file in each.glob("*.yaml")})


def networks(incomplete: str) -> list[str]:
    """Names of zoo entries."""
    return _starting(incomplete, zoo_names())


def loggers(incomplete: str) -> list[str]:
    """Names of loggers."""
    from workbench.train.loggers import LOGGERS

    return _starting(incomplete, LOGGERS)


def zoo_names() -> tuple[str, ...]:
    """The zoo's names. Its files are data, but the package they are in imports torch; so where
    that was not imported yet, an empty package stands in for it meanwhile."""
    if PACKAGE in sys.modules:
        return tuple(import_module(f"{PACKAGE}.zoo").ZOO)
    sys.modules[PACKAGE] = stand_in = ModuleType(PACKAGE)
    stand_in.__path__ = [str(ROOT / "workbench" / "models")]
    try:
        return tuple(import_module(f"{PACKAGE}.zoo").ZOO)
    finally:
        for name in [each for each in sys.modules if each.startswith(PACKAGE)]:
            del sys.modules[name]


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
