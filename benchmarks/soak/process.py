"""A sweep in a process of its own session, on a terminal or not, and whatever it leaves behind."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class Sweep:
    """A driver that was started, and its workers."""

    def __init__(self, plan: Path, folder: Path, terminal: bool) -> None:
        self.folder, self.output = folder, bytearray()
        ours, theirs = pty.openpty() if terminal else os.pipe()
        self.terminal = ours if terminal else None
        self._ours = ours
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.soak.driver", str(plan), str(folder)],
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal if terminal else None,
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The driver's process, and its session."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; none while it runs."""
        return self._process.poll()

    def workers(self) -> list[int]:
        """The processes of its session beside itself."""
        return [pid for pid in session(self.pid) if pid != self.pid]

    def ends(self, seconds: float) -> bool:
        """Whether the driver ends within so many seconds."""
        return waits(lambda: self.code is not None, seconds)

    def leaves_nothing(self, seconds: float) -> bool:
        """Whether all of its session is gone within so many seconds."""
        return waits(lambda: not session(self.pid), seconds)

    def hang_up(self) -> None:
        """Take the terminal away."""
        self.terminal = None
        os.close(self._ours)

    def signal(self, number: int, pid: int | None = None) -> None:
        """To the driver, or to another process."""
        with suppress(ProcessLookupError):
            os.kill(pid or self.pid, number)

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self._ours, 65536):
                self.output += data


def _take_terminal() -> None:
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
        time.sleep(0.02)
    return true()
