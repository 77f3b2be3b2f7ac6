"""What a detector or a segmenter costs, part by part, and the published figure beside it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN, RetinaNet

from workbench.config import Spec, Task
from workbench.cost.closed import closed_form
from workbench.cost.record import Cost, OperatorCost, collect
from workbench.cost.trace import trace_part
from workbench.errors import unknown
from workbench.models.layout import layout, map_sizes
from workbench.models.ops import Size
from workbench.models.peers import timm_input, timm_maps
from workbench.published import PublishedDetector, detection_rows
from workbench.tasks import DETECTORS, Segmenter, detector, segmenter
from workbench.tasks.maps import Body, Maps, named_maps

DETECTION_SIZE = Size(800, 1280)  # of the papers' tables
PEER_STRIDE = 4  # of the largest map of a network of timm's that a detector takes
COCO = 80  # categories; Mask R-CNN has a class for the background beside them
BOXES, MASKS = 1000, 100  # that the heads of a two-stage detector look at, as published counts do
FRAMEWORKS = {"retinanet": "RetinaNet", "mask_rcnn": "Mask R-CNN"}

Entries = Iterator[OperatorCost]


@dataclass(frozen=True)
class DenseCost:
    """The cost of a network at work in a detector or a segmenter; stages of `cost` are parts."""

    task: str
    cost: Cost
    published: tuple[PublishedDetector, ...]

    @property
    def framework(self) -> str:
        """The detector, as papers name it."""
        return FRAMEWORKS[self.task]

    @cached_property
    def attention(self) -> int:
        """Multiply-adds of attention products, which counters of modules do not see."""
        return sum(entry.macs for entry in self.cost.entries if entry.kind == "attention")

    def to_json(self) -> dict[str, object]:
        """Plain data with every number unrounded."""
        published = [
            {
                "gmacs": float(row.gflops),
                "params_m": float(row.params_m) if row.params_m is not None else None,
                "difference": self.cost.macs / 1e9 - float(row.gflops),
                "difference_without_attention": (self.cost.macs - self.attention) / 1e9
                - float(row.gflops),
                "source": row.source,
                "note": row.note,
            }
            for row in self.published
        ]
        facts = self.cost.to_json()
        del facts["by_slot"]
        parts = facts.pop("by_stage")
        return {
            **facts,
            "task": self.task,
            "attention_macs": self.attention,
            "parts": parts,
            "published": published,
        }


def dense_cost(network: Spec | str, task: str, size: Size | None = None) -> DenseCost:
    """The cost of the detector `task` over `network`, on one image of `size`.

    `network` is a spec of ours or `timm:NAME`, whose maps of stride 4 and more are taken. As the
    published counts have it: 80 categories, and heads of two-stage detectors on 1000 boxes and 100
    masks. Raises `InputError` for an unknown task, a size that the strides do not divide, and a
    network without maps.
    """
    if task not in FRAMEWORKS:
        raise unknown("task", task, DETECTORS)
    size, classes = size or DETECTION_SIZE, COCO + (task == "mask_rcnn")
    if isinstance(network, Spec):
        named = Task.model_validate({"name": "detect", "model": task})
        cost = task_cost(network, named, classes, size)
    else:
        cost = collect(network, size, _peer_entries(network, task, classes, size))
    rows = detection_rows(FRAMEWORKS[task], cost.spec) if size == DETECTION_SIZE else ()
    return DenseCost(task, cost, rows)


def _peer_entries(name: str, task: str, classes: int, size: Size) -> Entries:
    """All of a detector over a network of timm's, which is traced without its head."""
    body, told = timm_maps(name, size)
    yield from trace_part(body, "backbone", torch.zeros(1, timm_input(name)[0], *size))
    least, make = DETECTORS[task]
    info = [each for each in told if each.stride >= max(least, PEER_STRIDE)]
    maps = [
        torch.zeros(1, each.channels, *(-(-side // each.stride) for side in size)) for each in info
    ]
    yield from detector_parts(make(Body(info), classes, 256, None, None), maps)


@lru_cache(maxsize=64)
def task_cost(spec: Spec, task: Task, classes: int, size: Size) -> Cost:
    """The cost of a detector or a segmenter as `task` has it, by part, on one image of `size`.

    The network is counted in closed form, without its head, the other parts by the trace.
    """
    body = [
        entry._replace(stage="backbone")
        for entry in closed_form(spec, size).entries
        if entry.stage != "head"
    ]
    options: dict[str, Any] = {
        "classes": classes, "out_indices": task.stages, "channels": task.channels,
    }  # fmt: skip
    if task.name == "segment":
        made = segmenter(spec, task.chosen, **options)
        parts = _decoder_entries(made, _maps(made.body, spec, size))
    else:
        model = detector(spec, task.chosen, norm=task.norm, **options)
        parts = [*detector_parts(model, _maps(model.backbone.body, spec, size))]
    return collect(spec.name, size, [*body, *parts])


def _maps(body: Maps, spec: Spec, size: Size) -> list[Tensor]:
    """Zeros in the shapes of the maps that a decoder gets."""
    sizes = map_sizes(layout(spec).axis(), size)[1:]
    return [
        torch.zeros(1, info.channels, *sizes[index])
        for info, index in zip(body.info, body.out_indices, strict=True)
    ]


def _decoder_entries(model: Segmenter, maps: list[Tensor]) -> list[OperatorCost]:
    model.decoder.add_module("backbone", nn.Identity())  # counted apart

    def decode(inner: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        assert isinstance(inner, Segmenter)
        return (inner.classifier(inner.decoder.decode(given)),)

    return trace_part(_Over(model, decode), "decoder", *maps)


def detector_parts(model: RetinaNet | MaskRCNN, maps: list[Tensor]) -> Entries:
    """All of a detector of torchvision's but its backbone, on the maps that this gives."""
    fpn = _Over(model.backbone.fpn, lambda fpn, given: tuple(fpn(named_maps(given)).values()))
    yield from trace_part(fpn, "fpn", *maps)
    with torch.no_grad():
        positions = sum(level.shape[2] * level.shape[3] for level in fpn(*maps))
    channels = model.backbone.out_channels
    if isinstance(model, RetinaNet):
        head = _Over(model.head, lambda head, given: tuple(head(list(given)).values()))
        yield from _everywhere(positions, "head", head, channels)
        return
    rpn = _Over(model.rpn.head, _scores_and_boxes)
    yield from _everywhere(positions, "rpn", rpn, channels)
    heads = model.roi_heads
    box = nn.Sequential(heads.box_head, heads.box_predictor)
    mask = nn.Sequential(heads.mask_head, heads.mask_predictor)
    yield from _times(BOXES, trace_part(box, "box head", torch.zeros(1, channels, 7, 7)))
    yield from _times(MASKS, trace_part(mask, "mask head", torch.zeros(1, channels, 14, 14)))


def _scores_and_boxes(head: nn.Module, levels: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    scores, boxes = head(list(levels))
    return (*scores, *boxes)


def _everywhere(positions: int, part: str, head: nn.Module, channels: int) -> Entries:
    """A head that is the same convolutions at every position of every level: traced at one."""
    return _times(positions, trace_part(head, part, torch.zeros(1, channels, 1, 1)))


def _times(count: int, entries: list[OperatorCost]) -> Entries:
    for entry in entries:
        macs, elements = entry.macs * count, entry.elements * count
        yield entry._replace(macs=macs, elements=elements)


class _Over(nn.Module):
    """A module as the trace takes it: tensors in, tensors out."""

    def __init__(
        self,
        inner: nn.Module,
        call: Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...]],
    ) -> None:
        super().__init__()
        self.inner = inner
        self._call = call

    def forward(self, *maps: Tensor) -> tuple[Tensor, ...]:
        return self._call(self.inner, maps)
