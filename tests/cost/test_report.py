"""What `workbench cost` prints."""

import json

import pytest
from rich.console import Console

from workbench.cost.tables import cost_report, cost_table


def test_the_report_as_data() -> None:
    data = cost_report("cmt_digits", "lpu=none", resolution=16, batch=4).to_json()
    assert {"spec", "resolution", "params", "macs", "by_slot", "by_stage"} <= set(data)
    assert (data["spec"], data["resolution"]) == ("cmt_digits lpu=none", 16)
    assert sum(sums["macs"] for sums in data["by_slot"].values()) == data["macs"]
    assert sum(sums["params"] for sums in data["by_stage"].values()) == data["params"]
    assert data["training_memory"]["batch"] == 4
    assert data["speed"] is None
    json.dumps(data, allow_nan=False)


def test_the_report_as_a_table() -> None:
    report = cost_report("cmt_digits")
    console = Console(width=120)
    with console.capture() as capture:
        console.print(cost_table(report))
    text = capture.get()
    for expected in (f"{report.cost.macs:,}", "lpu", "downsample", "attention", "1 MAC ="):
        assert expected in text


@pytest.mark.slow
def test_speed_is_measured_by_request() -> None:
    report = cost_report("cmt_digits", speed=True)
    assert report.speed is not None
    assert report.to_json()["speed"]["images_per_second"] > 0


@pytest.mark.slow
def test_a_network_of_timm_has_no_slots() -> None:
    report = cost_report("timm:resnet18")
    assert report.to_json()["by_slot"] == {}
    assert report.cost.params == 11_689_512
