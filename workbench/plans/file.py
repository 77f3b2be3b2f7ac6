"""Finding a plan file and reading it."""

from pathlib import Path

from workbench.errors import InputError, unknown, unknown_key
from workbench.parsing import parse
from workbench.plans.document import Document, read_document
from workbench.plans.kinds import KINDS, PlanFile
from workbench.plans.kinds.base import SeedRace
from workbench.plans.shipped import STUDY, SUFFIXES, named_plans

__all__ = ["STUDY", "find_plan", "parse_plan", "read_plan"]


def read_plan(ref: str | Path) -> tuple[PlanFile, Document]:
    """The plan at a path, or under a bare name in ./ablations or among those of the project.

    With the file that it stands in. Raises `InputError`, in one line that names the file, and line
    and column of the fault.
    """
    document = read_document(find_plan(ref))
    with document.located():
        data = document.data
        if isinstance(data, dict) and data.get("kind") == STUDY:
            raise InputError(f"is a study; run it with: workbench study {ref}")
        return parse_plan(data), document


def find_plan(ref: str | Path, study: bool = False) -> Path:
    """The file that `ref` means: a path, or the name of a plan or a study, or of a file here."""
    path, text = Path(ref), str(ref)
    if path.suffix in SUFFIXES or "/" in text:
        if not path.exists():
            raise InputError(f"{text} does not exist", key="plan")
        return path
    named = named_plans(study)
    here = [Path(f"{text}{suffix}") for suffix in SUFFIXES]
    places = (named.get(text), *here, named_plans(not study).get(text))
    found = next((place for place in places if place and place.exists()), None)
    if found is None:
        raise unknown("study" if study else "plan", text, named)
    return found


def parse_plan(data: object) -> PlanFile:
    """A plan from what its YAML says."""
    if not isinstance(data, dict):
        raise InputError("not a plan: it is not a mapping of keys to values")
    for key in data:
        if not isinstance(key, str):
            raise InputError(f"{key!r} is refused: keys are words", key="key")
    if "kind" not in data:
        raise InputError(f"missing; choose from: {', '.join(KINDS)}", key="kind", about="missing")
    kind = str(data["kind"])
    if kind == STUDY:
        raise InputError(
            f"{kind!r} is no plan but a study; run it with: workbench study", key="kind"
        )
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    if "race" in data:  # how it is kept, not how it is written
        raise unknown_key("race", set(KINDS[kind].model_fields) - {"race"})
    return parse(KINDS[kind], _with_race(data), "")


def _with_race(data: dict[str, object]) -> dict[str, object]:
    """`seeds: {min, max, stop}` as the seeds there may be, and the race over them."""
    written = data.get("seeds")
    if not isinstance(written, dict):
        return data
    race = parse(SeedRace, written, "seeds")
    if race.max < race.min:
        raise InputError(f"{race.max} is refused: it is less than min, {race.min}", key="seeds.max")
    return {**data, "seeds": race.max, "race": race}
