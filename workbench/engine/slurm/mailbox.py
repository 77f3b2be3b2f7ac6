"""Messages between a sweep and its jobs, as files of a folder that all machines share.

A network file system may show a file late, so that no file is written twice: each message has a
name of its own, and a reader asks for the next one. Each process of a job has a folder of its own,
its life: a job that is queued again comes back with another one.
"""

import os
import pickle
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from workbench.config import Scalar
from workbench.version import __version__
from workbench.whole_file import writing, written_whole

BEAT_SECONDS = 5.0  # between two signs of life of the sweep
PATIENCE_SECONDS = 120.0  # without one, after which it is taken for dead
LOOKS = 3  # at its file that find none, before it counts as closed
REMOVALS, REMOVAL_SECONDS = 5, 0.5  # how often the folder is removed until it is, and how soon
ALIVE = "alive"  # the file of its signs
PREFIX, LIVES = ".slurm-", "lives"


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of a life: where it is, and with which version."""

    pid: int
    host: Mapping[str, Scalar]
    version: str = __version__


@dataclass(frozen=True, slots=True)
class Left:
    """The last message of a life: why it ends. What it trained is not done."""

    reason: str


class Kill:
    """To a life: end at once."""


@dataclass
class Box:
    """Messages in their order: one process sends, another one takes."""

    folder: Path
    sent: int = 0
    taken: int = 0

    def send(self, *messages: object) -> None:
        """Together, or not at all, with an `OSError`."""
        path = self.folder / f"{self.sent:08}"
        with written_whole(path) as half:
            half.write_bytes(pickle.dumps(messages))
        self.sent += 1

    def take(self) -> Iterator[object]:
        """Those that are there by now; each is taken once."""
        with suppress(OSError):
            self.folder.chmod(0o700)  # has a network file system look again
        with suppress(OSError):  # not there yet, or the file system has a bad moment
            while True:
                path = self.folder / f"{self.taken:08}"
                messages = pickle.loads(path.read_bytes())
                self.taken += 1
                path.unlink()
                yield from messages


@dataclass
class Life:
    """One process of a job: what it is told, what it tells, and whether it has left."""

    folder: Path
    told: Box = field(init=False)
    tells: Box = field(init=False)

    def __post_init__(self) -> None:
        self.told, self.tells = Box(self.folder / "told"), Box(self.folder / "tells")

    @classmethod
    def begin(cls, lives: Path, place: int) -> Self:
        """A new one in `lives`, for worker number `place`; an `OSError` where the sweep is over."""
        name = f"{place}-{secrets.token_hex(8)}"
        (lives / f".{name}").mkdir()
        for box in ("told", "tells"):
            (lives / f".{name}" / box).mkdir()
        os.replace(lives / f".{name}", lives / name)
        return cls(lives / name)

    @property
    def place(self) -> int:
        """The number of the worker."""
        return int(self.folder.name.partition("-")[0])

    @property
    def left(self) -> bool:
        """Whether it trains no more."""
        return (self.folder / "left").exists() or not self.folder.exists()

    def leave(self) -> None:
        """It trains no more; whoever waits for that may go on."""
        with suppress(OSError):
            (self.folder / "left").touch()


class SignOfLife:
    """Whether the sweep of a mailbox lives, as one of its jobs sees it."""

    def __init__(self, mailbox: Path) -> None:
        self._file = mailbox / ALIVE
        self._last, self._since, self._misses = "", time.monotonic(), 0

    def seen(self) -> bool:
        """Not where it has closed the mailbox, or has been silent for too long."""
        try:
            found = self._file.read_text()
        except OSError:
            self._misses += 1
            return self._misses < LOOKS
        self._misses = 0
        if found != self._last:
            self._last, self._since = found, time.monotonic()
        return time.monotonic() - self._since < PATIENCE_SECONDS


class Mailbox:
    """The folder, as the sweep that made it sees it. Others of its user alone can read it."""

    def __init__(self, runs: Path) -> None:
        self.folder = runs / f"{PREFIX}{secrets.token_hex(8)}"
        self.lives, self.jobs = self.folder / LIVES, self.folder / "jobs"
        with writing(runs, "results"):
            runs.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700)
            self.lives.mkdir()
            self.jobs.mkdir()
            _beat(self.folder, 0)
        self._seen: set[str] = set()
        self._closed = threading.Event()
        self._beats = threading.Thread(target=self._keep_beating, daemon=True)
        self._beats.start()

    def new_lives(self) -> Iterator[Life]:
        """Those that began since the last call."""
        with suppress(OSError):
            self.lives.chmod(0o700)
            for folder in sorted(self.lives.iterdir()):
                if folder.name not in self._seen and not folder.name.startswith("."):
                    self._seen.add(folder.name)
                    yield Life(folder)

    def note_jobs(self, ids: Iterable[str]) -> None:
        """Jobs that a later sweep has to end, should this one be killed."""
        with (self.folder / "ids").open("a") as file:
            file.writelines(f"{each}\n" for each in ids)

    def close(self) -> None:
        """Every life leaves once it looks."""
        self._closed.set()
        self._beats.join()
        close(self.folder)

    def left(self) -> bool:
        """Whether nobody trains any more of all that ever began."""
        return have_left(self.folder)

    def remove(self) -> None:
        """Leave nothing of it. A job may write its last word meanwhile."""
        for _ in range(REMOVALS):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                return
            time.sleep(REMOVAL_SECONDS)

    def _keep_beating(self) -> None:
        number = 0
        while not self._closed.wait(BEAT_SECONDS):
            number += 1
            with suppress(OSError):  # a full disk; the next one may come through
                _beat(self.folder, number)


def _beat(folder: Path, number: int) -> None:
    with written_whole(folder / ALIVE) as half:
        half.write_text(str(number))


def close(folder: Path) -> None:
    """Let every life of this mailbox leave; the sweep may be long dead."""
    with suppress(OSError):
        (folder / ALIVE).unlink()


def have_left(folder: Path) -> bool:
    """Whether nobody trains any more of all that ever began in this mailbox."""
    with suppress(OSError):
        return all(Life(each).left for each in (folder / LIVES).iterdir())
    return True


def ids_of(folder: Path) -> list[str]:
    """The jobs that were asked for, by their numbers in Slurm."""
    with suppress(OSError):
        lines = (folder / "ids").read_text().splitlines()
        return [line for line in lines if line.replace("_", "").isdecimal()]
    return []
