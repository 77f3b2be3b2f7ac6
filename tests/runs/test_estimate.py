"""A dry run counts what a teacher costs, also in rows that it does not time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.sweeps import RECIPE, plan, plan_file
from workbench.config import RunConfig
from workbench.cost import cost
from workbench.engine import divide
from workbench.models import build, spec
from workbench.plans.resolution import Plan, resolve
from workbench.runs import estimate as estimates
from workbench.runs.estimate import Timing, estimate, step_macs
from workbench.train.saved import save

Measured = tuple[dict[str, Timing], dict[str, str]]
IMAGES = RECIPE["epochs"] * RECIPE["data"]["train_size"]


def test_weights_that_no_one_has_named_yet_are_left_out_and_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = plan_file(kind="list", seeds=[0], recipe={**RECIPE, "teacher": {}, "init": {}}, rows=[
        {"name": "taught", "base": "small"},
        {"name": "alone", "set": {"recipe.teacher": None}},
    ])  # fmt: skip
    short = list[RunConfig]()

    def measured(_: Plan, rows: Mapping[str, RunConfig], *__: object) -> Measured:
        short.extend(rows.values())
        return {name: Timing(train=1e-3, test=0.0, start=0.0) for name in rows}, {}

    monkeypatch.setattr(estimates, "_measure", measured)
    found = estimate(resolve(file, costs_only=True), divide(1, 2, "cpu"), "cpu")
    assert {(run.recipe.teacher, run.recipe.init) for run in short} == {(None, None)}
    assert found.runs.keys() == {"taught", "alone"}
    assert found.note is not None
    assert found.note.endswith("--set recipe.teacher.weights=FILE")


def test_a_step_of_the_head_alone_is_a_forward_pass() -> None:
    rows = [{"name": "all", "base": "small"}, {"name": "head", "set": "recipe.freeze=body"}]
    found = plan(kind="list", rows=rows)
    steps = [step_macs(row, found.recipe_of(row)) for row in found.variants]
    assert steps == [3 * found.variants[0].macs, found.variants[0].macs]


@pytest.mark.slow
def test_a_teachers_look_takes_its_share_of_rows_that_are_not_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps take a nanosecond for each MAC: three passes of the row, and one of its teacher."""
    teaching = spec("cmt_digits", classes=10, resolution=32, drop_path=0.0)
    folder = save(build(teaching), tmp_path / "teacher")
    dense = {"head": "class_attention"}
    tokens: dict[str, Any] = {"kind": "tokens", "weights": str(folder)}
    found = plan(
        kind="list", seeds=[0], set={"resolution": 32},
        rows=[
            {"name": "alone", "base": "small"},
            {"name": "taught", "set": {"recipe.teacher.weights": str(folder)}},
            {"name": "tokens", "set": {**dense, "recipe.teacher": tokens}},
            {"name": "large", "base": "large", "set": {"dim": 64, **dense}},
            {"name": "large, taught", "base": "large",
             "set": {"dim": 64, **dense, "recipe.teacher.weights": str(folder)}},
        ],
    )  # fmt: skip
    macs, looks = {row.name: row.macs for row in found.variants}, cost(teaching).macs
    steps = {name: 3 * each + looks * ("taught" in name) for name, each in macs.items()}
    timed = set[str]()

    def measured(_: Plan, rows: Mapping[str, RunConfig], *__: object) -> Measured:
        timed.update(rows)
        return {name: Timing(train=1e-9 * steps[name], test=0.0, start=0.0) for name in rows}, {}

    monkeypatch.setattr(estimates, "_measure", measured)
    runs = estimate(found, divide(1, 5, "cpu"), "cpu").runs
    assert timed == {"alone", "large, taught"}
    expected = {name: 1e-9 * IMAGES * each for name, each in steps.items()}
    expected["tokens"] += 1e-9 * RECIPE["data"]["train_size"] * looks  # once, before training
    assert runs == pytest.approx(expected)
