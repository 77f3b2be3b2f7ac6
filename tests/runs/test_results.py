"""What a sweep left, read back."""

from dataclasses import replace
from pathlib import Path

from tests.support.checks import refused
from tests.support.sweeps import RECIPE, options, plan, quiet
from workbench.published import same_dataset
from workbench.runs.command import repeat_command
from workbench.runs.folder import LEDGER
from workbench.runs.results import Sweep, load_results, load_sweep
from workbench.runs.rows import run_text
from workbench.runs.sweep import run_sweep


def test_results_read_alike_from_the_ledger_and_from_its_export(folder: Path) -> None:
    run_sweep(plan(), folder, options("mixed"), quiet())
    from_ledger = load_sweep(folder)
    frame = load_results(folder)
    (folder / LEDGER).unlink()
    exported = load_sweep(folder)
    assert exported.records() == from_ledger.records()
    assert exported.rows() == from_ledger.rows()
    assert exported.facts() == from_ledger.facts()
    assert load_results(folder).equals(frame)


def test_frame_has_a_row_for_each_run_in_the_order_of_the_plan(folder: Path) -> None:
    run_sweep(plan(), folder, options(), quiet())
    frame = load_results(folder)
    assert list(frame["variant"]) == ["small", "large", "+ LPU"] * 2
    assert list(frame["seed"]) == [0, 0, 0, 1, 1, 1]
    assert list(frame["top1"]) == [58.0, 66.0, 66.0, 59.0, 67.0, 67.0]
    assert frame.loc[1, "changed"] == "large, lpu=none"
    assert frame.loc[2, "compared_to"] == "large"
    assert set(frame["status"]) == {"completed"}
    assert frame.loc[1, "spec.stages.0.lpu"] == "none"


def test_records_carry_what_a_report_needs(folder: Path) -> None:
    run_sweep(plan(), folder, options("mixed", command="workbench ablate path"), quiet())
    sweep = load_sweep(folder)
    records = {(record.variant, record.seed): record for record in sweep.records()}
    assert len(records) == 6
    assert records["+ LPU", 0].measured == 66.0
    assert records["+ LPU", 1].measured is None
    assert [epoch.epoch for epoch in records["small", 0].curve] == [0, 1, 2]
    assert repeat_command(records["+ LPU", 0], sweep.facts().command) == (
        "workbench ablate path --only '+ LPU' --seeds 0 --name path-repeated --no-reuse --jobs 2"
    )
    assert "epochs: 3" in run_text(records["small", 0])
    assert sweep.facts().seeds == (0, 1)
    assert dict(sweep.facts().environment)["threads"]


def test_a_report_names_the_device_that_ran_not_the_one_asked_for(folder: Path) -> None:
    run_sweep(plan(), folder, options(), quiet())
    sweep = load_sweep(folder)
    runs = tuple(run.model_copy(update={"device": "NVIDIA H200"}) for run in sweep.runs[:1])
    asked = replace(sweep, runs=(), environment={"device": "auto", "cores": 2})
    assert dict(asked.facts().environment) == {"device": "auto", "cores": "2"}
    ran = replace(asked, runs=runs)
    assert dict(ran.facts().environment) == {"device": "NVIDIA H200", "cores": "2"}


def test_the_classes_that_a_plan_is_about_are_named() -> None:
    data = {**RECIPE["data"], "classes": [7, 2, 5]}
    found = Sweep(plan(recipe={**RECIPE, "data": data}), (), {}).facts().dataset
    assert found.startswith("synthetic classes 7 2 5, ")
    assert not same_dataset(found, "Synthetic")


def test_an_older_plan_counts_the_images_of_its_subset(folder: Path) -> None:
    """Without them the least error of a counted top-1 would be left out, and so would its note."""
    run_sweep(plan(), folder, options(), quiet())
    sweep = load_sweep(folder)
    data = sweep.plan.recipe.data.model_copy(update={"test_size": 250})
    recipe = sweep.plan.recipe.model_copy(update={"data": data})
    older = sweep.plan.model_copy(update={"test_images": None, "recipe": recipe})
    assert replace(sweep, plan=older).facts().test_images == 250
    whole = sweep.plan.model_copy(update={"test_images": 599, "recipe": recipe})
    assert replace(sweep, plan=whole).facts().test_images == 599


def test_results_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    refused(lambda: load_results(tmp_path / "none"), "does not exist")
    refused(lambda: load_results(tmp_path), "holds neither ledger.db nor runs.jsonl")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "ledger.db").touch()
    refused(lambda: load_results(tmp_path), "there are results in its inner")
    (tmp_path / "plan.json").write_text("{}")
    (tmp_path / "runs.jsonl").write_text("{}")
    refused(lambda: load_results(tmp_path), "is damaged")
