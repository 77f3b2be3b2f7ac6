"""What a shell completes: names, found without importing torch, for a key press can't wait."""

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType

import typer

from workbench.plans.shipped import named_plans
from workbench.shipped import PACKAGE as INSTALLED

PACKAGE = "workbench.models"


def plans(incomplete: str) -> list[str]:
    """Names of plans, those in ./ablations included. Files are the shell's to complete."""
    return _starting(incomplete, named_plans())


def studies(incomplete: str) -> list[str]:
    """Names of studies."""
    return _starting(incomplete, named_plans(study=True))


def networks(incomplete: str) -> list[str]:
    """Names of zoo entries."""
    return _starting(incomplete, zoo_names())


def loggers(incomplete: str) -> list[str]:
    """Names of loggers."""
    from workbench.train.loggers import LOGGERS

    return _starting(incomplete, LOGGERS)


def overrides(context: typer.Context, incomplete: str) -> list[str]:
    """Keys of a network, and the components that may stand there: `mixer=lmhsa`, `mixer.k=`.

    Bash takes `=` for the end of a word: there the key is a word before, and only names follow.
    """
    before = [word for word in context.params.get("overrides") or () if word != "="]
    if before and before[-1] in slots():
        return _starting(incomplete, components(before[-1]))
    written = [f"{slot}={name}" for slot in slots() for name in components(slot)]
    written += [f"{slot}.{option}=" for slot in slots() for option in options(slot)]
    return _starting(incomplete, [*written, *(f"{name}=" for name in fields())])


def slots() -> tuple[str, ...]:
    """Where a component stands, in the network or in a stage."""
    from workbench.config import Part, Spec, Stage

    both = {**Spec.model_fields, **Stage.model_fields}
    return tuple(name for name, field in both.items() if field.annotation is Part)


def slot_names(incomplete: str) -> list[str]:
    """Names of slots."""
    return _starting(incomplete, slots())


def fields() -> tuple[str, ...]:
    """What else a network can be told."""
    from workbench.config import Spec, Stage

    both = {**Spec.model_fields, **Stage.model_fields}
    return tuple(name for name in both if name not in (*slots(), "name", "stages"))


def components(slot: str) -> list[str]:
    """The names in a slot's registry, read from its source."""
    registry = f"{_room(slot).upper()}S"
    return [
        str(ast.literal_eval(key))
        for node in _source(slot)
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == registry
        for key in getattr(node.value, "keys", ())
    ]


def options(slot: str) -> list[str]:
    """The options of all components of a slot, read from its source."""
    return [
        each.target.id
        for node in _source(slot)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Options")
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    ]


def _room(slot: str) -> str:
    return "norm" if slot == "conv_norm" else slot


def _source(slot: str) -> Iterator[ast.stmt]:
    home = INSTALLED / "models" / "components"
    for file in (*home.glob(f"{_room(slot)}.py"), *home.glob(f"{_room(slot)}/*.py")):
        yield from ast.parse(file.read_text(encoding="utf-8")).body


def zoo_names() -> tuple[str, ...]:
    """The zoo's names. Its files are data, but the package they are in imports torch; so where
    that was not imported yet, an empty package stands in for it meanwhile."""
    if PACKAGE in sys.modules:
        return tuple(import_module(f"{PACKAGE}.zoo").ZOO)
    sys.modules[PACKAGE] = stand_in = ModuleType(PACKAGE)
    stand_in.__path__ = [str(INSTALLED / "models")]
    try:
        return tuple(import_module(f"{PACKAGE}.zoo").ZOO)
    finally:
        for name in [each for each in sys.modules if each.startswith(PACKAGE)]:
            del sys.modules[name]


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
