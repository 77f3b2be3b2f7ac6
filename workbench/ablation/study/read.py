"""A study's folder, read back without Optuna's storage: what ships with a project."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.scaling.constants import Constants
from workbench.scaling.study import Study, Trial

PLAIN = ("number", "outcome", "reason", "network", "same_as", "macs", "params", "growth", "top1",
         "throughput")  # fmt: skip


def read_trials(folder: str | Path, study: Study) -> tuple[Trial, ...]:
    """The trials of `study` from `folder`/study.json, in their order.

    Raises `InputError` for a file that can't be read, and for one of another study, with the first
    key that differs.
    """
    place = Path(folder) / "study.json"
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        _check(data["space"], study.document(), place)
        paper = data["summary"]["paper"]
        return tuple(_trial(row, paper) for row in data["trials"])
    except InputError:  # a ValueError too
        raise
    except OSError as error:
        raise InputError(f"study: {place} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"study: {place} is damaged, or of another version") from None


def _check(written: Mapping[str, Any], wanted: Mapping[str, Any], place: Path) -> None:
    for key in sorted(written.keys() | wanted.keys()):
        if written.get(key) != wanted.get(key):
            raise InputError(
                f"study: {place} is of another one: {key} is {written.get(key)!r} there, "
                f"{wanted.get(key)!r} here"
            )


def _trial(row: Mapping[str, Any], paper: Mapping[str, Any] | None) -> Trial:
    constants = Constants(**{name: row[name] for name in Constants.model_fields})
    point = paper["point"] if paper and paper["number"] == row["number"] else None
    return Trial(
        **{name: row[name] for name in PLAIN},
        constants=constants,
        overrides=(),
        top1_by_seed=tuple(row["top1_by_seed"]),
        point=(point[0], point[1], point[2]) if point else None,
    )
