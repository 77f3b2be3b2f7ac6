"""Fit functions without a network, for tests of what surrounds a fit. They import no torch."""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from workbench.config import (
    DataConfig,
    EpochRecord,
    Outcome,
    Part,
    Progress,
    Recipe,
    Result,
    RunConfig,
    Spec,
    Stage,
)

Emit = Callable[[Progress], None]
ShouldStop = Callable[[], bool] | None
NAME = __name__  # as the workers must import it


def spec(name: str = "net", dim: int = 8) -> Spec:
    none = Part(name="none")
    stage = Stage(
        depth=1, dim=dim, heads=1, stride=2, downsample=none, position=none, lpu=none,
        mixer=none, ffn=none,
    )  # fmt: skip
    return Spec(
        name=name, resolution=8, channels=1, classes=10, drop_path=0.0, dropout=0.0, stem=none,
        norm=none, conv_norm=none, act=none, head=none, stages=(stage,),
    )  # fmt: skip


def config(variant: str = "net", seed: int = 0, dim: int = 8, epochs: int = 3) -> RunConfig:
    recipe = Recipe(epochs=epochs, data=DataConfig(train_size=100, test_size=50))
    return RunConfig(variant=variant, spec=spec(variant, dim), recipe=recipe, seed=seed)


def epoch_done(run: RunConfig, epoch: int) -> Progress:
    record = EpochRecord(
        epoch=epoch, train_loss=1 / (epoch + 1), test_loss=0.5, top1=50.0 + run.seed, lr=1e-3,
        seconds=0.01,
    )  # fmt: skip
    epochs = run.recipe.epochs
    return Progress(
        run=run.id, epoch=epoch, epochs=epochs, step=5, steps=5, loss=0.5, record=record
    )


def quick(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Counts its epochs in a file that plays the checkpoint, so that tests see what was repeated.

    `epochs.txt` has one line for each epoch trained.
    """
    checkpoint = folder / "last.ckpt"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(first, run.recipe.epochs):
        if should_stop is not None and should_stop():
            return Result(
                run=run.id, outcome=Outcome.INTERRUPTED, reason="asked to stop", step=epoch
            )
        with (folder / "epochs.txt").open("a") as log:
            log.write(f"{epoch}\n")
        checkpoint.write_text(str(epoch + 1))
        emit(epoch_done(run, epoch))
    return Result(
        run=run.id, outcome=Outcome.COMPLETED, step=5 * run.recipe.epochs, top1=60.0 + run.seed,
        test_loss=0.4, seconds=0.03, images_per_second=1000.0,
    )  # fmt: skip


def slow(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`quick`, of epochs that take a moment."""

    def emit_slowly(progress: Progress) -> None:
        emit(progress)
        time.sleep(0.05)

    return quick(run, folder, emit_slowly, device, should_stop)


def facts(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Reports on the process that it runs in."""
    print("printed by the run")
    details = (
        ("pid", os.getpid()),
        ("folder", str(Path.cwd())),
        ("threads", os.environ["OMP_NUM_THREADS"]),
        ("gpus", os.environ.get("CUDA_VISIBLE_DEVICES")),
        ("torch", "torch" in sys.modules),
        ("device", device),
    )
    return Result(run=run.id, outcome=Outcome.COMPLETED, details=details)


def killed_once(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Seed 0 dies of SIGKILL in its second epoch, the first time; others are `quick`."""
    marker = folder / "died"
    if run.seed == 0 and not marker.exists():
        marker.touch()
        (folder / "last.ckpt").write_text("1")
        (folder / "epochs.txt").write_text("0\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(run, folder, emit, device, should_stop)


def killed_always(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Seed 0 dies of SIGSEGV each time, in the thread that trains."""
    if run.seed == 0:
        with (folder / "attempts.txt").open("a") as log:
            log.write("x")
        ctypes.string_at(0)
    return quick(run, folder, emit, device, should_stop)


def raises(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Seed 0 raises; others are `quick`."""
    if run.seed == 0:
        raise ZeroDivisionError("the loss\nhas no scale")
    return quick(run, folder, emit, device, should_stop)


def deaf(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Never looks at `should_stop`."""
    emit(epoch_done(run, 0))
    time.sleep(60)
    raise AssertionError("it was to be killed")


HELD: list[object] = []


def holding(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Holds what data loaders hold, until its process is killed."""
    HELD.append(multiprocessing.get_context("spawn").Semaphore())
    return Result(run=run.id, outcome=Outcome.COMPLETED)
