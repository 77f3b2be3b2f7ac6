"""Listing runs, showing one, setting results side by side, and the frame of them all."""

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

import workbench as wb
from tests.support.sweeps import options, plan, quiet
from workbench.cli import app
from workbench.errors import InputError
from workbench.report.browse import Filters, find_run, print_run, run_data, runs_table
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep
from workbench.show.formats import records


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two results folders: `path`, with a diverged and a failed run, and `other`."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "notes").mkdir()
    run_sweep(plan(), folder / "path", options("mixed", command="workbench ablate path"), quiet())
    other = plan(name="other", seeds=3, recipe={"epochs": 2})
    run_sweep(other, folder / "other", options("noisy"), quiet())
    return folder


def listed(results: Path, **wanted: object) -> list[tuple[str, int]]:
    table = runs_table(load_sweep(results / "path"), Filters(**wanted))  # type: ignore[arg-type]
    return [(row["variant"], row["seed"]) for row in records(table)]  # type: ignore[misc]


def test_runs_are_listed_by_any_filter(results: Path) -> None:
    assert len(listed(results)) == 6
    assert listed(results, statuses=("diverged", "failed")) == [("large", 1), ("+ LPU", 1)]
    assert listed(results, variants=("*LPU", "sm?ll"), seeds=(0,)) == [("small", 0), ("+ LPU", 0)]
    assert listed(results, least=66.0) == [("large", 0), ("+ LPU", 0)]
    with pytest.raises(InputError, match=r"variant: unknown '\[\+ LPU'; nearest: '\+ LPU'"):
        listed(results, variants=("[+ LPU",))
    with pytest.raises(InputError, match="seed: unknown '7'"):
        listed(results, seeds=(7,))
    with pytest.raises(InputError, match="status: unknown 'diverge'; nearest: 'diverged"):
        Filters(statuses=("diverge",))


def test_a_run_is_found_by_the_beginning_of_its_id(results: Path) -> None:
    run = load_sweep(results / "path").runs[0]
    for where in (results, results / "path", results / "path" / "ledger.db",
                  f"sqlite:///{results / 'path' / 'ledger.db'}"):  # fmt: skip
        found = find_run(run.id[:10], where)
        assert found.run == run
    shown = find_run(run.id[:10].upper(), results)
    assert shown.command == (
        "workbench ablate path --only small --seeds 0 --name path-repeated --no-reuse --jobs 2"
    )
    with pytest.raises(InputError, match="is the beginning of no run's id"):
        find_run("xyz", results)
    with pytest.raises(InputError, match="is the beginning of no run's id"):
        find_run("", results)
    with pytest.raises(InputError, match="does not exist"):
        find_run("a", results / "none")


def test_a_beginning_that_several_ids_share_is_refused(results: Path) -> None:
    ids = [run.id for name in ("path", "other") for run in load_sweep(results / name).runs]
    shared = next(first for first in "0123456789abcdef" if sum(i[0] == first for i in ids) > 1)
    with pytest.raises(InputError, match="give more of it"):
        find_run(shared, results)


def test_a_run_that_was_repeated_is_the_first_and_names_the_other(
    results: Path, tmp_path: Path
) -> None:
    """By when it began, whatever the folders are called."""
    shutil.copytree(results / "path", tmp_path / "path")
    run_sweep(plan(), tmp_path / "a repeat", options("mixed"), quiet())
    run = load_sweep(results / "path").runs[0].id
    found = find_run(run, tmp_path)
    assert (found.where, found.also) == (str(tmp_path / "path"), (str(tmp_path / "a repeat"),))
    assert f" {tmp_path / 'a repeat'}; --results shows it there" in shown_text(tmp_path, run)
    assert run_data(found)["also_in"] == [str(tmp_path / "a repeat")]
    assert find_run(run, tmp_path / "a repeat").where.endswith("a repeat")
    assert run_data(find_run(run, tmp_path / "path"))["also_in"] == []


