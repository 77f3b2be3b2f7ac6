"""A study's folder, read back without Optuna's storage, its base or its images: what ships with a
project."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.scaling.constants import Constants, Exponents
from workbench.scaling.surface import Surface, surface
from workbench.study.file import StudyFile, parse_study
from workbench.study.trials import Trial, checked

STUDY_JSON = "study.json"
ELSEWHERE = ("base", "recipe")  # keys of the space whose sum is what the study began with

PLAIN = ("number", "outcome", "reason", "network", "same_as", "macs", "params", "growth", "top1",
         "throughput")  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A study that was run: enough to tell of it, not to go on with it."""

    file: StudyFile  # without its base and recipe, which `space` has in full
    surface: Surface
    space: Mapping[str, Any]
    trials: tuple[Trial, ...]  # in their order

    def document(self) -> dict[str, object]:
        """See `Study.document`."""
        return dict(self.space)


def is_study(folder: str | Path) -> bool:
    """Whether a study has written its results here."""
    return (Path(folder) / STUDY_JSON).is_file()


def read_study(folder: str | Path) -> StoredStudy:
    """The study of `folder`/study.json. Raises `InputError` for a file that can't be read."""
    with _reading(folder) as data:
        space, found = data["space"], data["surface"]
        named = {key: data[key] for key in ("question", "top") if key in data}
        file = parse_study(
            {"name": data["study"], "base": "", "recipe": {}, **named, **_keys(space)}
        )
        exponents = Exponents(**found["exponents"])
        whole = surface(found["growth"], exponents, file.bounds)
        return StoredStudy(file, whole, space, tuple(_trials(data)))


def _keys(space: Mapping[str, Any]) -> dict[str, object]:
    """The keys of a study file, from dotted ones."""
    found = dict[str, Any]()
    for key, value in space.items():
        name, _, rest = key.partition(".")
        if name not in ELSEWHERE:
            found = found | {name: found.get(name, {}) | {rest: value} if rest else value}
    return found | {"exponents": [found["exponents"][name] for name in Exponents.model_fields]}


@contextmanager
def _reading(folder: str | Path) -> Iterator[Any]:
    """What `folder`/study.json holds; an error of the file, or of what is in it, is one line."""
    place = Path(folder) / STUDY_JSON
    try:
        yield json.loads(place.read_text(encoding="utf-8"))
    except InputError as error:  # a ValueError too
        raise error if error.place else error.but(place=str(place)) from None
    except OSError as error:
        raise InputError(f"{place} can't be read: {error.strerror}", key="study") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise InputError(f"{place} is damaged, or of another version", key="study") from None


def _trials(data: Any) -> Iterator[Trial]:
    ends = (data["summary"]["best"], data["summary"]["paper"])
    known = {end["number"]: end for end in ends if end}
    for row in data["trials"]:
        yield _trial(row, known.get(row["number"], {}))


def _trial(row: Mapping[str, Any], known: Mapping[str, Any]) -> Trial:
    """A row; of the best and of the paper's choice more is `known`."""
    return checked(
        **{name: row[name] for name in PLAIN},
        constants={name: row[name] for name in Constants.model_fields},
        overrides=known.get("overrides", ()),
        top1_by_seed=row["top1_by_seed"],
        point=known.get("point"),
    )
