"""The soak finds what it looks for, and a short one finds nothing."""

import sqlite3
from pathlib import Path

import pytest

from benchmarks.soak.__main__ import faults, main, soak
from benchmarks.soak.checks import Watch, numbers
from benchmarks.soak.tally import Tally
from tests.support.checks import refused
from tests.support.sweeps import options, plan, quiet
from workbench.runs.folder import LEDGER
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep


@pytest.mark.slow
def test_a_short_soak_may_be_run_in_pieces(tmp_path: Path) -> None:
    for piece in ("one", "two"):
        (tmp_path / piece).mkdir()
    table = soak(3, 0, tmp_path / "one", tmp_path)
    assert faults(table) == 0
    tally = Tally.of(0, tmp_path / "tally.json")
    assert tally.done == 3 == sum(each.times for each in tally.counts.values())
    assert soak(3, 0, tmp_path / "two", tmp_path) == table  # nothing was left to do
    refused(lambda: Tally.of(1, tmp_path / "tally.json"), "--out: ", "is of seed 0")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seed": 0, "counts": {"x": 3}}'])
def test_a_tally_that_is_damaged_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "tally.json").write_text(text)
    monkeypatch.setattr("sys.argv", ["soak", "--out", str(tmp_path)])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main() == 2
    said = capsys.readouterr().err
    assert (said.count("\n"), "tally.json is damaged" in said) == (1, True)


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
