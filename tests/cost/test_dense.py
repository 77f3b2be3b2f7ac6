"""The cost of detectors, part by part."""

import pytest
import torch

import workbench as wb
from tests.tasks.test_detector import tiny
from workbench.cost.dense import dense_cost
from workbench.cost.trace import trace_module
from workbench.models.ops import Size, conv, linear
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
