"""Opening a ledger's database, and turning its errors into one line."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from workbench.errors import InputError, shown
from workbench.runs.store.schema import SCHEMA, MetaRow

POSTGRES = "postgresql"
# It would print the trace of an error, or of a second Ctrl-C, which the caller says in a line.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


class LedgerError(InputError):
    """A ledger that can't be opened, read or written."""


class LedgerGoneError(LedgerError):
    """A ledger whose file is no longer where it was opened."""


def database_url(where: str | Path) -> URL:
    """A path as the URL of an SQLite file; a URL as it is."""
    text = str(where)
    try:
        url = make_url(text) if "://" in text else URL.create("sqlite", database=text)
    except (ArgumentError, ValueError):  # a port that is no number
        raise LedgerError(f"ledger: {text!r} is not a database URL") from None
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise LedgerError(
            f"ledger: {text!r} is in memory, where nothing is kept; "
            "give a file, as in sqlite:///ledger.db"
        )
    return url


def readable_name(url: URL) -> str:
    """The database without its password; a file as its path."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return url.render_as_string(hide_password=True)


def connect(url: URL, write: bool) -> sa.Engine:
    """An engine whose SQLite connections are durable, or read-only if not `write`."""
    is_file = url.get_backend_name() == "sqlite"
    if is_file and not write:
        path = Path(url.database or "").resolve()
        query = {"mode": "ro", "uri": "true"} | ({"immutable": "1"} if _unchanging(path) else {})
        url = url.set(database=path.as_uri(), query=query)
    name, url = readable_name(url), with_driver(url)
    try:
        waits = {"timeout": 1.0} if is_file and write else {}  # then Ctrl-C is heard between two
        engine = sa.create_engine(url, connect_args=waits)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise LedgerError(
            f"ledger: {name}: its driver is not installed: {error}{extra(url)}"
        ) from None
    if is_file and write:
        sa.event.listen(engine, "connect", _durable)
    return engine


def check_ledger(where: str) -> None:
    """Raises `LedgerError` for what is no database, or one without its driver, and for a file that
    is none; connects to no server and makes no file."""
    url = database_url(where)
    connect(url, write=True).dispose()
    if url.get_backend_name() == "sqlite" and os.path.exists(url.database or ""):
        look(url, readable_name(url))


def with_driver(url: URL) -> URL:
    """PostgreSQL's is psycopg; SQLAlchemy 2.0 would look for the one of before."""
    return url.set(drivername=f"{POSTGRES}+psycopg") if url.drivername == POSTGRES else url


def extra(url: URL) -> str:
    """Where a driver that is missing can be had, as the tail of an error message."""
    return "; pip install 'cmt-workbench[postgres]'" if url.get_backend_name() == POSTGRES else ""


def look(url: URL, name: str) -> None:
    """Refuse what can't be opened, without touching it."""
    engine = connect(url, write=False)
    try:
        with one_line(name, "opened"):
            check_schema(engine, name)
    finally:
        engine.dispose()


def check_schema(engine: sa.Engine, name: str) -> None:
    """Refuse a database of a newer version; one that is empty is fine."""
    if not sa.inspect(engine).has_table(MetaRow.__tablename__):
        return
    with Session(engine) as session:
        row = session.get(MetaRow, "schema")
    try:
        found = int(row.value) if row else 0
    except (TypeError, ValueError):
        raise LedgerError(
            f"ledger: {name} is damaged: its schema is {shown(row and row.value)}; move it away, "
            "and runs.jsonl is read in its place"
        ) from None
    if found > SCHEMA:
        raise LedgerError(
            f"ledger: {name} was written by a newer version of the workbench "
            f"(schema {found}, this one knows {SCHEMA}); upgrade it, or use another --name"
        )


def file_identity(url: URL) -> tuple[int, int] | None:
    """Which file lies where the URL says; none for other databases, and where there is none."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    try:
        found = os.stat(url.database)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _durable(connection: sqlite3.Connection, _: object) -> None:
    """WAL: readers don't wait for the writer. FULL: what is committed survives a power cut."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _unchanging(path: Path) -> bool:
    """Whether a file on read-only media is all there is: SQLite would make others beside one that
    was left in WAL mode."""
    wal = path.with_name(f"{path.name}-wal")
    return not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size)


def settle(engine: sa.Engine) -> None:
    """Close; an SQLite ledger becomes one file again, which read-only media can hold.

    While somebody reads, it can't: then all of it is at least in the one file.
    """
    engine.dispose()  # what other threads had opened keeps it from becoming one
    if engine.dialect.name == "sqlite":
        with suppress(SQLAlchemyError), engine.connect() as connection:  # it is only tidier
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
            for pause in (0.05, 0.2, 0.5, 0.0):  # reading takes less
                with suppress(SQLAlchemyError):
                    connection.execute(sa.text("PRAGMA journal_mode=DELETE"))
                    break
                time.sleep(pause)
    engine.dispose()


@contextmanager
def one_line(name: str, doing: str) -> Iterator[None]:
    """Database errors as a `LedgerError` that says what to do."""
    try:
        yield
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise LedgerError(
            f"ledger: {name} can't be {doing}: {reason}{_advice(name, reason)}"
        ) from None
    except SQLAlchemyError as error:
        reason = " ".join(str(error).split())
        raise LedgerError(f"ledger: {name} can't be {doing}: {reason}") from None


def _advice(name: str, reason: str) -> str:
    if "full" in reason or "disk I/O" in reason:
        return "; finished runs are safe in it: make room and give the same command again"
    if "not a database" in reason or "malformed" in reason:
        return "; it is damaged, or no ledger: move it away, and runs.jsonl is read in its place"
    if os.path.exists(name) and not os.access(name, os.W_OK):
        return "; the file is write-protected"
    return ""
