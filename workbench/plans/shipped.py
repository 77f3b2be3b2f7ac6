"""Plan and study files by name, found without reading more of them than their kind."""

import re
from pathlib import Path

from workbench.shipped import PLANS

STUDY = "scaling_study"  # the kind of files that `workbench study` runs
SUFFIXES = (".yaml", ".yml")
KIND = re.compile(r"^kind:\s*([\w-]+)", re.MULTILINE)


def named_plans(study: bool = False) -> dict[str, Path]:
    """The plans, or the studies, that ship with the project and those in ./ablations, which win."""
    files = [file for each in (PLANS, Path("ablations")) for file in sorted(each.glob("*.yaml"))]
    return {file.stem: file for file in files if (_kind(file) == STUDY) == study}


def _kind(file: Path) -> str:
    try:
        found = KIND.search(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""
