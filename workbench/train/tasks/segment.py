"""Segmenters: cross-entropy over pixels, and the mean intersection over union."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.data.scenes.scene import IGNORED
from workbench.train.evaluation import testing
from workbench.train.module import Batch, RunModule
from workbench.train.score import Score
from workbench.train.tasks.pictures import Pictures


class SegmentationLoss:
    """Mean cross-entropy; targets are the classes (B, H, W) of pixels, 255 where none counts."""

    def __init__(self, smoothing: float) -> None:
        self._smoothing = smoothing

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor, epoch: int, step: int
    ) -> Tensor:
        logits = network(images).float()
        return F.cross_entropy(
            logits, targets, ignore_index=IGNORED, label_smoothing=self._smoothing
        )


@dataclass(frozen=True)
class Segmented:
    """What a segmenter said of held-out images, over all their pixels."""

    confusion: Tensor  # (classes, classes) of int64: true class by row, said class by column
    loss: float  # sum over pixels
    names: Sequence[str]
    pictures: Pictures

    @property
    def score(self) -> Score:
        """Mean over the classes that are there of the intersection over union, in percent."""
        right, true, said = (
            self.confusion.diagonal(), self.confusion.sum(dim=1), self.confusion.sum(dim=0)
        )  # fmt: skip
        union = true + said - right
        there = union > 0
        each = 100.0 * right[there].double() / union[there]
        pixels = max(1, int(true.sum()))
        accuracy = 100.0 * int(right.sum()) / pixels
        return Score(self.loss / pixels, float(each.mean()), {"pixel accuracy": accuracy})

    def keep(self, folder: Path, run: str, test_set: str) -> None:
        """The first test images, with their classes and those that were said."""
        self.pictures.write(folder, run)


def segment(
    module: RunModule,
    batches: Iterable[Batch],
    after_batch: Callable[[], None],
    names: Sequence[str],
) -> Segmented:
    """What the weights that are tested say; training goes on as if nothing was."""
    count = len(names)
    confusion = torch.zeros(count * count, dtype=torch.int64, device=module.device)
    loss = torch.zeros((), dtype=torch.float64, device=module.device)
    pictures = Pictures(tuple(names))
    with testing(module):
        for images, classes in batches:
            classes = classes.to(module.device)
            logits = module.tested(images.to(module.device)).float()
            loss += F.cross_entropy(logits, classes, ignore_index=IGNORED, reduction="sum").double()
            said = logits.argmax(dim=1)
            counts = classes != IGNORED
            pairs = classes[counts] * count + said[counts]
            confusion += torch.bincount(pairs, minlength=count * count)
            pictures.add_maps(images, classes.cpu(), said.cpu())
            after_batch()
    return Segmented(confusion.view(count, count).cpu(), float(loss), names, pictures)
