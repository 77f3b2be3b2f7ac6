"""Reading and writing a database that may be locked for a while, or away while it restarts.

What is written has to come to the same when it is written twice: a server that goes away does not
say whether it had stored the last of it.
"""

import time
import warnings
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from workbench.errors import InputWarning
from workbench.runs.store.database import LedgerError, LedgerGoneError, file_identity, one_line
from workbench.runs.store.schema import SCHEMA, Base, MetaRow

PATIENCE = 300.0  # seconds that a sweep waits for its database
PAUSE = 0.5  # between two tries
SAID = 2.0  # after which the user hears of it

Found = TypeVar("Found")
Work = Callable[[Session], Found]


class Transactions:
    """Of one database. `fence` is the first thing that each does that writes."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self.engine, self.name = engine, name
        self.fence: Work[None] | None = None
        self._file = file_identity(engine.url)
        self._patience = PATIENCE

    @property
    def gone(self) -> bool:
        """Whether its file was removed, moved or replaced; what is in it can still be read here."""
        return file_identity(self.engine.url) != self._file

    def read(self, work: Work[Found]) -> Found:
        """What `work` finds; waits as `write` does."""
        with one_line(self.name, "read"):
            return self._patiently(lambda: self._once(work))

    def write(self, work: Work[Found]) -> Found:
        """Commit what `work` does. Waits up to `PATIENCE` seconds for a database that is locked or
        does not answer; raises `LedgerError` then, and for all else that it refuses."""
        with one_line(self.name, "written"):
            return self._patiently(lambda: self.write_once(work))

    def write_once(self, work: Work[Found]) -> Found:
        """The same without waiting; raises SQLAlchemy's own errors."""
        if self.gone:  # SQLite itself would go on with a file that nobody can open any more
            raise LedgerGoneError(
                f"ledger: {self.name} was removed, moved or replaced while it was written"
            )
        return self._once(work, self.fence)

    def _once(self, work: Work[Found], fence: Work[None] | None = None) -> Found:
        with Session(self.engine) as session, session.begin():
            if fence:
                fence(session)
            return work(session)

    def _patiently(self, attempt: Callable[[], Found]) -> Found:
        begin, said = time.monotonic(), False
        while True:
            try:
                return attempt()
            except DBAPIError as error:
                waited = time.monotonic() - begin
                if not passes(error, self.engine.dialect.name) or waited > self._patience:
                    self._patience = 0.0  # what is tried on the way out does not wait once more
                    raise
                if waited > SAID and not said:
                    said = True
                    self._say(error)
            try:
                time.sleep(PAUSE)
            except KeyboardInterrupt:
                self._patience = 0.0
                raise

    def _say(self, error: DBAPIError) -> None:
        reason = " ".join(str(error.orig).split())
        text = f"ledger: {self.name}: {reason}; waiting up to {PATIENCE / 60:.0f} min for it"
        warnings.warn(InputWarning(text), stacklevel=2)


def passes(error: DBAPIError, dialect: str) -> bool:
    """Whether waiting may help: a lock of SQLite, a server that restarts, a deadlock."""
    if dialect == "sqlite":
        return any(word in str(error.orig) for word in ("locked", "busy"))
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def make_tables(store: Transactions) -> None:
    """The tables of a ledger, where they are not there yet."""

    def work(session: Session) -> None:
        Base.metadata.create_all(session.connection())
        session.merge(MetaRow(key="schema", value=str(SCHEMA)))

    try:
        store.write(work)
    except LedgerError:  # another sweep may have made them at the same moment
        store.write(work)
