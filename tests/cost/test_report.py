"""What `workbench cost` prints."""

import json
from typing import Any

import pytest
from rich.console import Console
from torch import nn

from workbench.cost.printouts import beside_table, cost_printout
from workbench.cost.report import column_reports, columns_json, cost_report
from workbench.cost.speed import Speed, measure_speed
from workbench.errors import InputError
from workbench.show.terminal import view


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
        console.print(view(cost_printout(report)))
    text = capture.get()
    for expected in (f"{report.cost.macs:,}", "lpu", "downsample", "attention", "1 MAC ="):
        assert expected in text


@pytest.mark.slow
def test_speed_is_measured_by_request_and_of_folded_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[nn.Module] = []

    def watched(model: nn.Module, *rest: Any, **named: Any) -> Speed:
        seen.append(model)
        return measure_speed(model, *rest, **named, seconds=0.0)

    monkeypatch.setattr("workbench.cost.report.measure_speed", watched)
    report = cost_report("levit_128s", "resolution=32", speed=True, device="cpu")
    assert report.speed is not None
    assert report.to_json()["speed"]["images_per_second"] > 0
    assert not any(isinstance(module, nn.BatchNorm2d) for module in seen[0].modules())


def test_a_device_that_is_not_here_is_refused() -> None:
    with pytest.raises(InputError, match="device: 'cudaa' is not here; choose from: auto, cpu"):
        cost_report("cmt_digits", speed=True, device="cudaa")


@pytest.mark.slow
def test_networks_stand_side_by_side_by_one_convention() -> None:
    reports = column_reports(["cmt_digits", "timm:resnet18"])
    without, _ = column_reports(["cmt_digits", "cmt_digits"], overrides=("lpu=none",))
    assert without.cost.params < reports[0].cost.params
    listed = columns_json(reports)["networks"]
    assert [row["spec"] for row in listed] == ["cmt_digits", "timm:resnet18"]
    console = Console(width=160)
    with console.capture() as capture:
        console.print(view(beside_table(reports)))
    row = next(line for line in capture.get().splitlines() if "resnet18" in line)
    assert row.split() == [
        *("timm:resnet18", "224", "11.69", "1.814", "1.814", "0.001", "0.000"),
        *("2.48", "2.48", "2.31", f"{reports[1].memory.peak / 2**20:.0f}"),
    ]  # speed was not asked for, so that its cells are empty


@pytest.mark.slow
def test_a_network_of_timm_has_no_slots() -> None:
    report = cost_report("timm:resnet18")
    assert report.to_json()["by_slot"] == {}
    assert report.cost.params == 11_689_512
