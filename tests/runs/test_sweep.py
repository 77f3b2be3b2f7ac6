"""Sweeps: what is done stays done, and another plan is refused."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.support.checks import outcomes, refused, trained_epochs
from tests.support.sweeps import options, plan, quiet, said
from workbench.config import Outcome
from workbench.engine import LOCAL
from workbench.plans.changes import Changes
from workbench.runs import progress
from workbench.runs.folder import LEDGER, locked, run_folder
from workbench.runs.results import load_results, load_sweep
from workbench.runs.sweep import run_sweep


def test_sweep_trains_every_run_and_leaves_its_folder(folder: Path) -> None:
    given = options(where=LOCAL, command="workbench ablate path")
    done = run_sweep(plan(), folder, given, quiet())
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


def test_log_has_a_line_for_the_start_and_the_end_of_each_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 600.0)  # no line of epochs on a busy machine
    console = quiet()
    run_sweep(plan(), folder, options(jobs=1), console)
    lines = said(console).splitlines()
    assert lines[0] == "[0/6] small, seed 0: starts"
    assert lines[1].startswith("[1/6] small, seed 0: completed top-1 58.00 % in ")
    assert len(lines) == 12


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
            Changes(settings=("lpu.shortcut=false",)),
            {},
            ["row 'small': stages.0.lpu.shortcut True -> False"],
        ),
        (
            None,
            {"seeds": 1},
            ["leave --seeds out to go on with all its seeds, or give it", "seed 1 is gone"],
        ),
        (None, {"rows": LISTED[:2]}, ["row 'wide, no LPU' is gone"]),
        (None, {"seeds": 3}, ["seed 2 is new", "--extend"]),
        (
            None,
            {
                "rows": [
                    {"name": f"r{n}", "base": "small", "set": f"dim={n + 2}"} for n in (7, 8, 9)
                ]
            },
            ["give it another name, --name NEW, or delete that folder. What", "; and 1 more"],
        ),
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
