"""What runs inside an actor of a cluster: one fit after the other, warm. It knows no Ray.

The driver calls `work` in one thread of the actor and `listen` and `stop` in two others, so that
epochs arrive and a stop is heard in the middle of a run.
"""

import os
import queue
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.config import Progress, Result, Scalar
from workbench.engine.base import RunTask
from workbench.engine.resources import this_machine
from workbench.engine.worker import Setup, execute
from workbench.version import __version__

TRIES = 5  # at a folder that a network file system may show a moment late
PAUSE_SECONDS = 1.0  # between two tries


@dataclass(frozen=True, slots=True)
class Handshake:
    """What an actor is asked first: can it see what the driver sees?"""

    folder: Path  # the driver's own, which relative paths of a plan start from
    token: Path  # a file that the driver wrote beside the folders of the runs
    version: str = __version__


@dataclass(frozen=True, slots=True)
class HandshakeReply:
    """What it answers. `fault` is why it can't work, without the name of the node."""

    pid: int
    host: Mapping[str, Scalar]
    fault: str | None


class Actor:
    """One process of a cluster. Each task has a number, so that a late stop hits no other one."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._said: queue.SimpleQueue[Progress | Result] = queue.SimpleQueue()
        self._stopped: set[int] = set()

    def shake_hands(self, handshake: Handshake) -> HandshakeReply:
        """Go where the driver is, and look whether this node sees its files."""
        with suppress(OSError):  # a node may do without; paths of the workbench are absolute
            os.chdir(handshake.folder)
        return HandshakeReply(os.getpid(), this_machine(), fault(handshake))

    def work(self, number: int, task: RunTask) -> None:
        """Train one run; `listen` tells of it."""
        try:
            result = execute(task, self._setup, self._said.put, lambda: number in self._stopped)
        except BaseException:  # as in any process, the end; else nobody would hear of the run again
            traceback.print_exc()
            os._exit(1)
        self._said.put(result)

    def listen(self) -> list[Progress | Result]:
        """What was said since the last call; waits until there is something."""
        said = [self._said.get()]
        with suppress(queue.Empty):
            while True:
                said.append(self._said.get_nowait())
        return said

    def stop(self, number: int) -> None:
        """Ask task `number` to end."""
        self._stopped.add(number)


def fault(handshake: Handshake) -> str | None:
    """Why a node with this handshake can't train for the driver, if it can't."""
    if handshake.version != __version__:
        return f"has workbench {__version__}, and here it is {handshake.version}"
    folder = handshake.token.parent
    if not _seen(handshake.token):
        return f"does not see {folder}: results must be on a file system that all nodes share"
    return None if os.access(folder, os.W_OK) else f"can't write to {folder}"


def _seen(token: Path) -> bool:
    for _ in range(TRIES):
        if token.exists():
            return True
        time.sleep(PAUSE_SECONDS)
    return False
