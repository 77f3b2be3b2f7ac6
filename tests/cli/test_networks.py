"""`workbench cost` and `models`."""

import json

import pytest

from tests.support.command import Run


def test_cost_prints_slots_stages_and_the_convention(run: Run) -> None:
    ran = run("cost", "cmt_digits", "lpu=none")
    assert ran.code == 0
    for word in ("cmt_digits lpu=none at 8 pixels", "slot", "stage", "mixer", "1 MAC = one"):
        assert word in ran.out


def test_cost_as_json_has_the_keys_and_the_same_numbers(run: Run) -> None:
    data = json.loads(run("cost", "cmt_digits", "--resolution", "16", "--json").out)
    assert {"spec", "resolution", "params", "macs", "by_slot", "by_stage"} <= set(data)
    assert data["resolution"] == 16
    assert data["macs"] == sum(part["macs"] for part in data["by_slot"].values())
    assert data["params"] == sum(part["params"] for part in data["by_stage"].values())


def test_a_resolution_holds_for_the_networks_beside(run: Run) -> None:
    words = ("cost", "cmt_ti", "--beside", "cmt_s", "--resolution", "192", "--json")
    found = json.loads(run(*words).out)["networks"]
    assert {each["resolution"] for each in found} == {192}


def test_models_filters_by_family(run: Run) -> None:
    data = json.loads(run("models", "--family", "cmt", "--json").out)
    assert {row["name"] for row in data["models"]} == {"cmt_ti", "cmt_xs", "cmt_s", "cmt_b"}


def test_models_keeps_published_macs_and_top1_in_80_columns(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("models", "--family", "levit").out.splitlines()
    assert {"G", "top-1"} <= set(lines[0].split())
    assert len(lines) <= 24
