"""A results folder: its lock, its files, the folders of its runs."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from workbench.errors import InputError
from workbench.plans.load import PLAN
from workbench.show.again import LOCK
from workbench.whole_file import writing, written_whole

LEDGER, ENVIRONMENT = "ledger.db", "environment.json"
RUNS = "runs.jsonl"  # the ledger, exported
RUN_FOLDERS = "runs"  # one each, in there
CHECKPOINTS = ("last.ckpt", "last.ckpt.tmp", "last.ckpt.refused")


def holds_results(folder: Path) -> bool:
    """Whether a sweep's ledger, or its export, lies here; not where we may not look."""
    exists = os.path.exists
    return exists(folder / LEDGER) or (exists(folder / RUNS) and exists(folder / PLAN))


def results_folders(root: Path) -> Iterator[Path]:
    """`root`, if it holds results, else the folders in it that do, by name."""
    if holds_results(root):
        yield root
        return
    with suppress(OSError):
        yield from (each for each in sorted(root.iterdir()) if holds_results(each))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make `folder` and hold its lock, which the system lets go if we die.

    Raises `InputError` if it can't be written, or another sweep holds it.
    """
    file = folder / LOCK
    lock = FileLock(file, timeout=0, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        holder = _content(file) or "unknown"
        raise InputError(
            f"{folder} is in use by another sweep (process {holder})", key="results"
        ) from None
    except OSError as error:
        raise InputError(f"{folder} can't be written: {error.strerror}", key="results") from None
    try:
        with suppress(OSError):  # on a full disk the lock holds without a name in it
            file.write_text(str(os.getpid()))
        yield
    finally:
        lock.release()


def in_use(folder: Path) -> bool:
    """Whether a sweep holds the lock of this folder."""
    if not (folder / LOCK).exists():
        return False
    try:
        with FileLock(folder / LOCK, timeout=0, fallback_to_soft=False):
            return False
    except Timeout:
        return True
    except OSError:  # not ours to lock, hence nobody's sweep that we could disturb
        return False


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


class Named(Protocol):
    """A run, by what its folder is named after."""

    @property
    def id(self) -> str: ...

    @property
    def variant(self) -> str: ...

    @property
    def seed(self) -> int: ...


def run_folder(folder: Path, run: Named) -> Path:
    """Where a run's evidence, checkpoints, log and traceback go.

    Readable, and as unique as the run's id.
    """
    words = re.sub(r"[^A-Za-z0-9]+", "-", run.variant).strip("-").lower()[:40]
    return folder / RUN_FOLDERS / f"{words or 'run'}-s{run.seed}-{run.id[:16]}"


def discard_checkpoints(folder: Path) -> None:
    """Free the disk once a run is final."""
    for name in CHECKPOINTS:
        with suppress(OSError):  # the next sweep tries again
            (folder / name).unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Whole or, where the disk is full, the one that was there, with an `InputError`."""
    with writing(path, "results"), written_whole(path) as half:
        half.write_text(text, encoding="utf-8", newline="\n")
    return path
