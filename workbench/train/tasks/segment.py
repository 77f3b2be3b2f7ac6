"""Segmenters: cross-entropy over pixels, and the mean intersection over union."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.data.scenes.scene import IGNORED
from workbench.train.evaluation import testing
from workbench.train.evidence import write_by_image
from workbench.train.module import Batch, RunModule
from workbench.train.score import Score
from workbench.train.tasks.pictures import Pictures

COLUMNS = ("pixels", "right", "miou")  # of each image


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
    by_image: Mapping[str, Sequence[float]]  # pixels, those that are right, and the mIoU
    pictures: Pictures
    images: Sequence[str]  # the names of all test images

    @property
    def score(self) -> Score:
        """Mean over the classes that are there of the intersection over union, in percent."""
        pixels = max(1, int(self.confusion.sum()))
        accuracy = 100.0 * int(self.confusion.trace()) / pixels
        return Score(self.loss / pixels, miou(self.confusion), {"pixel accuracy": accuracy})

    def keep(self, folder: Path, run: str, test_set: str) -> None:
        """The first test images, with their classes and those that were said; scores of all."""
        self.pictures.write(folder, run)
        write_by_image(folder, run, test_set, self.images, self.by_image)


def miou(confusion: Tensor) -> float:
    """Of (classes, classes), over the classes that are there or were said, in percent."""
    right = confusion.diagonal()
    union = confusion.sum(dim=1) + confusion.sum(dim=0) - right
    there = union > 0
    each = 100.0 * right[there].double() / union[there]
    return float(each.mean())


def segment(
    module: RunModule,
    batches: Iterable[Batch],
    after_batch: Callable[[], None],
    names: Sequence[str],
    images: Sequence[str] = (),
) -> Segmented:
    """What the weights that are tested say; training goes on as if nothing was."""
    count, found = len(names), list[Tensor]()
    loss = torch.zeros((), dtype=torch.float64, device=module.device)
    confusion, pictures = torch.zeros(count, count, dtype=torch.int64), Pictures(tuple(names))
    with testing(module):
        for batch, classes in batches:
            classes = classes.to(module.device)
            logits = module.tested(batch.to(module.device)).float()
            loss += F.cross_entropy(logits, classes, ignore_index=IGNORED, reduction="sum").double()
            said = logits.argmax(dim=1)
            each = _confusion(classes, said, count).cpu()
            found.append(_scores(each))
            confusion += each.sum(dim=0)
            pictures.add_maps(batch, classes.cpu(), said.cpu())
            after_batch()
    columns = torch.cat(found).unbind(1)
    by_image = {key: each.tolist() for key, each in zip(COLUMNS, columns, strict=True)}
    return Segmented(confusion, float(loss), by_image, pictures, images)


def _confusion(true: Tensor, said: Tensor, count: int) -> Tensor:
    """Classes (B, H, W), both, to (B, count, count): how many pixels are of each pair."""
    which = torch.arange(len(true), device=true.device)[:, None, None]
    pairs = (which * count + true) * count + said
    bins = len(true) * count**2
    return torch.bincount(pairs[true != IGNORED], minlength=bins).view(-1, count, count)


def _scores(confusion: Tensor) -> Tensor:
    """(B, count, count) to (B, 3), what `COLUMNS` names."""
    pixels, right = confusion.sum(dim=(1, 2)), confusion.diagonal(dim1=1, dim2=2).sum(dim=1)
    each = torch.tensor([miou(one) for one in confusion], dtype=torch.float64)
    return torch.stack((pixels.double(), right.double(), each), dim=1)
