"""Detectors: their losses in training, and COCO's average precision."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torchmetrics.detection import MeanAveragePrecision
from torchvision.ops import box_iou

from workbench.data.scenes.moves import Target
from workbench.train.evaluation import testing
from workbench.train.evidence import write_by_image
from workbench.train.module import Batch, RunModule
from workbench.train.score import Score
from workbench.train.tasks.pictures import SURE, Pictures

MASK_INK = 0.5  # of a predicted mask, from where on a pixel belongs to the object
SIZES = ("small", "medium", "large")
OVERLAP = 0.5  # the least IoU of a box with the object that it finds


class DetectionLoss:
    """The sum of a detector's losses; targets are the objects of each image.

    With `background`, class 0 is the background, as in two-stage detectors.
    """

    def __init__(self, background: bool) -> None:
        self._shift = int(background)

    def __call__(
        self, network: nn.Module, images: Tensor, targets: list[Target], epoch: int, step: int
    ) -> Tensor:
        told = [{**each, "labels": each["labels"] + self._shift} for each in targets]
        losses: dict[str, Tensor] = network(list(images), told)
        return torch.stack(tuple(losses.values())).sum()


class Found(NamedTuple):
    """What became of one image: its objects, those that were found, and boxes in vain."""

    objects: int
    found: int
    false: int


def found_of(said: Target, true: Target) -> Found:
    """Boxes of a score of `SURE` and more, the surest first, each take the object of their class
    that they overlap most and that is not yet taken. A box on a crowd of its class is passed over.
    """
    crowd = true.get("iscrowd", torch.zeros_like(true["labels"])).bool()
    left = ~crowd
    objects, false = int(left.sum()), 0
    overlaps = box_iou(said["boxes"], true["boxes"])
    overlaps = overlaps * (said["labels"][:, None] == true["labels"][None])
    for index in said["scores"].argsort(descending=True):
        if said["scores"][index] < SURE:
            break
        free = overlaps[index] * left
        if len(free) and free.max() >= OVERLAP:
            left[free.argmax()] = False
        else:
            false += not bool((overlaps[index] * crowd).any())
    return Found(objects, objects - int(left.sum()), false)


@dataclass(frozen=True)
class Detections:
    """What a detector found in held-out images."""

    metric: MeanAveragePrecision
    pictures: Pictures
    masks: bool
    found: Sequence[Found]  # by image
    images: Sequence[str]  # the names of all test images

    @property
    def score(self) -> Score:
        """AP over IoU from 0.5 to 0.95 in percent, as COCO has it; of boxes."""
        found = self.metric.compute()
        prefix = "bbox_" if self.masks else ""
        also = {
            "AP50": f"{prefix}map_50",
            "AP75": f"{prefix}map_75",
            **{f"AP {size}": f"{prefix}map_{size}" for size in SIZES},
        }
        if self.masks:
            also |= {"AP of masks": "segm_map", "AP50 of masks": "segm_map_50"}
        values = {name: 100.0 * float(found[key]) for name, key in also.items()}
        known = {name: value for name, value in values.items() if value >= 0}  # -1: none there
        return Score(None, max(0.0, 100.0 * float(found[f"{prefix}map"])), known)

    def keep(self, folder: Path, run: str, test_set: str) -> None:
        """The first test images, with what is in them and what was found; counts of all."""
        self.pictures.write(folder, run)
        counts = dict(zip(Found._fields, zip(*self.found, strict=True), strict=True))
        write_by_image(folder, run, test_set, self.images, counts)


def detect(
    module: RunModule,
    batches: Iterable[Batch],
    after_batch: Callable[[], None],
    names: Sequence[str],
    background: bool,
    images: Sequence[str] = (),
) -> Detections:
    """What the weights that are tested find; training goes on as if nothing was."""
    kinds: tuple[Literal["bbox", "segm"], ...] = ("bbox", "segm") if background else ("bbox",)
    metric = MeanAveragePrecision(iou_type=kinds, backend="pycocotools")
    metric.warn_on_many_detections = False
    pictures, counts = Pictures(tuple(names)), list[Found]()
    with testing(module):
        for batch, targets in batches:
            found = module.tested([image.to(module.device) for image in batch])
            told = [_found(each, background) for each in found]
            metric.update(told, [_true(each) for each in targets])
            counts += map(found_of, told, targets)
            pictures.add(batch, targets, told)
            after_batch()
    return Detections(metric, pictures, background, counts, images)


def _found(each: Target, background: bool) -> Target:
    found = {key: value.detach().cpu() for key, value in each.items()}
    found["boxes"] = found["boxes"].float()
    found["labels"] = found["labels"] - int(background)
    if "masks" in found:
        found["masks"] = found["masks"][:, 0] > MASK_INK
    return found


def _true(each: Target) -> Target:
    return {**each, "masks": each["masks"].bool()} if "masks" in each else each
