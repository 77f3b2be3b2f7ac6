"""A ledger that is lost, before a sweep or in the middle of it, costs no finished run."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.checks import refused, trained_epochs
from tests.support.sweeps import options, plan, quiet, said
from workbench.plans.changes import Changes
from workbench.plans.load import PLAN
from workbench.runs.folder import LEDGER, RUNS
from workbench.runs.ledger import Ledger
from workbench.runs.rescue import restore
from workbench.runs.results import export, load_sweep, read_export
from workbench.runs.sweep import run_sweep
from workbench.shipped import in_checkout


def no_file(path: Path) -> None:
    path.unlink()


def no_byte(path: Path) -> None:
    path.write_bytes(b"")


def no_plan(path: Path) -> None:
    path.unlink()
    with Ledger.open(path, "path"):
        pass


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of which one run has failed and one diverged."""
    folder = tmp_path_factory.mktemp("swept") / "path"
    run_sweep(plan(), folder, options("mixed"), quiet())
    return folder


@pytest.fixture
def done(swept: Path, folder: Path) -> Path:
    shutil.copytree(swept, folder)
    return folder


@pytest.mark.parametrize("lose", [no_file, no_byte, no_plan])
def test_a_ledger_that_is_lost_is_made_again_from_the_export(
    done: Path, lose: Callable[[Path], None]
) -> None:
    before, trained = vars(load_sweep(done)), trained_epochs(done)
    files = {name: (done / name).read_bytes() for name in (PLAN, RUNS, "runs.csv")}
    lose(done / LEDGER)
    console = quiet()
    again = run_sweep(plan(), done, options("no_such_fit", only=("small",)), console)
    assert (again.trained, again.left) == (0, 0)
    assert f"6 runs taken from {RUNS}: the ledger had nothing of this plan." in said(console)
    assert vars(load_sweep(done)) == before
    assert trained_epochs(done) == trained
    assert {name: (done / name).read_bytes() for name in files} == files


@pytest.mark.parametrize("lose", [no_file, no_byte])
def test_results_without_a_ledger_are_read_from_the_export(
    done: Path, lose: Callable[[Path], None]
) -> None:
    before = vars(load_sweep(done))
    lose(done / LEDGER)
    assert vars(load_sweep(done)) == before


@pytest.mark.parametrize("exported", [True, False])
@pytest.mark.parametrize("lose", [no_file, no_byte])
def test_another_plan_is_refused_without_a_ledger_too(
    done: Path, lose: Callable[[Path], None], exported: bool
) -> None:
    """Even where a sweep was killed before it had exported a run."""
    lose(done / LEDGER)
    if not exported:
        (done / RUNS).unlink()
    files = {path.name: path.read_bytes() for path in done.glob("*.*") if path.name != LEDGER}
    changed = plan(Changes(settings=("recipe.epochs=2",)))
    refused(lambda: run_sweep(changed, done, options(), quiet()), "recipe: epochs 3 -> 2")
    renamed = plan(Changes(name="other"))
    refused(lambda: run_sweep(renamed, done, options(), quiet()), "holds plan 'path', not 'other'")
    assert {name: (done / name).read_bytes() for name in files} == files


def test_an_export_that_can_not_be_read_is_not_written_over(done: Path) -> None:
    (done / LEDGER).unlink()
    (done / RUNS).write_text("{")
    refused(lambda: run_sweep(plan(), done, options(), quiet()), "runs.jsonl is damaged")
    assert (done / RUNS).read_text() == "{"


@pytest.mark.parametrize("name", ["quickstart", "scaling_study"])
def test_what_ships_goes_through_a_ledger_unchanged(tmp_path: Path, name: str) -> None:
    shipped = in_checkout(f"results/measured/{name}")
    for file in (PLAN, RUNS):
        shutil.copy(shipped / file, tmp_path)
    with Ledger.open(tmp_path / LEDGER, name) as ledger:
        assert restore(ledger, tmp_path) > 0
        export(ledger, tmp_path)
    assert read_export(tmp_path) == read_export(shipped)
    assert (tmp_path / "runs.csv").read_bytes() == (shipped / "runs.csv").read_bytes()


# ---------------------------------------------------------------- in the middle of a sweep


def lose_at_second_end(monkeypatch: pytest.MonkeyPatch, lose: Callable[[], object]) -> None:
    real, ends = Ledger.end, list[str]()

    def end(self: Ledger, result: Any) -> None:
        real(self, result)
        ends.append(result.run)
        if len(ends) == 2:
            lose()

    monkeypatch.setattr(Ledger, "end", end)


@pytest.mark.parametrize("what", ["ledger", "folder"])
def test_a_sweep_that_loses_its_ledger_stops_and_keeps_what_is_finished(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def lose() -> None:
        if what == "ledger":
            (folder / LEDGER).unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)

    lose_at_second_end(monkeypatch, lose)
    refused(
        lambda: run_sweep(plan(), folder, options(jobs=1), quiet()),
        "ledger.db was removed, moved or replaced while it was written; 2 finished runs kept in",
        "the same command goes on from there",
    )
    assert sum(run.final for run in load_sweep(folder).runs) == 2
    monkeypatch.undo()
    again = run_sweep(plan(), folder, options(), quiet())
    assert (again.trained, again.left) == (4, 0)


def test_another_ledger_in_its_place_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace() -> None:
        (folder / LEDGER).unlink()
        with sqlite3.connect(folder / LEDGER) as other:
            other.execute("CREATE TABLE mine (x)")

    lose_at_second_end(monkeypatch, replace)
    refused(
        lambda: run_sweep(plan(), folder, options(jobs=1), quiet()), "another one is in its place"
    )
    with sqlite3.connect(folder / LEDGER) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
    assert not (folder / RUNS).exists()


def test_a_ledger_whose_sweep_was_killed_between_two_tables_holds_nothing_yet(done: Path) -> None:
    (done / LEDGER).unlink()
    (done / RUNS).unlink()
    with sqlite3.connect(done / LEDGER) as half:
        half.execute("CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR)")
    refused(lambda: load_sweep(done), "holds 0 plans: its sweep was cut off before its first run")
    again = run_sweep(plan(), done, options(), quiet())
    assert again.left == 0
    assert len(load_sweep(done).runs) == 6
