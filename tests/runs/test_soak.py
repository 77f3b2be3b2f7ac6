"""The soak finds what it looks for, and a short one finds nothing."""

import sqlite3
from pathlib import Path

import pytest

from benchmarks.soak.__main__ import faults, soak
from benchmarks.soak.checks import Watch, numbers
from tests.support.sweeps import options, plan, quiet
from workbench.runs.folder import LEDGER
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep


@pytest.mark.slow
def test_a_short_soak(tmp_path: Path) -> None:
    assert faults(soak(3, 0, tmp_path)) == 0


def test_what_a_soak_looks_for_is_found(folder: Path) -> None:
    run_sweep(plan(seeds=1), folder, options(), quiet())
    right = {run.id: numbers(run) for run in load_sweep(folder).runs}
    watch = Watch(folder, right)
    assert (list(watch.faults()), watch.finished) == ([], set(right))
    change, lose, *_ = right
    with sqlite3.connect(folder / LEDGER) as ledger:
        ledger.execute("UPDATE runs SET top1 = 1 WHERE id = ?", (change,))
        ledger.execute("UPDATE runs SET status = 'pending' WHERE id = ?", (lose,))
    assert list(watch.faults()) == [f"lost: {lose[:12]}", f"changed: {change[:12]}"]
    (folder / LEDGER).write_bytes(b"no database")
    assert [fault.partition(":")[0] for fault in watch.faults()] == ["unreadable"]


def test_a_sweep_killed_before_it_made_its_folder_is_no_fault(folder: Path) -> None:
    assert list(Watch(folder, {}).faults()) == []
