"""The plan kind `scaling`, and the plan of it that ships."""

import pytest

from workbench.errors import InputError
from workbench.plans.file import parse_plan
from workbench.plans.kinds import KINDS
from workbench.plans.load import load_plan

FIELDS = {
    "kind": "scaling", "name": "x", "recipe": "digits", "base": "cmt_s", "growth": 2.0,
}  # fmt: skip


@pytest.mark.slow
def test_rows_cost_the_same_and_compare_to_compound() -> None:
    plan = load_plan("scaling_strategies", costs_only=True)
    base, *scaled = plan.variants
    assert [variant.name for variant in scaled] == [
        "compound", "depth only", "dim only", "resolution only",
    ]  # fmt: skip
    assert all(abs(variant.macs / base.macs / 2.35 - 1) <= 0.01 for variant in scaled)
    compared = [variant.compared_to for variant in plan.variants]
    assert compared == [None, "base", "compound", "compound", "compound"]
    assert len({variant.params for variant in plan.variants}) == 5
    assert plan.published == ("cmt_scaling",)


def test_strategies_and_their_direction_can_be_chosen() -> None:
    file = parse_plan({**FIELDS, "strategies": ["dim", "depth"]})
    assert isinstance(file, KINDS["scaling"])
    rows = file.choices()
    assert [(row.name, row.compared_to) for row in rows] == [
        ("base", None), ("dim only", "base"), ("depth only", "dim only"),
    ]  # fmt: skip


def test_study_is_sent_to_its_command() -> None:
    with pytest.raises(InputError, match="run it with: workbench study"):
        parse_plan({"kind": "scaling_study", "name": "x"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"growth": 0}, "growth: 0 is refused"),
        ({"strategies": ["width"]}, "strategies.0: unknown 'width'; nearest: 'depth'"),
        ({"strategies": []}, "strategies: there is none"),
        ({"beta": 0.9}, "beta: 0.9 is refused"),
        ({"growth": 2.2, "strategies": ["resolution"]}, "nearest: 2.132"),
    ],
)
def test_bad_plans_are_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_plan({**FIELDS, **changes}).choices()
    assert message in str(caught.value)
