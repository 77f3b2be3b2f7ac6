"""Stand-ins for training a run of a sweep. Workers import this file, and it imports little."""

import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from workbench.config import EpochRecord, Outcome, Progress, Result, RunConfig

Emit = Callable[[Progress], None]
ShouldStop = Callable[[], bool] | None


def train(
    run: RunConfig, folder: Path, tell: Callable[[int], None], should_stop: ShouldStop
) -> Result | None:
    """A line in `epochs.txt` for each epoch it trains; `last.ckpt` holds how many there were.

    `WB_EPOCH_SECONDS` makes an epoch last. A result is that of a run that was stopped.
    """
    checkpoint = folder / "last.ckpt"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(first):  # told again, as `fit` does
        tell(epoch)
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
        tell(epoch)
    return None


def progress(run: RunConfig, record: EpochRecord) -> Progress:
    """What is told at the end of an epoch."""
    return Progress(
        run=run.id, epoch=record.epoch, epochs=run.recipe.epochs, step=5, steps=5, loss=0.5,
        record=record,
    )  # fmt: skip


def quick(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Better the wider it is, with a point for the seed."""

    def tell(epoch: int) -> None:
        record = EpochRecord(
            epoch=epoch, train_loss=1 / (epoch + 1), test_loss=0.5, top1=50.0 + epoch, lr=1e-3,
            seconds=0.25,
        )  # fmt: skip
        emit(progress(run, record))

    top1 = 50.0 + run.spec.stages[0].dim + run.seed
    return train(run, folder, tell, should_stop) or Result(
        run=run.id, outcome=Outcome.COMPLETED, step=5 * run.recipe.epochs, top1=top1,
        test_loss=0.4, seconds=0.03, images_per_second=1000.0,
    )  # fmt: skip


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

    Each end adds a line to `ends.txt` beside the folders. `WB_STOP_AFTER` ends the sweep of this
    process, as if by Ctrl-C, once there are so many.
    """
    result = quick(run, folder, emit, device, should_stop)
    lost = 25.0 if run.spec.stages[0].lpu.name == "none" else 0.0
    noise = Random(f"{run.variant} {run.seed}").gauss(0, 0.3)
    with (folder.parent / "ends.txt").open("a") as ends:
        ends.write(f"{run.variant} {run.seed}\n")
    if len((folder.parent / "ends.txt").read_text().splitlines()) == int(
        os.environ.get("WB_STOP_AFTER", "-1")
    ):
        os.kill(os.getpid(), signal.SIGINT)
    return result.model_copy(update={"top1": 80.0 - lost + noise})


def rated(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`quick`, best at a learning rate of 0.002, and `large` at 0.004; at 0.1 it diverges."""
    result = quick(run, folder, emit, device, should_stop)
    rate = run.recipe.optimiser.lr
    if rate == 0.1:
        return result.model_copy(update={"outcome": Outcome.DIVERGED, "reason": "loss is nan"})
    best = 0.004 if run.spec.stages[0].dim == 16 else 0.002
    found = (result.top1 or 0.0) - abs(math.log2(rate / best)) + run.seed
    return result.model_copy(update={"top1": found, "validation_top1": found - 1})


def killed(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`rated`, until a fifth run is through an epoch: then this process is killed outright."""

    def told(progress: Progress) -> None:
        emit(progress)
        if len(list(folder.parent.glob("*/epochs.txt"))) == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    return rated(run, folder, told, device, should_stop)


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
