"""Plans of detectors and segmenters."""

from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.config import Recipe, Spec
from workbench.errors import InputError
from workbench.models import build
from workbench.plans.file import parse_plan
from workbench.plans.resolution import Plan, resolve
from workbench.train.saved import save
from workbench.train.tasks import build_task_parts

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


def test_detectors_begin_from_a_classification_run_of_other_classes(tmp_path: Path) -> None:
    found = plan()
    spec = found.variants[0].spec
    assert isinstance(spec, Spec)
    classifier = build(spec.model_copy(update={"classes": 4}), seed=5)
    file = tmp_path / "runs" / "cmt-s0" / "last"  # as a results folder has them
    save(classifier, file)
    begun = {"init": str(tmp_path), "task.channels": 8,
             "data": {"name": "scattered_digits", "train_size": 4, "test_size": 2}}  # fmt: skip
    run = plan(recipe=begun, toggles={"rate": {"recipe.optimiser.lr": 0.01}}).runs()[0]
    own = build_task_parts(run).network.state_dict()
    given = classifier.state_dict()
    body = {name: f"backbone.body.network.{name}" for name in given if "head." not in name}
    assert body
    assert all(torch.equal(own[inside], given[name]) for name, inside in body.items())
    with pytest.raises(InputError, match=r"variant 'without LPU': recipe.init.weights: .*unknown"):
        plan(recipe=begun)


def test_a_plan_of_before_is_of_classes_and_its_runs_keep_their_ids() -> None:
    assert "task" not in Recipe().document()
    found = plan(task=None, recipe="digits", set=["resolution=8"], base="cmt_digits")
    assert (found.recipe.task.name, found.metric) == ("classify", ("top1",))


def test_detectors_are_tuned_by_validation_images() -> None:
    data = {"name": "scattered_digits", "train_size": 20, "test_size": 2}
    found = plan(
        tune={"recipe.optimiser.lr": [0.001, 0.002], "on": "validation"},
        recipe={"task.channels": 8, "data": data},
    )
    assert found.recipe.data.validation == 0.1
    assert found.tuning is not None
    assert found.tuning.trials == 2


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
    ({"recipe": {"base": "scattered_digits", "teacher": {"weights": __file__}}},
     "recipe.teacher: it does nothing with task: detect; leave it out"),
    ({"toggles": {"taught": {"recipe.teacher.weights": __file__}}},
     "variant 'without taught': recipe.teacher: it does nothing with task: detect"),
    ({"toggles": {"rates": {"recipe.optimiser.layer_decay": 0.5}}},
     "variant 'without rates': recipe.optimiser.layer_decay: it does nothing with task: detect"),
    ({"toggles": {"pixels": {"recipe.task.name": "segment"}}},
     "variant 'without pixels': recipe.task.name: 'segment' is refused: all rows have one task"),
    ({"match": {"macs": "1%", "adjust": "width"}}, "rows of task: detect can't be matched"),
    ({"toggles": {"stages": "head=class_token"}}, "class_token"),
    ({"recipe": {"base": "scattered_digits", "task.stages": [7]}},
     "variant 'all': recipe.task.stages: 7 is out of range; choose from -4 to 3"),
    ({"set": [*SMALL, "resolution=36"]}, "resolution|mixer.k"),
])  # fmt: skip
def test_what_does_not_go_together(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(**changes)
