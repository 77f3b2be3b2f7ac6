"""Sweeps: what is done stays done, whatever ends them."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.ablation.ablate import ablate, preview
from workbench.ablation.dryrun import preview_data, print_preview
from workbench.ablation.folder import LEDGER, locked, run_folder
from workbench.ablation.ledger import Ledger, StoredRun
from workbench.ablation.plan import Changes
from workbench.ablation.results import load_results, load_sweep
from workbench.ablation.runner import SweepOptions, SweepResult, run_sweep
from workbench.config import Outcome
from workbench.errors import InputError

from . import standins
from .standins import options, plan, quiet, rooms, said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "path"


def outcomes(result: SweepResult) -> list[Outcome | None]:
    return [run.outcome for run in result.runs]


def trained_epochs(folder: Path) -> dict[str, list[str]]:
    return {
        each.parent.name.rsplit("-", 1)[0]: each.read_text().split()
        for each in (folder / "runs").glob("*/epochs.txt")
    }


def refused(call: Callable[[], Any], *parts: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


# ---------------------------------------------------------------- the whole way


def test_sweep_trains_every_run_and_leaves_its_folder(folder: Path) -> None:
    done = run_sweep(plan(), folder, replace(options(), command="workbench ablate path"), quiet())
    assert outcomes(done) == [Outcome.COMPLETED] * 6
    assert (done.trained, done.left, done.exit_code) == (6, 0, 0)
    files = {each.name for each in folder.iterdir()}
    assert {"ledger.db", "plan.json", "environment.json", "runs.jsonl", "runs.csv"} <= files
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["command"] == "workbench ablate path"
    assert {"commit", "torch", "python", "cores", "threads"} <= set(environment)
    assert not list(folder.glob("runs/*/last.ckpt*"))
    assert list(trained_epochs(folder).values()) == [["0", "1", "2"]] * 6


def test_second_run_trains_nothing_and_says_so(folder: Path) -> None:
    run_sweep(plan(), folder, options(), quiet())
    before = trained_epochs(folder)
    console = quiet()
    again = run_sweep(plan(), folder, options(fit="no_such_fit"), console)
    assert "All 6 runs are done" in said(console)
    assert (again.trained, again.exit_code) == (0, 0)
    assert outcomes(again) == [Outcome.COMPLETED] * 6
    assert trained_epochs(folder) == before


@pytest.mark.slow
def test_failures_and_divergence_are_rows_and_only_failures_run_again(folder: Path) -> None:
    console = quiet()
    first = run_sweep(plan(), folder, options("mixed"), console)
    by = {(run.variant, run.seed): run for run in first.runs}
    diverged, failed = by["large", 1], by["+ LPU", 1]
    assert (diverged.outcome, diverged.reason, diverged.step) == (
        Outcome.DIVERGED, "loss is nan at step 7", 7,
    )  # fmt: skip
    assert failed.outcome is Outcome.FAILED
    assert "RuntimeError: out of luck" in (failed.reason or "")
    assert (first.left, first.exit_code) == (1, 1)
    assert sorted(map(str, outcomes(first))) == ["completed"] * 4 + ["diverged", "failed"]
    assert "failed: RuntimeError: out of luck" in said(console)
    (folder / "runs" / "mended").touch()
    second = run_sweep(plan(), folder, options("mixed"), quiet())
    assert (second.trained, second.left) == (1, 0)
    assert sorted(map(str, outcomes(second))) == ["completed"] * 5 + ["diverged"]


@pytest.mark.slow
def test_only_runs_what_it_names_and_the_rest_can_follow(folder: Path) -> None:
    first = run_sweep(plan(), folder, options(only=("large",)), quiet())
    assert {run.variant for run in first.runs if run.final} == {"large"}
    assert (first.trained, first.left) == (2, 0)
    rest = run_sweep(plan(), folder, options(), quiet())
    assert (rest.trained, rest.left) == (4, 0)


def test_log_has_a_line_for_the_start_and_the_end_of_each_run(folder: Path) -> None:
    console = quiet()
    run_sweep(plan(), folder, options(jobs=1), console)
    lines = said(console).splitlines()
    assert lines[0] == "[0/6] small, seed 0: starts"
    assert lines[1] == "[1/6] small, seed 0: completed top-1 58.00 % in 0 s"
    assert len(lines) == 12


# ---------------------------------------------------------------- endings

SWEEP = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from rich.console import Console
from {module} import options, plan
from workbench.ablation.runner import run_sweep

if __name__ == "__main__":
    console = Console(width=200)
    done = run_sweep(plan(), Path({folder!r}), options(command="workbench ablate path"), console)
    sys.exit(done.exit_code)
"""


