"""Rows that change training: their own recipe, and what is refused of it."""

import re
from typing import Any

import pytest

from tests.support.sweeps import RECIPE, plan
from workbench.config import Recipe, RunConfig
from workbench.errors import InputError
from workbench.plans.changes import Changes
from workbench.plans.differences import differences
from workbench.plans.file import parse_plan
from workbench.plans.resolution import Plan, resolve

LR = "recipe.optimiser.lr"


def listed(*rows: dict[str, Any], **fields: Any) -> Plan:
    first = {"name": "as it is", "base": "small"}
    return plan(kind="list", rows=[first, *rows], **fields)


def test_a_row_trains_with_its_own_recipe_and_the_others_with_that_of_the_plan() -> None:
    found = listed({"name": "slow", "set": {LR: 1e-4, "lpu": "none"}})
    first, slow = found.variants
    assert (first.recipe, found.recipe_of(first)) == (None, found.recipe)
    assert slow.changed == "recipe.optimiser.lr=0.0001, lpu=none"
    rates = {run.variant: run.recipe.optimiser.lr for run in found.runs()}
    assert rates == {"as it is": 1e-3, "slow": 1e-4}
    assert slow.spec.stages[0].lpu.name == "none"


def test_ids_of_rows_without_a_recipe_are_those_of_before() -> None:
    found = plan()
    for run in found.runs():
        before = RunConfig(variant="x", spec=run.spec, recipe=found.recipe, seed=run.seed)
        assert run.id == before.id


@pytest.mark.parametrize(
    "written",
    [
        {"recipe": {"optimiser": {"lr": 0.01, "weight_decay": 0.0}}},
        {LR: 0.01, "recipe.optimiser": {"weight_decay": 0.0}},
        ["recipe.optimiser.lr=1e-2", "recipe.optimiser.weight_decay=0"],
    ],
)
def test_keys_may_be_nested_dotted_or_text(written: object) -> None:
    found = listed({"name": "other", "set": written}).variants[1].recipe
    assert found is not None
    assert (found.optimiser.lr, found.optimiser.weight_decay) == (0.01, 0.0)


def test_steps_of_a_path_build_on_the_training_of_the_row_before() -> None:
    rows = [
        {"name": "a", "base": "small"},
        {"name": "b", "set": {LR: 0.01}},
        {"name": "c", "set": {"recipe.label_smoothing": 0.1}},
        {"name": "d", "base": "large"},
    ]
    found = plan(rows=rows)
    recipes = [found.recipe_of(row) for row in found.variants]
    assert [(each.optimiser.lr, each.label_smoothing) for each in recipes] == [
        (1e-3, 0), (0.01, 0), (0.01, 0.1), (1e-3, 0),
    ]  # fmt: skip
    assert [row.compared_to for row in found.variants] == [None, "a", "b", "c"]


def test_every_value_of_a_factor_of_training_but_the_one_there_is() -> None:
    written = {"kind": "one_factor", "name": "f", "recipe": RECIPE, "base": "small"}
    found = resolve(parse_plan({**written, "factor": LR, "values": [1e-4, 1e-3, 1e-2]}))
    assert [row.name for row in found.variants] == ["baseline", f"{LR}=0.0001", f"{LR}=0.01"]


def test_nothing_at_all_is_a_value_of_a_factor() -> None:
    written = {"kind": "one_factor", "name": "f", "recipe": RECIPE, "base": "small"}
    key = "recipe.optimiser.clip_grad"
    found = resolve(parse_plan({**written, "factor": key, "values": [None, 1.0]}))
    assert [row.name for row in found.variants] == ["baseline", f"{key}=1.0"]


@pytest.mark.parametrize("kind", ["leave_one_out", "factorial", "pairs"])
def test_toggles_of_training_stand_beside_those_of_the_network(kind: str) -> None:
    toggles = {"LPU": "lpu=none", "smoothing": {"recipe.label_smoothing": 0.1}}
    written = {"kind": kind, "name": "t", "recipe": RECIPE, "base": "small", "toggles": toggles}
    rows = {row.name: row for row in resolve(parse_plan(written)).variants}
    own = rows["without smoothing"].recipe
    assert own is not None
    assert own.label_smoothing == 0.1
    assert rows["without LPU"].recipe is None
    if kind != "leave_one_out":
        both = rows["without LPU, smoothing"]
        assert (both.recipe, both.spec.stages[0].lpu.name) == (own, "none")


def test_what_all_rows_set_is_the_recipe_of_the_plan_and_a_row_has_the_last_word() -> None:
    changes = Changes(settings=("recipe.epochs=2", "recipe.batch_size=20"))
    found = resolve(
        parse_plan({
            "kind": "list", "name": "l", "recipe": RECIPE, "base": "small",
            "set": {"recipe.epochs": 5, "dim": 4},
            "rows": [{"name": "a"}, {"name": "b", "set": {"recipe.batch_size": 25}}],
        }),
        changes,
    )  # fmt: skip
    sizes = [(each.epochs, each.batch_size) for each in map(found.recipe_of, found.variants)]
    assert sizes == [(2, 20), (2, 25)]
    assert found.variants[0].overrides == ("dim=4",)


