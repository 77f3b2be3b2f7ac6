"""Two sweeps on one ledger: they never take each other's runs, and a dead one holds nothing."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checks import refused
from tests.support.sweeps import options, plan, quiet
from workbench.config import Outcome, Result
from workbench.errors import InputWarning
from workbench.runs.ledger import Ledger
from workbench.runs.results import load_sweep
from workbench.runs.store import lease
from workbench.runs.store.database import LedgerError
from workbench.runs.sweep import run_sweep

pytestmark = pytest.mark.filterwarnings("ignore::workbench.errors.InputWarning")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"EXPIRES": 0.3, "BEAT": 0.05, "LOOK": 0.1}.items():
        monkeypatch.setattr(lease, name, seconds)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'shared.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, "path") as opened:
        opened.register(plan(), plan().runs())
        yield opened


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    made = (tmp_path / "one", tmp_path / "two")
    for folder in made:
        folder.mkdir()
    return made


def test_a_sweep_elsewhere_on_the_same_plan_is_refused_and_takes_nothing(
    ledger: Ledger, url: str, folders: tuple[Path, Path]
) -> None:
    one, two = folders
    with ledger.held(one):
        ledger.start(plan().runs()[0].id, {})
        refused(
            lambda: run_sweep(plan(), two, options(ledger=url, reuse=None), quiet()),
            "plan 'path' is being run by another sweep (process ", f"in {one}",
        )  # fmt: skip
        assert [run.status for run in ledger.runs()].count("running") == 1
        assert load_sweep(url).runs  # reading needs no lease


def test_other_plans_of_one_ledger_are_run_beside_it(
    ledger: Ledger, url: str, folders: tuple[Path, Path]
) -> None:
    with ledger.held(folders[0]):
        found = run_sweep(plan(name="other"), folders[1], options(ledger=url), quiet())
        assert found.exit_code == 0
        ledger.end(Result(run=plan().runs()[0].id, outcome=Outcome.COMPLETED))


def die(ledger: Ledger, folder: Path) -> None:
    """As a killed sweep leaves its lease."""
    held = lease._Lease(ledger._store, "path", folder)
    held.take()


def test_a_dead_sweep_elsewhere_is_waited_for_and_then_taken_over(
    ledger: Ledger, url: str, folders: tuple[Path, Path]
) -> None:
    die(ledger, folders[0])
    with pytest.warns(InputWarning, match="waiting up to 0 s to see whether it lives"):
        found = run_sweep(plan(), folders[1], options(ledger=url), quiet())
    assert found.exit_code == 0


def test_the_next_sweep_of_the_same_folder_need_not_wait(
    ledger: Ledger, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    die(ledger, folders[0])
    monkeypatch.setattr(lease.time, "sleep", lambda _: pytest.fail("it waits"))
    with ledger.held(folders[0]):
        pass
    assert ledger._store.read(lambda session: session.query(lease.LeaseRow).count()) == 0


def test_a_sweep_that_was_taken_over_writes_nothing_more(
    ledger: Ledger, url: str, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its machine slept, say."""
    monkeypatch.setattr(lease, "BEAT", 60.0)
    run = plan().runs()[0].id
    with ledger.held(folders[0]), Ledger.open(url, "path") as other, other.held(folders[1]):
        other.end(Result(run=run, outcome=Outcome.COMPLETED, top1=1.0))
        with pytest.raises(LedgerError, match="another sweep took plan 'path' over"):
            ledger.end(Result(run=run, outcome=Outcome.COMPLETED, top1=2.0))
        assert ledger.final()[run]
    assert next(found.top1 for found in ledger.runs() if found.id == run) == 1.0


def test_of_two_that_wait_for_a_dead_one_a_single_one_gets_it(
    ledger: Ledger, url: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    die(ledger, tmp_path)
    ends: list[str] = []

    def sweep(folder: Path) -> None:
        with Ledger.open(url, "path") as own:
            try:
                with own.held(folder):
                    ends.append("held")
                    both.wait(5)
            except LedgerError:
                ends.append("refused")
                both.set()

    both = threading.Event()
    threads = [threading.Thread(target=sweep, args=(folder,)) for folder in folders]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(ends) == ["held", "refused"]


def test_a_ledger_that_can_not_be_written_is_refused_at_once(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise LedgerError("disk is full")

    monkeypatch.setattr(ledger._store, "write", full)
    monkeypatch.setattr(lease.time, "sleep", lambda _: pytest.fail("it waits"))
    with pytest.raises(LedgerError, match="full"), ledger.held(tmp_path):
        pass


def test_a_ledger_of_before_there_were_leases_opens(
    url: str, tmp_path: Path, folders: tuple[Path, Path]
) -> None:
    with Ledger.open(url, "path") as opened:
        opened.register(plan(), plan().runs())
    with sqlite3.connect(tmp_path / "shared.db") as database:
        database.execute("DROP TABLE leases")
    assert len(load_sweep(url).runs) == 6
    assert run_sweep(plan(), folders[0], options(ledger=url), quiet()).exit_code == 0
