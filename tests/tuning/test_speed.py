"""What a plan leaves to a trial of speed: it is tried once, and is a setting like any other."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.fits import Emit, ShouldStop
from tests.support.sweeps import PATH, RECIPE, options, plan, quiet, said
from workbench.config import Outcome, Result, RunConfig
from workbench.errors import InputError
from workbench.plans.changes import Changes
from workbench.report import commands
from workbench.runs.exchange.shard import Shard
from workbench.runs.results import load_sweep
from workbench.runs.sweep import SweepOptions
from workbench.train.speed.trial import WAYS

TRIED: list[RunConfig] = []


def half_pays(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """A trial's stand-in: bf16 takes half the time, and nothing compiles."""
    TRIED.append(run)
    ways: list[dict[str, Any]] = [
        {"precision": "32", "compile": False, "seconds": 0.002},
        {"precision": "bf16", "compile": False, "seconds": 0.001},
        {"precision": "bf16", "compile": True, "fault": "no C++ compiler is here"},
    ]
    details = ((WAYS, json.dumps(ways)),)
    return Result(run=run.id, outcome=Outcome.COMPLETED, device="cpu", details=details)


def tried_options(**fields: Any) -> SweepOptions:
    return replace(options(**fields), trial=f"{__name__}:half_pays")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a plan with `precision: auto`, begun for one seed and gone on with."""
    top = tmp_path_factory.mktemp("auto")
    recipe = {**RECIPE, "precision": "auto", "compile": "auto"}
    (top / "path.yaml").write_text(yaml.safe_dump({**PATH, "recipe": recipe}))
    for extend, seeds in ((False, (0,)), (True, (0, 1))):
        asked = replace(tried_options(), extend=extend)
        console = quiet()
        commands.ablate(
            top / "path.yaml", results=top, changes=Changes(seeds=seeds), options=asked,
            console=console,
        )  # fmt: skip
        (top / f"said{len(seeds)}").write_text(said(console))
    return top


def test_all_rows_and_seeds_are_computed_as_one_trial_says(swept: Path) -> None:
    sweep = load_sweep(swept / "path")
    assert len(TRIED) == 1
    assert TRIED[0].variant == "+ LPU"  # of the most MACs
    assert len(sweep.runs) == 6
    assert {(run.recipe.precision, run.recipe.compile) for run in sweep.runs} == {("bf16", False)}
    named = plan(recipe={**RECIPE, "precision": "bf16"})
    assert {run.id for run in sweep.runs} == {run.id for run in named.runs()}


def test_the_choice_is_said_and_kept(swept: Path) -> None:
    line = "Training is computed in bf16, as a trial of 20 steps of '+ LPU' decided"
    took = "32 bits 2 ms an image; bf16 1 ms an image; bf16, compiled fails here (no C++ compiler"
    assert line in (swept / "said1").read_text()
    assert took in (swept / "said1").read_text()
    assert line in (swept / "path" / "table.md").read_text()
    assert line in load_sweep(swept / "path").plan.notes[-1]


def test_the_recorded_command_says_what_was_decided(swept: Path) -> None:
    command = str(load_sweep(swept / "path").environment["command"])
    assert "--set recipe.precision=bf16 --set recipe.compile=false" in command
    changes = Changes(seeds=(0, 1), settings=("recipe.precision=bf16", "recipe.compile=false"))
    done = commands.ablate(
        swept / "path.yaml", results=swept, changes=changes, options=tried_options(),
        console=quiet(),
    )  # fmt: skip
    assert done.trained == 0
    assert load_sweep(swept / "path").plan.speed is not None


def test_a_dry_run_tries_nothing_and_says_so(swept: Path, tmp_path: Path) -> None:
    resolved = commands.planned(swept / "path.yaml", None, tried_options(), tmp_path)
    assert "Decided when the sweep begins" in resolved.notes[-1]
    before = commands.planned(swept / "path.yaml", None, tried_options(), swept)
    assert before.recipe.precision == "bf16"
    assert len(TRIED) == 1


def test_a_recipe_that_says_nothing_leaves_nothing_open() -> None:
    assert plan().undecided == ()
    assert plan().recipe.precision == "auto"
    assert plan(recipe={**RECIPE, "precision": "auto"}).undecided == ("precision",)
    settings = ("recipe.compile=auto", "recipe.precision=auto")
    assert plan(Changes(settings=settings)).undecided == ("precision", "compile")


def test_shares_do_not_choose_each_for_itself(swept: Path, tmp_path: Path) -> None:
    asked = replace(tried_options(), shard=Shard(1, 2))
    with pytest.raises(InputError, match=r"recipe\.precision: 'auto' can't be shared"):
        commands.ablate(swept / "path.yaml", results=tmp_path, options=asked, console=quiet())


def test_a_row_has_no_trial_of_its_own() -> None:
    rows = [PATH["rows"][0], {"name": "two", "base": "large", "set": {"recipe.compile": "auto"}}]
    with pytest.raises(InputError, match="'auto' is for all rows of a plan"):
        plan(kind="list", rows=rows)


def test_a_row_that_says_its_own_precision_keeps_it(tmp_path: Path) -> None:
    rows = [PATH["rows"][0], {"name": "two", "base": "large", "set": {"recipe.precision": 32}}]
    file = tmp_path / "p.yaml"
    recipe = {**RECIPE, "precision": "auto"}
    file.write_text(yaml.safe_dump({**PATH, "kind": "list", "rows": rows, "recipe": recipe}))
    done = commands.ablate(file, results=tmp_path, options=tried_options(), console=quiet())
    assert {(run.variant, run.recipe.precision) for run in done.runs} == {
        ("small", "bf16"), ("two", "32"),
    }  # fmt: skip
