"""The commands of a plan: its preview, and its sweep with reports."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import sweeps as standins
from tests.support.sweeps import quiet, rooms, said
from workbench.config import DataConfig
from workbench.errors import InputError
from workbench.plans.changes import Changes
from workbench.report.commands import ablate, preview
from workbench.report.preview import preview_data, print_preview
from workbench.runs.results import load_sweep
from workbench.runs.sweep import SweepOptions


def write_plan(folder: Path) -> Path:
    path = folder / "plan.yaml"
    path.write_text(json.dumps(standins.PATH))  # JSON is YAML
    return path


def test_preview_measures_every_row_and_leaves_nothing(tmp_path: Path) -> None:
    path = write_plan(tmp_path)
    found_plan, found = preview(path, options=SweepOptions(jobs=2, device="cpu"), rooms=rooms())
    assert [variant.name for variant in found_plan.variants] == ["small", "large", "+ LPU"]
    assert set(found.runs) == {"small", "large", "+ LPU"}
    # 100 images an epoch at 1000 a second, in an epoch of 0.25 s with 80 of them and the 50
    # test images; these come twice, as a point of the curve and at the end.
    train, test = 100 / 1000, 0.25 - 80 / 1000
    assert found.runs["small"] == pytest.approx(3 * train + 2 * test, abs=1e-9)
    assert found.sweep == pytest.approx(3 * found.runs["small"], abs=1e-9)
    assert [each.name for each in tmp_path.iterdir()] == ["plan.yaml"]


def test_preview_prints_its_numbers_and_gives_them_unrounded(tmp_path: Path) -> None:
    wanted = SweepOptions(jobs=1, device="cpu")
    found = preview(write_plan(tmp_path), options=wanted, rooms=rooms())
    console = quiet()
    print_preview(*found, console)
    text = said(console)
    assert "large, lpu=none" in text
    assert "16,000" in text
    assert "6 runs: 3 variants x seeds 0, 1; about 4 s" in text
    data = json.loads(json.dumps(preview_data(*found)))
    assert [row["macs"] for row in data["rows"]] == [8000, 16000, 16000]
    assert data["sweep_seconds"] == pytest.approx(6 * data["rows"][0]["run_seconds"])
    assert len({run["id"] for run in data["runs"]}) == 6


def test_preview_says_which_row_can_not_be_run(tmp_path: Path) -> None:
    path = write_plan(tmp_path)
    wanted = SweepOptions(jobs=1, device="cpu", only=("large",))
    _, found = preview(path, options=wanted, changes=Changes(seeds=(1,)), rooms=rooms("raising"))
    assert set(found.failures) == {"large"}
    assert "RuntimeError" in found.failures["large"]
    assert "traceback" not in found.failures["large"]  # its folder is gone
    assert found.sweep is None


def test_preview_times_random_images_where_those_of_a_known_set_are_not_here(
    tmp_path: Path,
) -> None:
    def absent(config: DataConfig) -> standins.Facts:
        raise InputError("data.path: digits is not in 'nowhere'")

    path, wanted = write_plan(tmp_path), SweepOptions(jobs=1, device="cpu")
    lacking = replace(rooms(), describe=absent)
    with pytest.raises(InputError, match="is not in 'nowhere'"):
        preview(path, options=wanted, rooms=lacking)
    known = replace(lacking, stand_in=lambda _: (standins.Facts(), DataConfig(name="synthetic")))
    plan, found = preview(path, options=wanted, rooms=known)
    assert found.runs == preview(path, options=wanted, rooms=rooms())[1].runs
    assert plan.recipe.data.name == "digits"
    assert found.note is not None
    assert "random ones were timed" in found.note
    assert found.note.endswith("workbench fetch digits")
    with pytest.raises(InputError, match="is not in 'nowhere'"):  # training does need them
        ablate(path, results=tmp_path, options=wanted, rooms=known, console=quiet())


@pytest.mark.slow
def test_ablate_runs_reports_and_records_its_command(tmp_path: Path) -> None:
    console = quiet()
    done = ablate(
        write_plan(tmp_path),
        results=tmp_path / "results",
        changes=Changes(name="mine", settings=("recipe.epochs=2",)),
        options=SweepOptions(jobs=1, device="cpu"),
        console=console,
        rooms=rooms(),
    )
    assert done.exit_code == 0
    assert done.folder == tmp_path / "results" / "mine"
    command = dict(load_sweep(done.folder).environment)["command"]
    assert f"{tmp_path}/plan.yaml --set recipe.epochs=2 --name mine --results" in command
    assert (done.folder / "table.csv").exists()
    assert "+ LPU" in said(console)
