"""The cost of detectors, part by part."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.detection import MaskRCNN, RetinaNet
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

import workbench as wb
from tests.tasks.test_detector import tiny
from workbench.cost.dense import BOXES, COCO, dense_cost
from workbench.cost.trace import trace_module
from workbench.errors import InputError
from workbench.models.ops import Size, conv, linear
from workbench.models.peers import timm_name
from workbench.published import BACKBONES, detection_rows
from workbench.tasks import detector


def test_the_backbone_is_the_network_without_its_head() -> None:
    size = Size(64, 96)
    found = dense_cost(tiny(), "retinanet", size).cost.by_stage["backbone"]
    traced = trace_module(detector(tiny()).backbone.body, "body", 3, size)
    assert (found.macs, found.params) == (traced.macs, traced.params)


def test_heads_of_retinanet_in_closed_form() -> None:
    """Four convolutions of 256 channels twice, then 80 classes and 4 sides for 9 anchors."""
    found = dense_cost(tiny(), "retinanet", Size(64, 96)).cost
    macs = params = 0
    for side in (Size(8, 12), Size(4, 6), Size(2, 3), Size(1, 2), Size(1, 1)):
        ops = [conv(256, 256, 3, side)] * 8 + [conv(256, 720, 3, side), conv(256, 36, 3, side)]
        macs += sum(op.macs for op in ops)
        params = sum(op.params for op in ops)
    assert (found.by_stage["head"].macs, found.by_stage["head"].params) == (macs, params)


def test_heads_of_mask_rcnn_in_closed_form() -> None:
    """1000 boxes through two linear layers, 100 masks through four convolutions and one up."""
    found = dense_cost(tiny(), "mask_rcnn", Size(64, 96)).cost
    box = [linear(256 * 49, 1024, 1), linear(1024, 1024, 1), linear(1024, 81, 1)]
    box.append(linear(1024, 324, 1))
    up = 256 * 256 * 4 * 14 * 14  # each position of the smaller map meets the whole kernel
    mask = [conv(256, 256, 3, 14)] * 4 + [conv(256, 81, 1, 28)]
    assert found.by_stage["box head"].macs == 1000 * sum(op.macs for op in box)
    assert found.by_stage["mask head"].macs == 100 * (sum(op.macs for op in mask) + up)
    assert found.total.params == sum(part.params for part in found.by_stage.values())


@pytest.mark.slow
@pytest.mark.parametrize("task", ["retinanet", "mask_rcnn"])
def test_each_part_is_what_torchs_own_counter_sees_as_the_detector_runs(task: str) -> None:
    """A second count by another tool, of the whole detector at work on one image."""
    size, classes = Size(64, 96), COCO + (task == "mask_rcnn")
    found = dense_cost(tiny(), task, size).cost.by_stage
    model = detector(tiny(), task, classes=classes, resize=None).eval()
    boxes: list[int] = []  # that the second stage looks at
    if isinstance(model, MaskRCNN):
        model.roi_heads.box_head.register_forward_pre_hook(
            lambda _, given: boxes.append(len(given[0]))
        )
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model([torch.rand(3, *size)])
    name = type(model).__name__
    seen = {
        path.removeprefix(f"{name}."): sum(each.values()) // 2
        for path, each in counter.get_flop_counts().items()
    }
    assert seen["backbone.fpn"] == found["fpn"].macs
    assert seen["backbone.body"] == found["backbone"].macs
    if task == "retinanet":
        assert seen["head"] == found["head"].macs
        assert seen[name] == sum(part.macs for part in found.values())
        return
    assert seen["rpn.head"] == found["rpn"].macs
    head = seen["roi_heads.box_head"] + seen["roi_heads.box_predictor"]
    assert head * BOXES == found["box head"].macs * boxes[0]


def test_a_detector_over_a_network_of_timms() -> None:
    found = dense_cost("timm:resnet18", "retinanet", Size(64, 96)).cost
    ours = RetinaNet(resnet_fpn_backbone(backbone_name="resnet18", weights=None), COCO)
    assert found.by_stage["head"].params == sum(p.numel() for p in ours.head.parameters())
    assert found.by_stage["backbone"].params == 11_689_512 - 513_000  # without its classifier
    with pytest.raises(InputError, match="unknown 'resnet19'"):
        dense_cost("timm:resnet19", "retinanet")


def test_what_was_published_of_timms_networks_is_found() -> None:
    for name in BACKBONES:
        assert timm_name(name)
        for framework in ("RetinaNet", "Mask R-CNN"):
            assert len(detection_rows(framework, name)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("task", "published", "params"), [
    ("retinanet", 231, 34.3),  # printed as 44.3, a misprint by ten
    ("mask_rcnn", 249, 44.5),
])  # fmt: skip
def test_cmt_s_costs_what_was_published_but_for_attention(
    task: str, published: int, params: float
) -> None:
    """Table 6 and 7 of the paper: its counter sees modules, and attention products are none."""
    found = dense_cost(wb.spec("cmt_s"), task)
    assert [int(row.gflops) for row in found.published] == [published]
    seen = (found.cost.macs - found.attention) / 1e9
    assert 0 < published - seen < 0.01 * published
    assert abs(found.cost.params / 1e6 - params) < 0.3


def test_a_transposed_convolution_counts_each_input() -> None:
    up = torch.nn.ConvTranspose2d(3, 5, 2, 2)
    assert trace_module(up, "up", 3, Size(4, 6)).macs == 3 * 5 * 4 * 24
