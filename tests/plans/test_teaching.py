"""Plans whose rows have teachers and beginnings: what is said, pinned and refused before a run."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.cost import cost
from workbench.errors import InputError
from workbench.models import build, spec
from workbench.plans.changes import Changes
from workbench.plans.differences import differences
from workbench.plans.file import parse_plan, read_plan
from workbench.plans.resolution import Plan, resolve
from workbench.published import find, same_dataset
from workbench.train.saved import save


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = spec("small", "head=pool_norm", classes=10, resolution=32)
    return save(build(made), tmp_path_factory.mktemp("weights") / "saved")


def _plan(
    weights: Path | None, *rows: dict[str, Any], costs_only: bool = False, **fields: Any
) -> Plan:
    teacher = {} if weights is None else {"weights": str(weights)}
    written = {
        "kind": "list",
        "name": "taught",
        "base": "small",
        "set": {"resolution": 32},
        "recipe": {"data": {"name": "synthetic", "train_size": 100, "test_size": 20},
                   "batch_size": 10, "teacher": teacher},
        "rows": rows,
        **fields,
    }  # fmt: skip
    return resolve(parse_plan(written), costs_only=costs_only)


WITHOUT = {"name": "alone", "set": {"recipe.teacher": None}}


def test_a_row_differs_by_its_teacher_whose_cost_is_said(weights: Path) -> None:
    plan = _plan(weights, {"name": "taught"}, WITHOUT)
    taught, alone = plan.runs()
    assert taught.id != alone.id
    assert taught.recipe.teacher is not None
    assert alone.recipe.teacher is None
    macs = cost(spec("small", "head=pool_norm", classes=10, resolution=32)).macs
    (note,) = [note for note in plan.notes if note.startswith("Teacher")]
    assert f"{macs / 1e6:,.1f} M MACs" in note


def test_a_row_that_token_labelling_does_not_suit_is_named(weights: Path) -> None:
    tokens = {"recipe.teacher.kind": "tokens"}
    with pytest.raises(InputError, match=r"variant 'tokens': recipe\.teacher\.kind: .* head=gap"):
        _plan(weights, {"name": "taught"}, {"name": "tokens", "set": tokens})


def test_the_share_of_a_teacher_is_not_tuned_of_a_row_that_has_none(weights: Path) -> None:
    tune = {"recipe.teacher.alpha": [0.3, 0.7]}
    assert _plan(weights, {"name": "taught"}, tune=tune).tuning is not None
    said = r"variant 'alone': tune\.recipe\.teacher\.alpha: the row has no teacher"
    with pytest.raises(InputError, match=said):
        _plan(weights, {"name": "taught"}, WITHOUT, tune=tune)


@pytest.mark.parametrize(
    ("name", "a4"),
    [
        ("levit_ablation", ("recipe.teacher=null",)),  # its entry of the zoo has one classifier
        ("levit_components", ("recipe.teacher=null", "head=pool_norm")),
    ],
)
def test_of_levits_rows_a4_alone_has_no_teacher_and_one_classifier(
    name: str, a4: tuple[str, ...]
) -> None:
    file, _ = read_plan(name)
    rows = {row.name: row for row in file.choices()}
    assert dict(file.recipe)["teacher"]["kind"] == "hard"
    assert rows["A4 no teacher"].overrides == a4
    assert rows["A4 no teacher"].published == "levit_ablation/without distillation"
    untaught = [each for each, row in rows.items() if "recipe.teacher=null" in row.overrides]
    assert {*untaught} - {"no teacher, two classifiers"} == {"A4 no teacher"}


def test_weights_that_moved_are_no_other_plan(weights: Path, tmp_path: Path) -> None:
    there = _plan(weights, {"name": "taught"}, WITHOUT)
    moved = Path(shutil.copytree(weights, tmp_path / "moved"))
    here = _plan(moved, {"name": "taught"}, WITHOUT)
    assert there.recipe != here.recipe
    assert differences(there, here).changed == ()
    other = save(build(spec("small", "head=pool_norm", classes=10, resolution=32), seed=1),
                 tmp_path / "other")  # fmt: skip
    (line,) = differences(there, _plan(other, {"name": "taught"}, WITHOUT)).changed
    assert line.startswith("recipe: teacher.sha256 ")


def test_costs_need_no_weights_and_runs_do() -> None:
    rows = {"name": "taught"}, WITHOUT
    assert len(_plan(None, *rows, costs_only=True).variants) == 2
    with pytest.raises(InputError, match=r"recipe\.teacher\.weights: missing"):
        _plan(None, *rows)


@pytest.mark.parametrize(
    ("name", "classes", "published"),
    [
        ("cifar10", 10, 99.2),
        ("cifar100", 100, 91.7),
        ("flowers102", 102, 98.7),
        ("oxford_iiit_pets", 37, 95.2),
        ("stanford_cars", 196, 94.4),
    ],
)
def test_each_data_set_of_the_table_of_transfer_has_its_published_number(
    name: str, classes: int, published: float
) -> None:
    """Of a smaller network, which is made sooner."""
    file = read_plan("transfer")[0].model_copy(update={"base": "small", "set": ("resolution=32",)})
    changes = Changes(
        name=f"transfer_{name}", settings=(f"recipe.data.name={name}", "recipe.init=weights.pth")
    )
    with pytest.raises(InputError, match=r"recipe\.init\.weights: 'weights\.pth' does not exist"):
        resolve(file, changes, costs_only=True)
    plan = resolve(file, replace(changes, settings=changes.settings[:1]), costs_only=True)
    assert plan.variants[0].spec.classes == classes
    (row,) = [
        row for row in find(plan.variants[0].published or "") if same_dataset(name, row.dataset)
    ]
    assert (row.top1, plan.published) == (published, ("transfer",))
    assert [plan.recipe_of(each).init is None for each in plan.variants] == [False] * 3 + [True]
