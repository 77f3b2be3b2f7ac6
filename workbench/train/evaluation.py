"""What a network says of held-out images, one by one, and the score that follows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.config import RunConfig, Scalar
from workbench.models.inspect import eval_mode
from workbench.train.evidence import Evidence, half, write_evidence
from workbench.train.module import Batch, RunModule
from workbench.train.parts import Parts
from workbench.train.precision import autocast
from workbench.train.score import ALSO, Answered, Score
from workbench.train.speed.compiling import uncompiled


class DeviceAnswers(NamedTuple):
    """By image, on the device of the network; batches are as they came."""

    labels: list[Tensor]  # (B,) of int64
    correct: list[Tensor]  # (B,) of bool
    loss: list[Tensor]  # (B,) of float32, of the true class
    confidence: list[Tensor]  # (B,) of float32, the probability of the class that it names

    @property
    def score(self) -> Score:
        """Exact over uneven batches: summed in double precision, read from the device once."""
        sums = [
            torch.stack((loss.double().sum(), correct.double().sum()))
            for loss, correct in zip(self.loss, self.correct, strict=True)
        ]
        loss, right = torch.stack(sums).sum(dim=0).tolist()
        images = sum(len(each) for each in self.labels)
        return Score(loss / images, 100.0 * right / images, self._further())

    def _further(self) -> dict[str, float]:
        labels, correct, confidence = (
            torch.cat(each).cpu() for each in (self.labels, self.correct, self.confidence)
        )
        return {
            "class-mean accuracy": class_mean(labels, correct),
            "calibration error": calibration_error(confidence.double(), correct),
        }

    def keep(self, folder: Path, run: str, test_set: str) -> None:
        """Right or wrong and the loss, for every image."""
        evidence = Evidence(
            run=run,
            test_set=test_set,
            labels=torch.cat(self.labels).cpu().numpy(),
            correct=torch.cat(self.correct).cpu().numpy(),
            loss=half(torch.cat(self.loss).cpu().numpy()),
        )
        write_evidence(folder, evidence)


@contextmanager
def testing(module: RunModule) -> Iterator[None]:
    """Eval mode, without gradients, in the recipe's precision; then training goes on as it was."""
    recipe = module.recipe
    precision = autocast(recipe, module.device)
    with eval_mode(module), torch.inference_mode(), precision, uncompiled(recipe):
        yield


def evaluate(
    module: RunModule, batches: Iterable[Batch], after_batch: Callable[[], None]
) -> DeviceAnswers:
    """The answers of the weights that are tested, in eval mode; training goes on as if nothing was.

    `after_batch` may raise, to stop in the middle.
    """
    answers = DeviceAnswers([], [], [], [])
    with testing(module):
        for images, labels in batches:
            images, labels = images.to(module.device), labels.to(module.device)
            logits = module(images).float()
            answers.labels.append(labels)
            answers.correct.append(logits.argmax(dim=1) == labels)
            answers.loss.append(F.cross_entropy(logits, labels, reduction="none"))
            answers.confidence.append(logits.softmax(dim=1).amax(dim=1))
            after_batch()
    return answers


def class_mean(labels: Tensor, correct: Tensor) -> float:
    """(N,) labels and what was right: accuracy averaged over the classes there are, in percent.

    The same as top-1 where every class has as many images.
    """
    images = labels.bincount()
    right = labels[correct].bincount(minlength=len(images))
    there = images > 0
    return 100.0 * float((right[there].double() / images[there]).mean())


def calibration_error(confidence: Tensor, correct: Tensor, bins: int = 15) -> float:
    """(N,) confidences and what was right: the expected calibration error, in percent.

    The mean over images of |accuracy - confidence| of their bin, of `bins` equal widths (Guo et
    al., On Calibration of Modern Neural Networks, ICML 2017, section 2).
    """
    which = (confidence * bins).ceil().long().clamp(1, bins) - 1
    apart = which.bincount(weights=correct.double() - confidence, minlength=bins)
    return 100.0 * float(apart.abs().sum()) / len(confidence)


class Evaluated(NamedTuple):
    """What one evaluation found; None where those images were not looked at."""

    test: Answered | None = None
    validation: Answered | None = None

    def scores(self) -> tuple[Score | None, Score | None]:
        """Of the test images and of the validation images."""
        test, validation = (each.score if each else None for each in self)
        return test, validation


class Examiner:
    """Evaluates a run as its recipe has it, and keeps the evidence at its end."""

    def __init__(self, run: RunConfig, folder: Path, parts: Parts, seconds: float = 0.0) -> None:
        self.seconds = seconds  # spent on evaluation so far, over all sessions
        self._run, self._folder, self._parts = run, folder, parts
        self._also: Mapping[str, float] = {}

    def read(self, module: RunModule, done: int, after_batch: Callable[[], None]) -> Evaluated:
        """After the `done`-th epoch, counted from 1: a point of the curve, the end, or nothing."""
        begin = perf_counter()
        reading = self._read(module, done, after_batch)
        self.seconds += perf_counter() - begin
        return reading

    def _read(self, module: RunModule, done: int, after_batch: Callable[[], None]) -> Evaluated:
        test, validation, points = self._parts.test, self._parts.validation, self._parts.points
        answer = self._parts.evaluate or evaluate
        if done == self._run.recipe.epochs:
            judged = answer(module, validation, after_batch) if validation else None
            return Evaluated(answer(module, test, after_batch), judged)
        if points is not None and not points.curve.due(done):
            return Evaluated()
        answers = answer(module, points.batches if points else validation or test, after_batch)
        return Evaluated(None, answers) if validation else Evaluated(answers)

    def keep(self, reading: Evaluated) -> None:
        """Writes the evidence, where the test images were read to the end of the run."""
        assert reading.test is not None
        self._also = reading.test.score.also
        reading.test.keep(self._folder, self._run.id, self._parts.test_set)

    def facts(self) -> dict[str, Scalar]:
        """For the checkpoint and, at the end, for the result."""
        curve = self._parts.points.curve._asdict() if self._parts.points else {}
        also = {f"{ALSO}{name}": value for name, value in self._also.items()}
        return {"seconds": self.seconds, **curve, **also}