def test_the_notes_name_the_rows_that_train_otherwise() -> None:
    assert "Trained otherwise than the recipe says: slow;" in " ".join(
        listed({"name": "slow", "set": {LR: 1e-4}}).notes
    )
    assert not plan().notes


@pytest.mark.parametrize(
    ("set_", "line"),
    [
        ({LR: 1e-3}, "its network is the same as that of 'as it is', trained alike, so that"),
        ({"recipe.checkpoint_every": 3}, "changes nothing"),
        ({"recipe.evaluate.every": 2}, "changes nothing"),
        ({"recipe.optimiser.momentum": 0.5}, "changes nothing"),  # of AdamW
        ({"recipe.optimiser.lr_batch": 10}, "changes nothing"),  # the batch size
        ({"recipe.schedule.warmup_lr": 1e-5}, "changes nothing"),
        ({"recipe.augment.mixup_prob": 0.5}, "changes nothing"),
        ({"recipe.augment": {"cutmix": 0, "crop_scale": 0.5}}, "changes nothing"),
        ({"recipe.optimiser.lrr": 1}, "recipe.optimiser.lrr: unknown 'lrr'; nearest: 'lr'"),
        ({"recipe.epochs": 0}, "recipe.epochs: 0 is refused"),
        ({"recipe.optimiser.name": "adamx"}, "unknown 'adamx'; nearest: .*adam"),
        ({"recipe": "digits"}, "set its keys, recipe.KEY=VALUE"),
        ({"optimiser.lr": 1}, r"unknown 'optimiser.lr'; nearest: 'recipe.optimiser.lr'"),
        ({"recipe.data.test_size": 20}, "recipe.data.test_size: 20 is refused: .*same test images"),
        ({"recipe.data.name": "digits"}, "recipe.data.name: 'digits' is refused"),
        ({"recipe.data.subset_seed": 1}, "no more of its data than train_size and validation"),
        ({"recipe.evaluate.images": 51, LR: 1}, "recipe.evaluate.images: .*51"),
        ({"recipe.augment.crop_padding": 99}, "recipe.augment.crop_padding"),
    ],
)  # fmt: skip
def test_what_a_row_may_not_change_is_one_line_about_it(set_: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as refused:
        listed({"name": "other", "set": set_})
    assert re.search(line, str(refused.value)), refused.value
    assert str(refused.value).startswith("variant 'other': ")
    assert "\n" not in str(refused.value)


def test_the_seed_of_a_subset_is_no_rows_own_for_it_may_draw_the_test_images() -> None:
    recipe = {**RECIPE, "data": {"name": "synthetic", "train_size": 100}}
    with pytest.raises(InputError, match=r"recipe.data.subset_seed: 1 is refused: .*same test im"):
        listed({"name": "other", "set": {"recipe.data.subset_seed": 1}}, recipe=recipe)


def test_settings_that_act_beside_others_are_rows() -> None:
    """Each changes nothing of the first row, and something of the row before it."""
    path = [
        {"recipe.optimiser.name": "sgd"}, {"recipe.optimiser.momentum": 0.5},
        {"recipe.schedule.warmup_epochs": 1}, {"recipe.schedule.warmup_lr": 1e-5},
        {"recipe.augment.mixup": 0.8}, {"recipe.augment.mixup_prob": 0.5},
        {"recipe.augment.cutmix": 1.0}, {"recipe.augment.mixup_switch_prob": 0.3},
    ]  # fmt: skip
    rows = [{"name": f"row {place}", "set": set_} for place, set_ in enumerate(path)]
    found = plan(rows=[{"name": "as it is", "base": "small"}, *rows])
    assert len({run.id for run in found.runs(seeds=[0])}) == 9
    with pytest.raises(InputError, match="changes nothing"):  # SGD has one momentum, no betas
        plan(rows=[{"name": "a", "base": "small", "set": path[0]},
                   {"name": "b", "set": {"recipe.optimiser.beta1": 0.5}}])  # fmt: skip


def test_a_rate_beyond_all_numbers_is_a_row_that_will_diverge() -> None:
    found = listed({"name": "fast", "set": {"recipe.optimiser": {"lr": 1e308, "lr_batch": 1}}})
    assert found.variants[1].name == "fast"


def test_fewer_training_images_are_a_row_like_any_other() -> None:
    found = listed({"name": "few", "set": {"recipe.data.train_size": 60}})
    assert [run.recipe.data.train_size for run in found.runs(seeds=[0])] == [100, 60]


def test_a_changed_training_of_a_row_is_shown_once() -> None:
    slow, slower, faster = (listed({"name": "s", "set": {LR: rate}}) for rate in (1e-4, 1e-5, 0.1))
    line = "row 's': recipe: optimiser.lr 0.0001 -> 1e-05"
    assert differences(slow, slower).changed == (line,)
    stored = Plan.model_validate_json(slow.model_dump_json())
    assert (differences(slow, stored).changed, stored.runs()) == ((), slow.runs())
    assert differences(faster, faster).changed == ()


def test_a_plan_of_before_rows_had_recipes_is_read() -> None:
    document = plan().model_dump(mode="json")
    for row in document["variants"]:
        del row["recipe"]
    found = Plan.model_validate(document)
    assert {id(found.recipe_of(row)) for row in found.variants} == {id(found.recipe)}
    assert isinstance(found.recipe, Recipe)
