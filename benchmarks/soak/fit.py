"""A stand-in for training: epochs of some milliseconds, checkpoints, evidence, and no torch."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from workbench.config import EpochRecord, Outcome, Progress, Result, RunConfig

EPOCH_SECONDS = 0.02
IMAGES = 40


def fit(
    run: RunConfig,
    folder: Path,
    emit: Callable[[Progress], None],
    device: str = "auto",
    should_stop: Callable[[], bool] | None = None,
) -> Result:
    """Its numbers follow from the run's id alone, so that any other number is a fault."""
    checkpoint = folder / "last.ckpt"
    done = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(done):
        emit(_told(run, epoch))
    for epoch in range(done, run.recipe.epochs):
        time.sleep(EPOCH_SECONDS)
        if should_stop is not None and should_stop():
            reason = f"stopped at epoch {epoch}"
            return Result(run=run.id, outcome=Outcome.INTERRUPTED, reason=reason, step=epoch)
        half = folder / "last.ckpt.tmp"
        half.write_text(str(epoch + 1))
        os.replace(half, checkpoint)
        emit(_told(run, epoch))
    right = _answer(run, folder)
    return Result(
        run=run.id, outcome=Outcome.COMPLETED, step=run.recipe.epochs, top1=100 * right / IMAGES,
        test_loss=Random(run.id).random(), seconds=EPOCH_SECONDS, images_per_second=1.0,
    )  # fmt: skip


def _told(run: RunConfig, epoch: int) -> Progress:
    number = Random(f"{run.id} {epoch}").random()
    record = EpochRecord(
        epoch=epoch, train_loss=number, test_loss=number, top1=100 * number, lr=1e-3,
        seconds=EPOCH_SECONDS,
    )  # fmt: skip
    return Progress(
        run=run.id, epoch=epoch, epochs=run.recipe.epochs, step=1, steps=1, loss=number,
        record=record,
    )  # fmt: skip


def _answer(run: RunConfig, folder: Path) -> int:
    import numpy as np

    from workbench.train.evidence import Evidence, write_evidence

    random = np.random.default_rng(int(run.id[:8], 16))
    correct = random.random(IMAGES) < 0.5
    loss = random.random(IMAGES).astype(np.float16)
    labels = np.arange(IMAGES) % 10
    write_evidence(folder, Evidence(run.id, "soak", labels, correct, loss))
    return int(correct.sum())
