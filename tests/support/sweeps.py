"""Plans of networks of one stage, on random images, and stand-ins for training."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from rich.console import Console

from workbench.config import EpochRecord, Outcome, Progress, Result, RunConfig
from workbench.plans.changes import Changes
from workbench.plans.file import parse_plan
from workbench.plans.kinds import PlanFile
from workbench.plans.resolution import Plan, resolve
from workbench.runs.sweep import SweepOptions

NAME = __name__  # as the workers must import it
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
    """The same for all tests of a module."""
    with with_small():
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
    return SweepOptions(**{"jobs": 2, "device": "cpu", **fields, "fit": f"{NAME}:{fit}"})


def quiet() -> Console:
    """A console that is not a terminal; what it got is in `.file`."""
    return Console(file=StringIO(), width=200)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


# ---------------------------------------------------------------- fits

Emit = Callable[[Progress], None]
ShouldStop = Callable[[], bool] | None


def quick(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """A line in `epochs.txt` for each epoch it trains; `last.ckpt` holds how many there were.

    `WB_EPOCH_SECONDS` makes an epoch last.
    """
    checkpoint = folder / "last.ckpt"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(first):  # told again, as `fit` does
        emit(_epoch(run, epoch))
    for epoch in range(first, run.recipe.epochs):
        time.sleep(float(os.environ.get("WB_EPOCH_SECONDS", "0")))
        if should_stop is not None and should_stop():
            reason = f"stopped at step {epoch}"
            return Result(run=run.id, outcome=Outcome.INTERRUPTED, reason=reason, step=epoch)
        with (folder / "epochs.txt").open("a") as log:
            log.write(f"{epoch}\n")
        half = folder / "last.ckpt.tmp"
        half.write_text(str(epoch + 1))
        os.replace(half, checkpoint)
        emit(_epoch(run, epoch))
    top1 = 50.0 + run.spec.stages[0].dim + run.seed
    return Result(
        run=run.id, outcome=Outcome.COMPLETED, step=5 * run.recipe.epochs, top1=top1,
        test_loss=0.4, seconds=0.03, images_per_second=1000.0,
    )  # fmt: skip


def _epoch(run: RunConfig, epoch: int) -> Progress:
    record = EpochRecord(
        epoch=epoch, train_loss=1 / (epoch + 1), test_loss=0.5, top1=50.0 + epoch, lr=1e-3,
        seconds=0.25,
    )  # fmt: skip
    epochs = run.recipe.epochs
    return Progress(
        run=run.id, epoch=epoch, epochs=epochs, step=5, steps=5, loss=0.5, record=record
    )


def mixed(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """In seed 1 `large` diverges, and `+ LPU` raises unless `mended` lies beside the folders."""
    if run.seed == 1 and run.variant == "large":
        details = (("quantity", "training loss"), ("last_finite_loss", None))
        return Result(
            run=run.id, outcome=Outcome.DIVERGED, reason="loss is nan at step 7", step=7,
            test_loss=float("nan"), details=details,
        )  # fmt: skip
    if run.seed == 1 and run.variant == "+ LPU" and not (folder.parent / "mended").exists():
        raise RuntimeError("out of luck")
    return quick(run, folder, emit, device, should_stop)


def raising(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Never works."""
    raise RuntimeError("out of memory")


def noisy(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`quick`, with a top-1 that moves with the seed; without an LPU it is 25 points less.

    Each end adds a line to `ends.txt` beside the folders. `WB_STOP_AFTER` ends the parent's sweep,
    as if by Ctrl-C, once there are so many.
    """
    result = quick(run, folder, emit, device, should_stop)
    lost = 25.0 if run.spec.stages[0].lpu.name == "none" else 0.0
    noise = Random(f"{run.variant} {run.seed}").gauss(0, 0.3)
    with (folder.parent / "ends.txt").open("a") as ends:
        ends.write(f"{run.variant} {run.seed}\n")
    if len((folder.parent / "ends.txt").read_text().splitlines()) == int(
        os.environ.get("WB_STOP_AFTER", "-1")
    ):
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(0.3)
    return result.model_copy(update={"top1": 80.0 - lost + noise})


def every_end(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """How the run ends stands in the name of its variant."""
    outcome = run.variant.split()[0]
    if outcome == "failed":
        raise RuntimeError("out of luck")
    result = quick(run, folder, emit, device, should_stop)
    if outcome == "diverged":
        reason = f"training loss is nan at step {7 + run.seed}; the last finite training loss was 2"
        return result.model_copy(
            update={"outcome": Outcome.DIVERGED, "reason": reason, "step": 7 + run.seed}
        )
    if outcome in ("pruned", "interrupted"):
        return result.model_copy(update={"outcome": Outcome(outcome), "reason": "no hope left"})
    return result
