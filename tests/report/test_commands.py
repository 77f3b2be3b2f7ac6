"""The commands of a plan: its preview, and its sweep with reports."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import sweeps as standins
from tests.support.sweeps import options, preview, quiet, said
from workbench.cost import cost
from workbench.errors import InputError
from workbench.plans.changes import Changes
from workbench.report.before.preview import preview_data, print_preview
from workbench.report.commands import ablate
from workbench.runs.estimate import few_rows
from workbench.runs.results import load_sweep


def write_plan(folder: Path) -> Path:
    path = folder / "plan.yaml"
    path.write_text(json.dumps(standins.PATH))  # JSON is YAML
    return path


def test_preview_measures_every_row_and_leaves_nothing(tmp_path: Path) -> None:
    path = write_plan(tmp_path)
    found_plan, found = preview(path, options=options(), measure=True)
    assert [variant.name for variant in found_plan.variants] == ["small", "large", "+ LPU"]
    assert set(found.runs) == {"small", "large", "+ LPU"}
    # 100 images an epoch at 1000 a second, in an epoch of 0.25 s with 80 of them and the 50
    # test images; these come twice, as a point of the curve and at the end.
    train, test = 100 / 1000, 0.25 - 80 / 1000
    assert found.runs["small"] == pytest.approx(3 * train + 2 * test, abs=1e-9)
    assert found.sweep == pytest.approx(3 * found.runs["small"], abs=1e-9)
    assert [each.name for each in tmp_path.iterdir()] == ["plan.yaml"]


def test_preview_times_a_few_rows_scales_the_others_and_says_which(tmp_path: Path) -> None:
    plan, found = preview(write_plan(tmp_path), options=options(jobs=1))
    macs = {variant.name: variant.macs for variant in plan.variants}
    timed = set(found.runs) - found.scaled
    assert set(found.runs) == set(macs)
    assert {macs[name] for name in timed} == {min(macs.values()), max(macs.values())}
    assert found.scaled
    for name in found.scaled:
        alike = [found.runs[other] for other in timed if macs[other] == macs[name]]
        assert not alike or found.runs[name] == pytest.approx(sum(alike) / len(alike))
    console = quiet()
    print_preview(plan, found, console)
    assert "--measure times every row" in said(console)
    rows = preview_data(plan, found)["rows"]
    assert {row["variant"] for row in rows if row["timed"]} == timed


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
@pytest.mark.parametrize("jobs", [1, 3, 64])
def test_the_rows_that_are_timed_are_few_and_span_the_plan(count: int, jobs: int) -> None:
    macs = [1 + (7 * place) % 41 for place in range(count)]
    variants: Any = [SimpleNamespace(name=str(place), macs=each) for place, each in enumerate(macs)]
    steps = {row.name: row.macs for row in variants}
    chosen = [row.macs for row in few_rows(variants, steps, jobs)]
    assert len(chosen) <= 4
    if macs:
        assert (chosen[0], chosen[-1]) == (min(macs), max(macs))


def test_preview_prints_its_numbers_and_gives_them_unrounded(tmp_path: Path) -> None:
    wanted = options(jobs=1)
    found = preview(write_plan(tmp_path), options=wanted, measure=True)
    console = quiet()
    print_preview(*found, console)
    text = said(console)
    assert "large, lpu=none" in text
    assert f"{cost(found[0].variants[1].spec).macs:,}" in text
    assert "6 runs: 3 variants x seeds 0, 1; about 4 s" in text
    data = json.loads(json.dumps(preview_data(*found)))
    assert [row["macs"] for row in data["rows"]] == [v.macs for v in found[0].variants]
    assert data["sweep_seconds"] == pytest.approx(6 * data["rows"][0]["run_seconds"])
    assert len({run["id"] for run in data["runs"]}) == 6


def test_preview_says_which_row_can_not_be_run(tmp_path: Path) -> None:
    path = write_plan(tmp_path)
    wanted = options("raising", jobs=1, only=("large",))
    _, found = preview(path, options=wanted, changes=Changes(seeds=(1,)))
    assert set(found.failures) == {"large"}
    assert "RuntimeError" in found.failures["large"]
    assert "traceback" not in found.failures["large"]  # its folder is gone
    assert found.sweep is None


def test_preview_times_random_images_where_those_of_a_known_set_are_not_here(
    tmp_path: Path,
) -> None:
    absent = "recipe.data.path=nowhere"
    path, wanted = write_plan(tmp_path), options(jobs=1)
    with pytest.raises(InputError, match="nowhere"):
        preview(path, options=wanted, changes=Changes(settings=("recipe.data.name=folder", absent)))
    fetched = Changes(settings=("recipe.data.name=cifar10", absent))
    plan, found = preview(path, options=wanted, changes=fetched)
    assert found.runs == preview(path, options=wanted)[1].runs
    assert plan.recipe.data.name == "cifar10"
    assert found.note is not None
    assert "random ones were timed" in found.note
    assert found.note.endswith("workbench fetch cifar10")
    with pytest.raises(InputError, match="nowhere"):  # training does need them
        ablate(path, results=tmp_path, options=wanted, changes=fetched, console=quiet())


@pytest.mark.slow
def test_ablate_runs_reports_and_records_its_command(tmp_path: Path) -> None:
    console = quiet()
    done = ablate(
        write_plan(tmp_path),
        results=tmp_path / "results",
        changes=Changes(name="mine", settings=("recipe.epochs=2",)),
        options=options(jobs=1),
        console=console,
    )
    assert done.exit_code == 0
    assert done.folder == tmp_path / "results" / "mine"
    command = dict(load_sweep(done.folder).environment)["command"]
    assert f"{tmp_path}/plan.yaml --set recipe.epochs=2 --name mine --results" in command
    assert (done.folder / "table.csv").exists()
    assert "+ LPU" in said(console)
