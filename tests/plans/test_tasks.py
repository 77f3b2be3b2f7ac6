"""Plans of detectors and segmenters."""

from typing import Any

import pytest

from workbench.config import Recipe
from workbench.errors import InputError
from workbench.plans.file import parse_plan
from workbench.plans.resolution import Plan, resolve

SMALL = ["resolution=32", "dim=[8,16,24,24]", "heads=[1,2,2,2]", "depth=1", "stride=[4,2,2,2]",
         "stem.stride=2"]  # fmt: skip


def plan(**changes: Any) -> Plan:
    data: dict[str, Any] = {
        "kind": "leave_one_out", "name": "boxes", "base": "cmt_digits", "set": SMALL,
        "recipe": {
            "task.channels": 8, "data": {"name": "scattered_digits", "train_size": 4,
                                         "test_size": 2},
        },
        "task": "detect", "toggles": {"LPU": "lpu=none"},
    }  # fmt: skip
    return resolve(parse_plan({**data, **changes}))


def test_a_plan_of_detectors() -> None:
    found = plan()
    assert found.recipe.task.name == "detect"
    assert found.metric == ("ap",)
    assert found.test_images == 2
    full, without = found.variants
    assert full.params > without.params
    assert plan(task="segment").metric == ("miou",)


def test_a_plan_of_before_is_of_classes_and_its_runs_keep_their_ids() -> None:
    assert "task" not in Recipe().document()
    found = plan(task=None, recipe="digits", set=["resolution=8"], base="cmt_digits")
    assert (found.recipe.task.name, found.metric) == ("classify", ("top1",))


def test_a_head_changes_no_detector() -> None:
    with pytest.raises(InputError, match="its network is the same as that of 'all'"):
        plan(toggles={"head": "head.dim=64"})


@pytest.mark.parametrize(("changes", "message"), [
    ({"recipe": "digits"}, r"recipe.data.name: 'digits' has neither boxes nor masks"),
    ({"task": None, "recipe": {"base": "digits", "data.name": "scattered_digits"}},
     r"recipe.data.name: 'scattered_digits' has boxes or masks; it goes with task"),
    ({"metric": "top1x"}, r"metric: unknown 'top1x'"),
    ({"metric": "loss"}, r"metric: unknown 'loss'; choose from: ap"),
    ({"recipe": {"base": "scattered_digits", "label_smoothing": 0.1}}, "label_smoothing: it"),
    ({"recipe": {"base": "scattered_digits", "task.model": "fpn"}}, "task: .*detect has no mo"),
    ({"recipe": "scattered_digits", "task": "segment"}, "does nothing with name=segment"),
    ({"recipe": {"base": "scattered_digits", "augment.mixup": 0.5}}, "augment.mixup: 0.5 is"),
    ({"recipe": {"base": "digits", "task.name": "segment"}}, "task: 'detect' is refused: recipe"),
    ({"match": {"macs": "1%", "adjust": "width"}}, "rows of task: detect can't be matched"),
    ({"toggles": {"stages": "head=class_token"}}, "class_token"),
    ({"set": [*SMALL, "resolution=36"]}, "resolution|mixer.k"),
])  # fmt: skip
def test_what_does_not_go_together(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(**changes)
