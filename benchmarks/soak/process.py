"""A sweep in a process of its own session, on a terminal or not, and whatever it leaves behind."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from benchmarks.soak.actors import Actors
from benchmarks.soak.nursery import Nursery

LISTEN_SECONDS = 0.05  # at a time


class Sweep:
    """A driver that was started, and its workers: as a command starts it, or by a nursery."""

    def __init__(
        self,
        plan: Path,
        folder: Path,
        terminal: bool,
        nursery: Nursery | None = None,
        actors: Actors | None = None,
    ) -> None:
        self.actors, ray = actors, actors.address if actors else ""
        self.folder, self.output, self.fresh = folder, bytearray(), nursery is None
        ours, theirs = pty.openpty() if terminal else os.pipe()
        self.terminal = ours if terminal else None
        self._ours = ours
        self._code: Callable[[], int | None]
        if nursery:
            self.pid = nursery.fork(plan, folder, theirs, terminal, ray)
            self._code = partial(nursery.code, self.pid)
        else:
            process = _start(plan, folder, theirs, terminal, ray)
            self.pid, self._code = process.pid, process.poll
        os.close(theirs)
        self._heard = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def code(self) -> int | None:
        """Its exit code; none while it runs."""
        return self._code()

    def workers(self) -> list[int]:
        """The processes of its session beside itself, or its actors."""
        if self.actors:
            return self.actors.pids()
        return [pid for pid in session(self.pid) if pid != self.pid]

    def ends(self, seconds: float) -> bool:
        """Whether the driver ends within so many seconds."""
        return waits(lambda: self.code is not None, seconds)

    def leaves_nothing(self, seconds: float) -> bool:
        """Whether all of its session, and all its actors, are gone within so many seconds."""
        return waits(lambda: not (session(self.pid) or self.workers()), seconds)

    def hang_up(self) -> None:
        """Take the terminal away, once nobody reads it: its number may soon be another file's."""
        self.terminal, self._heard = None, False
        self._reader.join()
        os.close(self._ours)

    def signal(self, number: int, pid: int | None = None) -> None:
        """To the driver, or to another process."""
        with suppress(ProcessLookupError):
            os.kill(pid or self.pid, number)

    def _read(self) -> None:
        with suppress(OSError):
            while self._heard:
                if select.select([self._ours], [], [], LISTEN_SECONDS)[0]:
                    data = os.read(self._ours, 65536)
                    if not data:
                        return
                    self.output += data


def _start(
    plan: Path, folder: Path, output: int, terminal: bool, ray: str
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.soak.driver", str(plan), str(folder), ray],
        stdin=output if terminal else subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=partial(_begin, terminal),
    )


def _begin(terminal: bool) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a soak under nohup has it ignored
    if terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def session(number: int) -> list[int]:
    """The processes of a session that are not zombies."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            state, _, _, of = place.joinpath("stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == number and state != "Z":
                found.append(int(place.name))
    return found


def waits(true: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.03)
    return true()
