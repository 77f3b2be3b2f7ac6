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
from workbench.engine.base import Task
from workbench.engine.resources import this_machine
from workbench.engine.worker import Setup, execute
from workbench.version import __version__

LOOKS = 5  # at a folder that a network file system may show a moment late
PAUSE = 1.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Greeting:
    """What an actor is asked first: can it see what the driver sees?"""

    folder: Path  # the driver's own, which relative paths of a plan start from
    token: Path  # a file that the driver wrote beside the folders of the runs
    version: str = __version__


@dataclass(frozen=True, slots=True)
class Hello:
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

    def hello(self, greeting: Greeting) -> Hello:
        """Go where the driver is, and look whether this node sees its files."""
        with suppress(OSError):  # a node may do without; paths of the workbench are absolute
            os.chdir(greeting.folder)
        return Hello(os.getpid(), this_machine(), fault(greeting))

    def work(self, number: int, task: Task) -> None:
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


def fault(greeting: Greeting) -> str | None:
    """Why a node that greets like this can't train for the driver, if it can't."""
    if greeting.version != __version__:
        return f"has workbench {__version__}, and here it is {greeting.version}"
    folder = greeting.token.parent
    if not _seen(greeting.token):
        return f"does not see {folder}: results must be on a file system that all nodes share"
    return None if os.access(folder, os.W_OK) else f"can't write to {folder}"


def _seen(token: Path) -> bool:
    for _ in range(LOOKS):
        if token.exists():
            return True
        time.sleep(PAUSE)
    return False