def test_a_run_is_shown_with_all_that_is_known_of_it(results: Path) -> None:
    runs = {(run.variant, run.seed): run for run in load_sweep(results / "path").runs}
    text = shown_text(results, runs["small", 0].id)
    for part in ("small, seed 0", "outcome", "completed", "top-1, %    58.00\n", "workbench ablate",
                 "lr: 0.001", "stages.0.dim: 8", "▁▅█  50 to 52, between 50 and 52", "threads",
                 "Learning rate", ", tests included", " after it began"):  # fmt: skip
        assert part in text, part
    counted = text.partition("Learning rate")[2].partition("Configuration")[0].splitlines()
    assert [line.split()[0] for line in counted[1:] if line] == ["1", "2", "3"]
    assert "device" not in text.partition("Environment")[2]  # what was asked for; above, what was
    diverged = shown_text(results, runs["large", 1].id)
    assert "diverged: loss is nan at step 7" in diverged
    assert "quantity" in diverged
    assert "Curves" not in diverged
    failed = shown_text(results, runs["+ LPU", 1].id)
    assert "RuntimeError: out of luck (traceback: " in failed
    data = json.loads(json.dumps(run_data(find_run(runs["small", 0].id, results)), allow_nan=False))
    assert data["top1"] == 58.0
    assert [epoch["top1"] for epoch in data["curve"]] == [50.0, 51.0, 52.0]
    assert data["environment"]["threads"]
    assert data["recipe"]["epochs"] == 3


def shown_text(results: Path, run: str) -> str:
    text = io.StringIO()
    print_run(find_run(run, results), Console(file=text, width=100))
    return text.getvalue()


def test_commands_print_and_give_json(results: Path) -> None:
    call = CliRunner().invoke
    both = [str(results / "path"), str(results / "other")]
    shown = call(app, ["compare", *both])
    assert shown.exit_code == 0
    assert "path (A) and other (B)" in shown.output
    rows = json.loads(call(app, ["compare", *both, "--json"]).stdout)["rows"]
    assert [row["variant"] for row in rows] == ["small", "large", "+ LPU"]
    assert rows[1]["outcome_a"] == "1 of 2 diverged"
    found = json.loads(call(app, ["runs", both[0], "--status", "failed", "--json"]).stdout)["rows"]
    assert [row["variant"] for row in found] == ["+ LPU"]
    assert "1 of 6 runs." in call(app, ["runs", both[0], "--status", "failed"]).output
    begin = found[0]["id"][:16]
    data = call(app, ["show", begin, "--results", str(results), "--json"]).stdout
    assert json.loads(data)["status"] == "failed"
    assert "out of luck" in call(app, ["show", begin, "--results", str(results)]).output
    assert call(app, ["report", both[1], "--json"]).exit_code == 0


def test_results_are_a_frame(results: Path) -> None:
    frame = wb.load_results(results / "path")
    assert isinstance(frame, pd.DataFrame)
    assert frame.groupby("variant", sort=False)["status"].apply(list).to_dict() == {
        "small": ["completed"] * 2,
        "large": ["completed", "diverged"],
        "+ LPU": ["completed", "failed"],
    }
    assert frame["top1"].dtype == float
    assert frame["top1"].isna().sum() == 2
    assert frame.query("status == 'completed'")["top1"].mean() == pytest.approx(62.25)
    assert {"changed", "compared_to", "seed", "macs", "seconds", "spec.stages.0.dim"} <= set(frame)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Two results folders whose runs are in one database, one of them not at its end."""
    folder = tmp_path_factory.mktemp("shared")
    url = f"sqlite:///{folder / 'both.db'}"
    for name, fit in {"path": "mixed", "other": "noisy"}.items():
        run_sweep(plan(name=name), folder / name, options(fit, ledger=url), quiet())
    for exported in ("runs.jsonl", "runs.csv"):
        (folder / "path" / exported).unlink()
    return folder, url


def test_a_plan_of_several_in_a_database_is_chosen(shared: tuple[Path, str]) -> None:
    folder, url = shared
    run = CliRunner().invoke
    assert "holds 2 plans (other, path)" in str(run(app, ["runs", url]).exception)
    listed = run(app, ["runs", url, "--plan", "path", "--json"])
    assert len(json.loads(listed.output)["rows"]) == 6
    assert run(app, ["compare", url, str(folder / "other"), "--plan", "other"]).exit_code == 0
    ident = load_sweep(url, "path").runs[0].id
    shown = run(app, ["show", ident[:12], "--results", url, "--plan", "path", "--json"])
    assert json.loads(shown.output)["id"] == ident
    assert "no plan 'third'" in str(run(app, ["runs", url, "--plan", "third"]).exception)


@pytest.mark.slow
def test_a_sweep_is_reported_from_its_database_before_its_end(shared: tuple[Path, str]) -> None:
    folder, url = shared
    run = CliRunner().invoke
    assert "--ledger URL" in str(run(app, ["report", str(folder / "path")]).exception)
    reported = run(app, ["report", str(folder / "path"), "--ledger", url])
    assert reported.exit_code == 0, reported.output
    assert (folder / "path" / "report.html").exists()
