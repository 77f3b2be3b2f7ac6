"""A plan by its path or name, resolved: what every command that takes a plan begins with."""

from pathlib import Path

from workbench.plans.changes import Changes
from workbench.plans.file import read_plan
from workbench.plans.matching import Matched
from workbench.plans.resolution import Plan, resolve
from workbench.user_modules import import_modules

PLAN = "plan.json"  # in a results folder


def load_plan(
    plan: str | Path,
    changes: Changes | None = None,
    results: str | Path | None = None,
    costs_only: bool = False,
) -> Plan:
    """The plan at a path or under a bare name (`quickstart`), resolved.

    Where latency is to be equal, what an earlier sweep under `results` measured is kept. With
    `costs_only`, a plan that says its number of classes does without its images.
    Raises `InputError`, in one line that names the file and the key.
    """
    file, document = read_plan(plan)
    name = (changes.name if changes else None) or file.name
    known = measured_before(Path(results) / name) if results is not None else ()
    with document.located(_elsewhere(changes or Changes())):
        names = (*file.imports, *(changes.imports if changes else ()))
        imports = import_modules(names, document.path.parent)
        resolved = resolve(file, changes, known, costs_only)
    return resolved.model_copy(update={"imports": imports})


def _elsewhere(changes: Changes) -> frozenset[str]:
    """The keys that are not what the file says."""
    keys = {text.partition("=")[0].strip() for text in changes.settings}
    keys |= {"seeds"} if changes.seeds is not None else set()
    return frozenset(keys | ({"import"} if changes.imports else set()))


def measured_before(folder: Path) -> tuple[Matched, ...]:
    """How the variants of an earlier sweep were matched; none where there was no such sweep."""
    found = earlier_plan(folder)
    return tuple(row.matched for row in found.variants if row.matched) if found else ()


def earlier_plan(folder: Path) -> Plan | None:
    """The plan of an earlier sweep in `folder`; None where there was no such sweep."""
    try:
        return Plan.model_validate_json((folder / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