def start(folder: Path, epoch_seconds: float) -> subprocess.Popen[str]:
    script = folder.parent / "sweep.py"
    text = SWEEP.format(path=sys.path, module=standins.NAME, folder=str(folder))
    script.write_text(text)
    return subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "WB_EPOCH_SECONDS": str(epoch_seconds)},
        start_new_session=True,
    )


def wait_for(folder: Path, condition: Callable[[tuple[StoredRun, ...]], bool]) -> None:
    """Until the ledger of the sweep that runs says so."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (folder / LEDGER).exists():
            try:
                with Ledger.read(folder / LEDGER, "path") as ledger:
                    if condition(ledger.runs(curves=True)):
                        return
            except InputError:  # it is just being made
                pass
        time.sleep(0.02)
    raise AssertionError("the sweep did not get there")


def under_way(runs: tuple[StoredRun, ...]) -> bool:
    """Two runs have ended, and another is through its first epoch."""
    ended = sum(run.final for run in runs)
    return ended >= 2 and any(run.curve and run.status == "running" for run in runs)


@pytest.mark.slow
def test_sweep_killed_outright_loses_no_finished_run_and_resumes(folder: Path) -> None:
    sweep = start(folder, 0.15)
    wait_for(folder, under_way)
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.wait()
    with Ledger.read(folder / LEDGER) as ledger:
        before = {run.id: run for run in ledger.runs()}
    finished = {run for run, found in before.items() if found.final}
    assert len(finished) >= 2
    console = quiet()
    resumed = run_sweep(plan(), folder, options(), console)
    assert "cut off when a sweep was killed" in said(console)
    assert outcomes(resumed) == [Outcome.COMPLETED] * 6
    assert resumed.trained == 6 - len(finished)
    assert all(found == before[found.id] for found in resumed.runs if found.id in finished)
    assert list(trained_epochs(folder).values()) == [["0", "1", "2"]] * 6


@pytest.mark.slow
def test_ctrl_c_marks_what_ran_and_says_how_to_go_on(folder: Path) -> None:
    sweep = start(folder, 0.15)
    wait_for(folder, under_way)
    os.killpg(sweep.pid, signal.SIGINT)  # as a terminal does: to the workers too
    output, _ = sweep.communicate(timeout=30)
    assert sweep.returncode == 130
    assert "Traceback" not in output
    assert "give the same command again: workbench ablate path" in output.splitlines()[-1]
    with Ledger.read(folder / LEDGER) as ledger:
        statuses = [run.status for run in ledger.runs()]
    assert "interrupted" in statuses
    assert "running" not in statuses
    resumed = run_sweep(plan(), folder, options(), quiet())
    assert outcomes(resumed) == [Outcome.COMPLETED] * 6
    assert list(trained_epochs(folder).values()) == [["0", "1", "2"]] * 6


@pytest.mark.slow
def test_second_ctrl_c_does_not_wait(folder: Path) -> None:
    sweep = start(folder, 20)
    wait_for(folder, lambda runs: any(run.status == "running" for run in runs))
    assert sweep.stdout is not None
    os.killpg(sweep.pid, signal.SIGINT)
    while "Stopping" not in sweep.stdout.readline():
        pass
    begin = time.monotonic()
    os.killpg(sweep.pid, signal.SIGINT)
    sweep.communicate(timeout=10)
    assert time.monotonic() - begin < 5
    assert sweep.returncode == 130
    with Ledger.read(folder / LEDGER) as ledger:
        found = {run.status for run in ledger.runs()}
    assert found == {"interrupted", "pending"}


@pytest.mark.slow
def test_ledger_that_fills_up_ends_the_sweep_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Ledger.end
    ends: list[str] = []

    def full_at_the_third(self: Ledger, result: Any) -> None:
        ends.append(result.run)
        if len(ends) == 3:
            raise InputError("ledger: the disk is full")
        real(self, result)

    monkeypatch.setattr(Ledger, "end", full_at_the_third)
    refused(lambda: run_sweep(plan(), folder, options(), quiet()), "the disk is full")
    monkeypatch.setattr(Ledger, "end", real)
    resumed = run_sweep(plan(), folder, options(), quiet())
    assert outcomes(resumed) == [Outcome.COMPLETED] * 6
    assert resumed.trained == 4
    assert list(trained_epochs(folder).values()) == [["0", "1", "2"]] * 6


# ---------------------------------------------------------------- another plan


LISTED: list[dict[str, Any]] = [
    {"name": "small", "base": "small"},
    {"name": "wide", "set": {"dim": 24}},
    {"name": "wide, no LPU", "set": {"dim": 24, "lpu": "none"}},
]


def begin(folder: Path) -> None:
    """A sweep of the list that has run one of its rows."""
    whole = plan(kind="list", rows=LISTED)
    run_sweep(whole, folder, options(jobs=1, only=("small",)), quiet())


@pytest.mark.parametrize(
    ("changes", "fields", "parts"),
    [
        (Changes(settings=("recipe.epochs=4",)), {}, ["recipe: epochs 3 -> 4"]),
        (
            Changes(settings=("lpu=conv_plain",)),
            {},
            ["row 'small': stages.0.lpu conv -> conv_plain"],
        ),
        (None, {"seeds": 1}, ["seed 1 is gone"]),
        (None, {"rows": LISTED[:2]}, ["row 'wide, no LPU' is gone"]),
        (None, {"seeds": 3}, ["seed 2 is new", "--extend"]),
        (None, {"kind": "additive"}, ["row 'wide, no LPU': compared to 'small' -> 'wide'"]),
    ],
)
def test_changed_plan_is_refused_showing_what_changed(
    folder: Path, changes: Changes | None, fields: dict[str, Any], parts: list[str]
) -> None:
    begin(folder)
    changed = plan(changes, **{"kind": "list", "rows": LISTED, **fields})
    refused(
        lambda: run_sweep(changed, folder, options(), quiet()),
        "plan 'path' is not the one in", "--name", *parts,
    )  # fmt: skip
    assert len(load_results(folder)) == 6


def test_words_may_change(folder: Path) -> None:
    begin(folder)
    reworded = plan(kind="list", rows=LISTED, question="Why?")
    again = run_sweep(reworded, folder, options(jobs=1, only=("small",)), quiet())
    assert again.trained == 0
    assert load_sweep(folder).plan.question == "Why?"


def test_extend_adds_rows_and_seeds_and_nothing_else(folder: Path) -> None:
    begin(folder)
    rows = [*LISTED, {"name": "wider", "set": {"dim": 32}}]
    more = plan(kind="list", rows=rows, seeds=3)
    grown = run_sweep(more, folder, options(extend=True, only=("small", "wider")), quiet())
    assert (grown.trained, len(grown.runs)) == (4, 12)
    changed = plan(Changes(settings=("recipe.epochs=4",)), kind="list", rows=rows, seeds=3)
    refused(
        lambda: run_sweep(changed, folder, options(extend=True), quiet()),
        "recipe: epochs 3 -> 4",
    )


def test_other_ids_behind_the_same_plan_are_refused(folder: Path) -> None:
    begin(folder)
    with sqlite3.connect(folder / LEDGER) as connection:
        connection.execute("UPDATE runs SET id = 'x' WHERE variant = 'wide' AND seed = 0")
    again = plan(kind="list", rows=LISTED)
    refused(lambda: run_sweep(again, folder, options(), quiet()), "another version")


# ---------------------------------------------------------------- folders


def test_two_sweeps_cannot_share_a_folder(folder: Path) -> None:
    with locked(folder):
        refused(
            lambda: run_sweep(plan(), folder, options(), quiet()),
            f"in use by another sweep (process {os.getpid()})",
        )
    assert run_sweep(plan(), folder, options(), quiet()).trained == 6


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(
        lambda: run_sweep(plan(), tmp_path / "file" / "path", options(), quiet()),
        "results: ", "can't be written",
    )  # fmt: skip


def test_run_folders_are_apart_even_for_names_alike(folder: Path) -> None:
    rows = [{"name": "a b", "base": "small"}, {"name": "a-b", "base": "large"}]
    runs = plan(rows=rows).runs()
    assert len({run_folder(folder, run) for run in runs}) == 4


def test_unknown_device_and_row_are_refused_before_anything_is_made(folder: Path) -> None:
    refused(lambda: run_sweep(plan(), folder, options(device="cuda:99")), "device: 'cuda:99'")
    refused(lambda: run_sweep(plan(), folder, options(only=("x",))), "only: unknown 'x'")
    assert not folder.exists()


# ---------------------------------------------------------------- reading back


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
    assert records["+ LPU", 0].command == (
        "workbench ablate path --only '+ LPU' --seeds 0 --name path-repeated --jobs 2"
    )
    assert "epochs: 3" in records["small", 0].config
    assert sweep.facts().seeds == (0, 1)
    assert dict(sweep.facts().environment)["threads"]


def test_results_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    refused(lambda: load_results(tmp_path / "none"), "does not exist")
    refused(lambda: load_results(tmp_path), "holds neither ledger.db nor runs.jsonl")
    (tmp_path / "plan.json").write_text("{}")
    (tmp_path / "runs.jsonl").write_text("{}")
    refused(lambda: load_results(tmp_path), "is damaged")


# ---------------------------------------------------------------- commands


def test_preview_measures_every_row_and_leaves_nothing(tmp_path: Path) -> None:
    path = write_plan(tmp_path)
    found_plan, found = preview(path, options=SweepOptions(jobs=2, device="cpu"), rooms=rooms())
    assert [variant.name for variant in found_plan.variants] == ["small", "large", "+ LPU"]
    assert set(found.runs) == {"small", "large", "+ LPU"}
    # 100 + 50 images at the stand-in's 0.25 s for 80 + 50 of them, 1000 images a second in training
    epoch = 100 / 1000 + 50 * (0.25 - 80 / 1000) / 50
    assert found.runs["small"] == pytest.approx(3 * epoch, abs=1e-9)
    assert found.sweep == pytest.approx(3 * 3 * epoch, abs=1e-9)
    assert [each.name for each in tmp_path.iterdir()] == ["plan.yaml"]


def test_preview_prints_its_numbers_and_gives_them_unrounded(tmp_path: Path) -> None:
    wanted = SweepOptions(jobs=1, device="cpu")
    found = preview(write_plan(tmp_path), options=wanted, rooms=rooms())
    console = quiet()
    print_preview(*found, console)
    text = said(console)
    assert "large, lpu=none" in text
    assert "16,000" in text
    assert "6 runs: 3 variants x seeds 0, 1; about 5 s" in text
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
    assert found.sweep is None


def write_plan(folder: Path) -> Path:
    path = folder / "plan.yaml"
    path.write_text(json.dumps(standins.PATH))  # JSON is YAML
    return path


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
