"""Who runs a plan of a ledger: one sweep at a time, wherever its results folder is.

A sweep that lives says so every few seconds. One that is dead, with its machine perhaps, says
nothing, and after `EXPIRES` seconds of that another sweep may go on with its runs. One of the same
results folder need not wait: it has that folder's lock, so that the sweep before it is dead.
Machines are not asked for the time: their clocks may differ.
"""

import hashlib
import os
import platform
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from workbench.errors import InputWarning
from workbench.runs.store.database import LedgerError
from workbench.runs.store.schema import LeaseRow
from workbench.runs.store.transactions import Transactions

EXPIRES = 60.0  # seconds without a beat after which a sweep counts as dead
BEAT = 5.0  # seconds between two
LOOK = 1.0  # seconds between two looks at a lease that is held


@contextmanager
def held(store: Transactions, plan: str, folder: Path) -> Iterator[None]:
    """Hold the lease of `plan` meanwhile, for the sweep that has the lock of results `folder`.

    What the store writes is then refused once another sweep has taken it over. Raises `LedgerError`
    where a sweep that lives holds it.
    """
    lease = _Lease(store, plan, folder)
    lease.take()
    stop = threading.Event()
    beats = threading.Thread(target=lease.beat, args=(stop,), name="lease", daemon=True)
    store.fence = lease.renew
    beats.start()
    try:
        yield
    finally:
        stop.set()
        beats.join()
        store.fence = None
        lease.give_back()


class _Seen(NamedTuple):
    holder: str
    beats: int
    place: str
    who: str


class _Lease:
    def __init__(self, store: Transactions, plan: str, folder: Path) -> None:
        self._store, self._plan = store, plan
        self._holder = uuid4().hex
        self._place = _place(folder)
        self._who = f"process {os.getpid()} on {platform.node()}, in {folder.resolve()}"[:255]

    def take(self) -> None:
        """Wait for one whose holder seems dead, and refuse one whose holder lives."""
        seen, silent, said = self._look(), 0.0, False
        while not self._swap(seen, silent):
            if seen and not said:
                said = True
                self._say(seen)
            begin, before = time.monotonic(), seen
            time.sleep(LOOK)
            seen = self._look()
            if seen and before and seen[:2] != before[:2]:
                raise LedgerError(
                    f"ledger: {self._store.name}: plan {self._plan!r} is being run by another "
                    f"sweep ({seen.who}); wait for its end, or give this one another --name"
                )
            # While the database is away nobody can say anything.
            silent += min(time.monotonic() - begin, 2 * LOOK)

    def _look(self) -> _Seen | None:
        def work(session: Session) -> _Seen | None:
            row = session.get(LeaseRow, self._plan)
            return _Seen(row.holder, row.beats, row.place, row.who) if row else None

        return self._store.read(work)

    def _swap(self, seen: _Seen | None, silent: float) -> bool:
        """Whether it is ours now; of several that try, one gets it."""
        mine = {"holder": self._holder, "place": self._place, "who": self._who, "beats": 0}
        mine["since"] = datetime.now(UTC).isoformat(timespec="seconds")
        if seen is None:
            try:
                self._store.write(lambda session: session.add(LeaseRow(plan=self._plan, **mine)))
            except LedgerError:
                if self._look() is None:  # nobody was faster: it can't be written
                    raise
                return False
            return True
        if seen.place != self._place and silent <= EXPIRES:
            return False
        as_seen = (LeaseRow.holder == seen.holder, LeaseRow.beats == seen.beats)
        return self._store.write(lambda session: self._update(session, mine, *as_seen)) == 1

    def _update(
        self, session: Session, values: Mapping[str, object], *where: sa.ColumnElement[bool]
    ) -> int:
        statement = sa.update(LeaseRow).where(LeaseRow.plan == self._plan, *where).values(values)
        return int(session.connection().execute(statement).rowcount)

    def renew(self, session: Session) -> None:
        """Say that we live. Raises `LedgerError` where another sweep has it meanwhile."""
        values = {"beats": LeaseRow.beats + 1}
        if not self._update(session, values, LeaseRow.holder == self._holder):
            raise LedgerError(
                f"ledger: {self._store.name}: another sweep took plan {self._plan!r} over, for "
                f"this one said nothing for {EXPIRES:.0f} s; it stops"
            )

    def beat(self, stop: threading.Event) -> None:
        """Renew it every few seconds."""
        while not stop.wait(BEAT):
            with suppress(SQLAlchemyError, LedgerError):  # the next write says what is wrong
                self._store.write_once(lambda _: None)

    def give_back(self) -> None:
        """Nobody need wait for us."""
        mine = sa.delete(LeaseRow).where(
            LeaseRow.plan == self._plan, LeaseRow.holder == self._holder
        )
        with suppress(SQLAlchemyError, LedgerError):  # else it expires
            self._store.write_once(lambda session: session.execute(mine))

    def _say(self, seen: _Seen) -> None:
        text = f"ledger: {self._store.name}: plan {self._plan!r} is held by a sweep ({seen.who})"
        text += f"; waiting up to {EXPIRES:.0f} s to see whether it lives"
        warnings.warn(InputWarning(text), stacklevel=2)


def _place(folder: Path) -> str:
    """This folder on this machine; another one that is made in its place is not it."""
    found = os.stat(folder)
    text = f"{platform.node()}\0{folder.resolve()}\0{found.st_dev}\0{found.st_ino}"
    return hashlib.sha256(os.fsencode(text)).hexdigest()
