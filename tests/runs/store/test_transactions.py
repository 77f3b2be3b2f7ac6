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


@pytest.mark.slow
def test_patience_has_an_end(
    ledger: Ledger, lock: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "PATIENCE", 0.0)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="can't be written: database is locked"):
        ledger.end(RESULT)
    lock.execute("ROLLBACK")


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
