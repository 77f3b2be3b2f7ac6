"""What watches a run: losses, progress, stopping, throughput and checkpoints."""

import math
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from workbench.config import EpochRecord, Outcome, Progress, RunConfig, Scalar
from workbench.train.best import Best
from workbench.train.checkpoint import (
    KEY,
    Saved,
    check_restored,
    random_state,
    restore_random_state,
    write_checkpoint,
)
from workbench.train.evaluation import Examiner
from workbench.train.module import Batch, RunModule
from workbench.train.score import Score

Emit = Callable[[Progress], None]
EMIT_SECONDS = 0.5
CHECK_STEPS = 25  # on a GPU: reading a loss waits for the device, so read them in batches


class Halt(Exception):  # noqa: N818 - the end of a run, not an error
    """Ends a run before its last epoch, with the outcome and the reason to record."""

    def __init__(
        self, outcome: Outcome, reason: str, step: int, details: tuple[tuple[str, Scalar], ...] = ()
    ) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.step = step
        self.details = details


class Losses:
    """The losses of an epoch's steps; every `every` steps they are read, and must be finite."""

    def __init__(self, every: int) -> None:
        self.last: float | None = None  # the latest that was read
        self._last_step = 0
        self._every = every
        self._pending: list[tuple[int, Tensor, int]] = []
        self._sum = 0.0
        self._images = 0

    def start_epoch(self) -> None:
        """Forgets the sums of the epoch before."""
        self._sum, self._images = 0.0, 0

    def add(self, step: int, loss: Tensor, images: int) -> None:
        """Notes the loss of `step` (from 1). Raises `Halt` when one that is due is not finite."""
        self._pending.append((step, loss, images))
        if len(self._pending) >= self._every:
            self.read()

    def read(self) -> None:
        """Reads what is pending. Raises `Halt` at the first loss that is not finite."""
        if not self._pending:
            return
        values = torch.stack([loss for _, loss, _ in self._pending]).tolist()
        for (step, _, images), value in zip(self._pending, values, strict=True):
            if not math.isfinite(value):
                self._pending = []
                raise self.diverged("training loss", value, step)
            self.last, self._last_step = value, step
            self._sum += value * images
            self._images += images
        self._pending = []

    @property
    def mean(self) -> float:
        """Mean over the epoch's images."""
        return self._sum / self._images

    def diverged(self, quantity: str, value: float, step: int) -> Halt:
        """The end of a run whose `quantity` is `value`, which is not finite."""
        before = "no loss before it was finite"
        if self.last is not None:
            before = f"the last finite training loss was {self.last:.6g} at step {self._last_step}"
        details = (("quantity", quantity), ("last_finite_loss", self.last))
        return Halt(
            Outcome.DIVERGED, f"{quantity} is {value} at step {step}; {before}", step, details
        )


class Pace:
    """Training throughput: images over seconds, without tests and without each epoch's start.

    The clock of an epoch runs from the end of its first step (of its third in the first epoch,
    where kernels are chosen and memory is claimed) to the end of its last.
    """

    def __init__(self, device: torch.device, steps: int) -> None:
        self._device = device
        self._steps = steps
        self._skip = min(3, steps - 1)
        self._started = 0.0
        self._images = self._total_images = 0
        self._total_seconds = 0.0

    def step(self, batch_idx: int, images: int) -> None:
        """Notes the end of the step `batch_idx` (from 0) of the epoch."""
        done = batch_idx + 1
        if done > self._skip:
            self._images += images
        if done == self._skip or (done == self._steps and self._skip):
            self._mark(done == self._steps)

    def _mark(self, last: bool) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now = perf_counter()
        if last:
            self._total_images += self._images
            self._total_seconds += now - self._started
            self._skip = min(1, self._steps - 1)
        self._images, self._started = 0, now

    @property
    def images_per_second(self) -> float | None:
        """None as long as no epoch of two or more steps is through."""
        return self._total_images / self._total_seconds if self._total_seconds else None


