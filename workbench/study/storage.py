"""Where Optuna keeps a study: SQLite, any database of its RDB storage, or a journal file."""

from pathlib import Path

from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from workbench.errors import InputError
from workbench.runs.store.database import extra, with_driver

JOURNAL = "journal:"


def open_storage(where: str) -> BaseStorage:
    """The storage at an SQLAlchemy URL, or at `journal:PATH` for file systems over a network.

    Raises `InputError`, in one line and without a password, for one that does not open.
    """
    name = readable_storage(where)
    try:
        if where.startswith(JOURNAL):
            return _journal(Path(where.removeprefix(JOURNAL)))
        url = with_driver(make_url(where)).render_as_string(hide_password=False)
        # A server that restarted has closed its connections.
        return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    except ImportError as error:
        text = f"{name}: its driver is not installed: {error}{extra(make_url(where))}"
        raise InputError(text, key="storage") from None
    except (SQLAlchemyError, OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} does not open: {reason(error)}", key="storage") from None


def reason(error: BaseException) -> str:
    """What a storage says is wrong, or the database below it, in one line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


def _journal(path: Path) -> BaseStorage:
    if not path.name:
        raise ValueError("journal: needs a path")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab"):  # one line now, where it can't be written
        pass
    return JournalStorage(JournalFileBackend(str(path)))


def readable_storage(where: str) -> str:
    """The storage without its password."""
    if where.startswith(JOURNAL):
        return where
    try:
        return make_url(where).render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError):
        return repr(where)


def dashboard_argument(where: str) -> str:
    """What `optuna-dashboard` takes for it."""
    return where.removeprefix(JOURNAL) if where.startswith(JOURNAL) else readable_storage(where)
