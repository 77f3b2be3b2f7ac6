"""Finding a plan file and reading it."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from workbench.config import parse
from workbench.errors import InputError, unknown, unknown_key
from workbench.plans.kinds import KINDS, PlanFile
from workbench.plans.kinds.base import SeedRace
from workbench.plans.location import located
from workbench.plans.shipped import STUDY, SUFFIXES, named_plans

__all__ = ["STUDY", "find_plan", "load_plan_file", "parse_plan", "read_yaml"]


def load_plan_file(ref: str | Path) -> PlanFile:
    """The plan at a path, or under a bare name in ./ablations or among those of the project.

    Raises `InputError`, in one line that names the file, and line and column of the fault.
    """
    path = find_plan(ref)
    try:
        data = read_yaml(path)
        if isinstance(data, dict) and data.get("kind") == STUDY:
            raise InputError(f"is a study; run it with: workbench study {ref}")
        return parse_plan(data)
    except InputError as error:
        raise located(error, path) from None


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


def _with_race(data: dict[str, Any]) -> dict[str, Any]:
    """`seeds: {min, max, stop}` as the seeds there may be, and the race over them."""
    written = data.get("seeds")
    if not isinstance(written, dict):
        return data
    race = parse(SeedRace, written, "seeds")
    if race.max < race.min:
        raise InputError(f"{race.max} is refused: it is less than min, {race.min}", key="seeds.max")
    return {**data, "seeds": race.max, "race": race}


class _Loader(yaml.SafeLoader):
    """Safe, and a key that stands twice in a mapping is an error: the first one would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> object:
    """What the file says. Raises `InputError` with line and column where it does not parse."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 text: byte {error.start} is {error.object[error.start]:#x}"
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _marked(error) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"not YAML: {' '.join(str(error).split())}") from None


def _marked(error: yaml.MarkedYAMLError) -> InputError:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return InputError(_fault(error.problem or error.context or "not YAML"), place=place)


FAULTS = (  # what YAML's own words for the usual slips mean
    (r"'\\t' that cannot start", "a tab; indent with spaces"),
    (r"character (?P<it>'.') that cannot start", "{it} can't begin a value; put it in quotes"),
    (r"found '<(block|scalar)", "the indentation does not fit that of the lines above"),
    (
        r"mapping values are not allowed",
        "a ':' too many, or none in the line above; or the indentation",
    ),
    (r"could not find expected ':'", "the line above is no key: value"),
    (r"unexpected end of stream", "a quotation mark is not closed"),
    (r"expected ',' or (?P<it>'.')", "a list or mapping is not closed with {it}"),
    (r"undefined alias '(?P<it>.*)'", "*{it} is an alias in YAML; put it in quotes"),
    (r"for the tag (?P<it>'.*')", "{it} is a tag in YAML; put it in quotes"),
)


def _fault(problem: str) -> str:
    for pattern, text in FAULTS:
        if found := re.search(pattern, problem):
            return text.format_map(found.groupdict())
    return problem
