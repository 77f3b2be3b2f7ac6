"""A ledger that is locked, or whose server restarts, is waited for."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from tests.support.sweeps import plan
from workbench.config import Outcome, Result
from workbench.errors import InputWarning
from workbench.runs.ledger import Ledger
from workbench.runs.store import transactions
from workbench.runs.store.database import LedgerError
from workbench.runs.store.transactions import passes


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    for name, seconds in {"PATIENCE": 30.0, "PAUSE": 0.05, "SAID": 0.0}.items():
        monkeypatch.setattr(transactions, name, seconds)
    with Ledger.open(tmp_path / "ledger.db", "path") as opened:
        opened.register(plan(), plan().runs())
        yield opened


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    yield other
    other.close()


RESULT = Result(run=plan().runs()[0].id, outcome=Outcome.COMPLETED, top1=60.0)


@pytest.mark.slow
def test_a_lock_that_others_hold_is_waited_for(ledger: Ledger, lock: sqlite3.Connection) -> None:
    lock.execute("BEGIN IMMEDIATE")
    threading.Timer(1.3, lambda: lock.execute("COMMIT")).start()
    with pytest.warns(InputWarning, match="locked; waiting up to 0 min"):
        ledger.end(RESULT)
    assert ledger.final()[RESULT.run]


@pytest.mark.filterwarnings("ignore::workbench.errors.InputWarning")
def test_patience_has_an_end_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tries = iter(range(0, 1000, 10)), []

    def locked(_: object) -> None:
        tries.append(1)
        raise error(OperationalError, "database is locked")

    monkeypatch.setattr(transactions.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(transactions.time, "sleep", lambda _: None)
    monkeypatch.setattr(ledger._store, "write_once", locked)
    for most in (4, 1):  # the second does not wait once more
        tries.clear()
        with pytest.raises(LedgerError, match="can't be written: database is locked"):
            ledger.end(RESULT)
        assert len(tries) == most


def error(kind: type[DBAPIError], text: str, invalidated: bool = False) -> DBAPIError:
    return kind("", {}, Exception(text), connection_invalidated=invalidated)


@pytest.mark.parametrize(
    ("found", "dialect", "waits"),
    [
        (error(OperationalError, "database is locked"), "sqlite", True),
        (error(OperationalError, "database or disk is full"), "sqlite", False),
        (error(OperationalError, "the database system is starting up"), "postgresql", True),
        (error(DBAPIError, "server closed the connection", True), "postgresql", True),
        (error(IntegrityError, "duplicate key"), "postgresql", False),
    ],
)
def test_what_is_waited_for(found: DBAPIError, dialect: str, waits: bool) -> None:
    assert passes(found, dialect) is waits
