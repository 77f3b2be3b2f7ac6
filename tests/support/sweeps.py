"""Plans of networks of one stage, on random images, and sweeps whose fits are stand-ins."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from tests.support import fits
from tests.support.inline import INLINE, with_inline
from workbench.plans.changes import Changes
from workbench.plans.file import parse_plan
from workbench.plans.kinds import PlanFile
from workbench.plans.resolution import Plan, resolve
from workbench.runs.estimate import Estimate
from workbench.runs.sweep import SweepOptions


def preview(
    ref: str | Path,
    *,
    results: str | Path = "results",
    changes: Changes | None = None,
    options: SweepOptions,
    measure: bool = False,
) -> tuple[Plan, Estimate]:
    """What `--dry-run` prints of a plan."""
    from workbench.report.commands import planned, timed  # imports Optuna

    found = planned(ref, changes, options, results)
    return found, timed(found, results, options, measure)


SMALL = {
    "depth": [1], "dim": [8], "heads": [1], "stride": [2], "lpu": "dwconv", "position": "none",
    "mixer": "pool", "head": "gap",
}  # fmt: skip


@contextmanager
def with_small() -> Iterator[None]:
    """The zoo with `small` and `large`, of one stage and without attention: `heads` is in their
    specs and not in their networks."""
    from workbench.models.zoo import ZOO, Entry  # torch, which the workers do without

    with pytest.MonkeyPatch.context() as patch:
        zoo = cast(dict[str, Entry], ZOO)
        patch.setitem(zoo, "small", Entry("small", SMALL, "tests", base="columnar_digits"))
        patch.setitem(zoo, "large", Entry("small", {"dim": [16]}, "tests", base="small"))
        yield


@pytest.fixture(autouse=True, scope="module")
def small_zoo() -> Iterator[None]:
    """The same for all tests of a module, and an engine without processes."""
    with with_small(), with_inline():
        yield


RECIPE: dict[str, Any] = {
    "data": {"name": "synthetic", "train_size": 100, "test_size": 50},
    "epochs": 3, "batch_size": 10,
}  # fmt: skip
PATH: dict[str, Any] = {
    "kind": "additive",
    "name": "path",
    "seeds": 2,
    "recipe": RECIPE,
    "rows": [
        {"name": "small", "base": "small"},
        {"name": "large", "base": "large", "set": ["lpu=none"]},
        {"name": "+ LPU", "set": {"lpu": "dwconv"}},
    ],
}


def plan_file(**changes: Any) -> PlanFile:
    return parse_plan({**PATH, **changes})


def plan(changes: Changes | None = None, **fields: Any) -> Plan:
    with with_small():  # also where a module makes one as it is imported
        return resolve(plan_file(**fields), changes)


def options(fit: str = "quick", **fields: Any) -> SweepOptions:
    path = f"{fits.__name__}:{fit}"
    given = {"jobs": 2, "device": "cpu", "where": INLINE, **fields, "fit": path}
    return SweepOptions(**given)


def quiet() -> Console:
    """A console that is not a terminal; what it got is in `.file`."""
    return Console(file=StringIO(), width=200)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()