class Monitor(pl.Callback):
    """Reports a run, checks it, stops it and saves it. One callback: each costs every step."""

    def __init__(
        self,
        run: RunConfig,
        folder: Path,
        steps: int,
        device: torch.device,
        emit: Emit,
        should_stop: Callable[[], bool] | None,
        saved: Saved | None,
        examiner: Examiner,
    ) -> None:
        self.records: tuple[EpochRecord, ...] = saved.records if saved else ()
        self.pace = Pace(device, steps)
        self.step = saved.step if saved else 0
        self.began = False  # to train, from the start or from what was restored
        self._run, self._id = run, run.id
        self._folder = folder
        self._steps = steps
        self._device = device
        self._emit = emit
        self._should_stop = should_stop
        self._saved = saved
        self._examiner = examiner
        self._best = Best()
        self._losses = Losses(CHECK_STEPS if device.type == "cuda" else 1)
        self._started = self._epoch_started = self._emitted = perf_counter()

    @property
    def seconds(self) -> float:
        """Spent on the run so far, over all the sessions that led to its last checkpoint."""
        before = self._saved.seconds if self._saved else 0.0
        return before + perf_counter() - self._started

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self._saved:
            check_restored(trainer, len(self._saved.records))
            restore_random_state(self._saved.random, self._device)
        self.began = True

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._epoch_started = perf_counter()
        self._losses.start_epoch()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        self.step += 1
        images = len(batch[0])
        self._losses.add(self.step, outputs["loss"], images)
        self.pace.step(batch_idx, images)
        now = perf_counter()
        if now - self._emitted >= EMIT_SECONDS:
            self._losses.read()
            self._report(batch_idx + 1, now)
        self._check_stop()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, RunModule)
        self._losses.read()
        done, epochs = len(self.records) + 1, self._run.recipe.epochs
        reading = self._examiner.read(module, done, self._check_stop)
        test, validation = reading.scores()
        self._refuse_infinite(test, validation)
        if done == epochs:
            self._examiner.keep(reading)  # before the end is told: what has ended has evidence
        now = perf_counter()
        record = EpochRecord(
            epoch=len(self.records),
            train_loss=self._losses.mean,
            test_loss=test.loss if test else None,
            top1=test.top1 if test else None,
            lr=module.lr,
            seconds=now - self._epoch_started,
            validation_loss=validation.loss if validation else None,
            validation_top1=validation.top1 if validation else None,
        )
        self.records += (record,)
        self._best.see(record, module)
        # Told before it is saved: killed in between, the epoch is told twice, never lost.
        self._report(self._steps, now, record)
        if done % self._run.recipe.checkpoint_every == 0 or done == epochs:
            write_checkpoint(trainer, self._folder)

    def _refuse_infinite(self, test: Score | None, validation: Score | None) -> None:
        for quantity, score in (("test loss", test), ("validation loss", validation)):
            if score and score.loss is not None and not math.isfinite(score.loss):
                raise self._losses.diverged(quantity, score.loss, self.step)

    def saved(self) -> Saved:
        """How far the run has come."""
        return Saved(
            run=self._id,
            records=self.records,
            step=self.step,
            seconds=self.seconds,
            images_per_second=self.pace.images_per_second,
            random=random_state(self._device),
            evaluation=self._examiner.facts(),
        )

    def on_save_checkpoint(
        self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[KEY] = self.saved().state()
        self._best.save(checkpoint)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._best.restore(checkpoint)

    def _report(self, step: int, now: float, record: EpochRecord | None = None) -> None:
        self._emitted = now
        progress = Progress(
            run=self._id,
            epoch=record.epoch if record else len(self.records),
            epochs=self._run.recipe.epochs,
            step=step,
            steps=self._steps,
            loss=self._losses.last,
            record=record,
        )
        self._emit(progress)

    def _check_stop(self) -> None:
        if self._should_stop is not None and self._should_stop():
            raise Halt(Outcome.INTERRUPTED, f"stopped at step {self.step}", self.step)
