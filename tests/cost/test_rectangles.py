"""Costs on images of any size: the closed form is the trace, entry by entry."""

import pytest
import torch

import workbench as wb
from workbench.cost.check import checked_cost
from workbench.cost.report import cost_report
from workbench.cost.target import parsed_resolution
from workbench.errors import InputError
from workbench.models import ZOO
from workbench.models.ops import Size

CHEAP = {"cmt_digits": (16, 40), "cmt_cifar": (64, 32), "deit_digits": (10, 24)}
CHEAP |= {"levit_128s": (32, 80), "levit_128s_a5": (48, 32), "volo_d1": (32, 48)}
CHEAP |= {"cmt_ti": (32, 64), "deit_ti": (32, 48), "deit_s_4stage": (32, 64)}


@pytest.mark.parametrize(("name", "size"), CHEAP.items(), ids=CHEAP)
def test_closed_form_equals_the_trace(name: str, size: tuple[int, int]) -> None:
    made = wb.spec(name)
    cost = checked_cost(made, Size(*size))
    assert cost.size == size
    assert cost.params == wb.cost(made).params  # tables are resized, not trained anew
    assert wb.cost(made, resolution=size).macs == cost.macs


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(ZOO) - set(CHEAP)))
def test_closed_form_equals_the_trace_over_the_zoo(name: str) -> None:
    """With one block a stage; that more repeat it is in `test_exact.py`."""
    checked_cost(wb.spec(name, "depth=1"), Size(32, 64))


def test_at_home_it_is_the_cost_of_the_spec() -> None:
    made = wb.spec("cmt_s")
    assert wb.cost(made, resolution=224).entries == wb.cost(made).entries
    there = wb.cost(wb.spec("cmt_s", resolution=320))
    assert wb.cost(made, resolution=320).macs == there.macs
    assert wb.cost(made, resolution=320).params < there.params


def test_the_papers_size_for_detection_in_closed_form() -> None:
    cost = wb.cost(wb.spec("cmt_s"), resolution=(800, 1280))
    assert cost.to_json()["resolution"] == [800, 1280]
    assert cost.macs == wb.cost(wb.spec("cmt_s"), resolution=(1280, 800)).macs


def test_names_take_two_sides_too() -> None:
    report = cost_report("cmt_digits", resolution=(16, 40))
    assert report.cost.size == (16, 40)
    assert report.memory.peak > cost_report("cmt_digits").memory.peak
    with pytest.raises(InputError, match="speed"):
        cost_report("cmt_digits", resolution=(16, 40), speed=True)


@pytest.mark.parametrize("text", ["8x", "axb", "1x2x3", "-8", ""])
def test_a_resolution_is_a_side_or_two(text: str) -> None:
    with pytest.raises(InputError, match="resolution"):
        parsed_resolution(text)
    assert parsed_resolution("800x1280") == (800, 1280)
    assert parsed_resolution("224") == 224
    with pytest.raises(InputError, match="nearest: 768, 800"):
        wb.cost(wb.spec("cmt_s"), resolution=(799, 1280))


def test_a_component_that_counts_by_sides_says_so() -> None:
    with torch.device("meta"):
        site = wb.build(wb.spec("cmt_digits")).stages[0].blocks[0].mixer.site
    with pytest.raises(InputError, match=r"site\.size"):
        type(site).side.fget(type("Oblong", (), {"size": Size(2, 3)})())
