"""Plans whose rows have teachers and beginnings: what is said, pinned and refused before a run."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from workbench.cost import cost
from workbench.errors import InputError
from workbench.models import build, spec
from workbench.plans.differences import differences
from workbench.plans.file import parse_plan
from workbench.plans.resolution import Plan, resolve
from workbench.train.saved import save


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = spec("small", "head=pool_norm", classes=10, resolution=32)
    return save(build(made), tmp_path_factory.mktemp("weights") / "saved")


def _plan(weights: Path | None, *rows: dict[str, Any], costs_only: bool = False) -> Plan:
    teacher = {} if weights is None else {"weights": str(weights)}
    written = {
        "kind": "list",
        "name": "taught",
        "base": "small",
        "set": {"resolution": 32},
        "recipe": {"data": {"name": "synthetic", "train_size": 20, "test_size": 20},
                   "batch_size": 10, "teacher": teacher},
        "rows": rows,
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
