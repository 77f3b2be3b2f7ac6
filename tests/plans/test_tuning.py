"""`tune` and `robust` as they are written, and what is refused of them."""

import re
from typing import Any

import pytest

from tests.support.sweeps import RECIPE, plan
from workbench.errors import InputError
from workbench.plans.differences import differences
from workbench.plans.resolution import Plan

LR = "recipe.optimiser.lr"


def asked(**fields: Any) -> Plan:
    written = {"on": "validation", **fields}
    return plan(tune={LR: [0.001, 0.002]} | written if LR not in written else written)


def test_a_request_is_kept_with_the_plan_and_has_validation_images() -> None:
    found = asked(seeds=2)
    assert found.tuning is not None
    assert found.tuning.space == {"optimiser.lr": (0.001, 0.002)}
    assert (found.tuning.trials, found.tuning.seeds, found.tuning.sampler) == (2, (0, 1), "grid")
    assert found.recipe.data.validation == 0.1
    assert plan().recipe.data.validation is None
    assert Plan.model_validate_json(found.model_dump_json()) == found


def test_another_request_is_another_plan() -> None:
    lines = differences(asked(), asked(seeds=2)).changed
    assert lines == ("tune: seeds (0,) -> (0, 1)",)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({LR: [0.001]}, r"tune.recipe.optimiser.lr: \[0.001\] is refused: .*at least two values"),
        ({LR: [0.001, 0.001, 0.002]}, "one stands there twice"),
        ({LR: {"low": 0.01, "high": 0.01}, "sampler": "tpe", "trials": 3}, "high must be more"),
        ({LR: {"low": 0, "high": 0.01, "log": True}, "sampler": "tpe", "trials": 3}, "more than 0"),
        ({LR: {"low": 0.001, "high": 0.01}}, "a grid needs listed values"),
        ({LR: [1e-6, 1e-3]}, "tune.recipe.optimiser.lr: 1e-06 is refused: the schedule would peak "
                             "at 1e-06, which is not above schedule.min_lr, 1e-05"),
        ({"recipe.schedule.warmup_epochs": [1, 3]}, "3 is refused: 3 epochs of warm-up leave"),
        ({"on": "test"}, "tune.on: 'test' is refused: choices are made on validation images"),
        ({"trials": 3}, "tune.trials: 3 is refused: the grid has 2"),
        ({"sampler": "tpe"}, "tune.trials: missing"),
        ({"sampler": "random"}, "tune.sampler: unknown 'random'; "),
        ({"sampler": "cmaes", "trials": 3, LR: {"low": 1e-3, "high": 1e-2}},
         "tune.sampler: 'cmaes' is refused: it samples two ranges or more"),
        ({"sampler": "qmc", "trials": 3, "recipe.epochs": [3, 4], "recipe.batch_size": [10, 20]},
         "tune.sampler: 'qmc' is refused: it knows two keys at most"),
        ({"seeds": 0}, "tune.seeds: "),
        ({"optimiser.lr": [1, 2]}, "tune.optimiser.lr: unknown 'lr'|optimiser.lr"),
        ({"recipe.optimiser.lrr": [1, 2]}, "unknown 'recipe.optimiser.lrr'; nearest: 'recipe.opt"),
        ({"recipe.data.test_size": [10, 20]}, "it is|is refused: it is no choice of training|is"),
        ({LR: [-1, 0.001]}, "tune.recipe.optimiser.lr: -1 is refused: it must be more than 0"),
    ],
)  # fmt: skip
def test_what_is_refused_of_tuning_is_one_line(fields: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as refused:
        asked(**fields)
    assert re.search(line, str(refused.value)), refused.value
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("tune", "set_", "line"),
    [
        ({LR: [0.001, 0.002]}, {LR: 0.01}, "variant 'own': recipe.optimiser.lr: is refused beside"),
        ({LR: [0.001, 0.002]}, {"recipe.data.validation": None},
         "variant 'own': recipe.data.validation: null is refused: values are chosen on validation"),
        ({LR: [0.001, 0.002]}, {"recipe.schedule.min_lr": 0.0015},
         "variant 'own': tune.recipe.optimiser.lr: 0.001 is refused: the schedule would peak"),
        ({"recipe.optimiser.momentum": [0.8, 0.9]}, {"recipe.label_smoothing": 0.1},
         "tune.recipe.optimiser.momentum: is refused: it changes nothing of how rows are trained"),
    ],
)  # fmt: skip
def test_a_row_that_tuning_does_not_suit_is_named(
    tune: dict[str, Any], set_: dict[str, Any], line: str
) -> None:
    rows = [{"name": "small", "base": "small"}, {"name": "own", "set": set_}]
    with pytest.raises(InputError) as refused:
        plan(tune=tune, rows=rows)
    assert line in str(refused.value)


def test_a_key_that_acts_in_one_row_may_be_tuned() -> None:
    rows = [{"name": "adamw", "base": "small"}, {"name": "sgd", "set": "recipe.optimiser.name=sgd"}]
    found = plan(tune={"recipe.optimiser.momentum": [0.8, 0.9]}, rows=rows)
    assert found.tuning is not None


def test_tuning_without_validation_images_is_refused() -> None:
    recipe = {**RECIPE, "data": {**RECIPE["data"], "validation": None}}
    with pytest.raises(InputError, match=r"recipe.data.validation: null is refused: values are"):
        plan(tune={LR: [0.001, 0.002]}, recipe=recipe)


def test_every_row_at_every_value_is_compared_at_its_own_value() -> None:
    found = plan(robust={LR: [0.0005, 0.001]})
    assert [row.name for row in found.variants] == [
        "small, lr=0.0005", "large, lr=0.0005", "+ LPU, lr=0.0005",
        "small, lr=0.001", "large, lr=0.001", "+ LPU, lr=0.001",
    ]  # fmt: skip
    assert [row.compared_to for row in found.variants[3:]] == [
        None, "small, lr=0.001", "large, lr=0.001",
    ]  # fmt: skip
    assert [(row.of, row.at) for row in found.variants[:2]] == [("small", 0.0005), ("large", 5e-4)]
    assert found.robust == "optimiser.lr"
    assert [found.recipe_of(row).optimiser.lr for row in found.variants[2:4]] == [0.0005, 0.001]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"robust": {LR: [0.001]}}, "robust.recipe.optimiser.lr: .*at least two values"),
        ({"robust": {LR: [0.001, 1e-7]}}, "1e-07 is refused: the schedule would peak"),
        ({"robust": {"lpu": ["none"]}}, "robust.lpu: unknown 'lpu'; write recipe.KEY"),
        ({"robust": {LR: [1e-3, 2e-3]}, "tune": {LR: [1e-3, 2e-3]}}, "robust: is refused beside"),
    ],
)
def test_what_is_refused_of_robust_is_one_line(fields: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line):
        plan(**fields)
