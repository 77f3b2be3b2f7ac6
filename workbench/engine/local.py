"""Worker processes on this machine. The parent multiplexes; it never trains.

Each worker is a process of its own even for one job, so that a crash can't take the ledger along.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from workbench.engine.base import RunTask
from workbench.engine.pool import POLL, Pool, Worker, interrupts_blocked
from workbench.engine.resources import Resources
from workbench.engine.worker import Setup, Stop, main

AHEAD = ("workbench.train.fit", "workbench.data", "timm.optim")  # most of what a fit imports
EXITED, DIED = "the worker process exited with code ", "the worker process died of "


@dataclass(eq=False)
class _Process(Worker):
    process: BaseProcess
    pipe: Connection

    @property
    def pid(self) -> int:
        return self.process.pid or 0

    def take(self, task: RunTask) -> None:
        self._send(task)

    def stop(self) -> None:
        if self.current:
            self._send(Stop(self.current.run))

    def _send(self, message: RunTask | Stop) -> None:
        with suppress(OSError):  # it is dead; its sentinel says so, and the next poll sees it
            self.pipe.send(message)

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()
        self.process.close()


class LocalEngine(Pool[_Process]):
    """`shares.jobs` worker processes, which import what they need or, `forked`, begin with it."""

    stopped = (f"{EXITED}0", f"{DIED}SIGTERM")  # whoever stops a group sends TERM to its workers

    def __init__(
        self, shares: Resources, setup: Setup, grace: float = 30.0, *, forked: bool = False
    ) -> None:
        super().__init__(shares, setup, grace)
        self._context = get_context("forkserver") if forked else get_context("spawn")

    def _spawn(self, index: int) -> _Process:
        ours, theirs = self._context.Pipe()
        # Not a daemon: data loaders start processes of their own. `Inbox` ends it with the parent.
        process = self._context.Process(
            target=main, args=(theirs, self._setup), name=f"workbench-{index}", daemon=False
        )
        with interrupts_blocked(), _environment(self._shares.environment(index)):
            process.start()
        theirs.close()
        return _Process(process, ours)

    def _poll(self) -> None:
        sources = {worker.pipe: worker for worker in self._alive()}
        sentinels = {worker.process.sentinel: worker for worker in self._alive()}
        ready = wait([*sources, *sentinels], timeout=POLL)
        for source in ready:
            if isinstance(source, Connection):
                self._read(sources[source])
        for source in ready:  # after the pipes: a last message may stand in the pipe of the dead
            if isinstance(source, int):
                worker = sentinels[source]
                self._read(worker)
                worker.process.join()
                self._remove_dead(worker, _describe_death(worker.process.exitcode))

    def _read(self, worker: _Process) -> None:
        with suppress(EOFError, OSError):  # dead: the sentinel follows
            while worker.pipe.poll():
                self._hear(worker, worker.pipe.recv())


def _describe_death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"{EXITED}{code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (killed by hand, or by the system for want of memory)" if name == "SIGKILL" else ""
    return f"{DIED}{name}{hint}"


def may_fork(shares: Resources) -> bool:
    """Whether workers may begin as copies of a process: not with a GPU, which is no use after a
    fork, and not where the system's own libraries forbid it, as on a Mac."""
    return sys.platform == "linux" and not shares.on_gpu


def import_ahead() -> None:
    """Begin what makes `forked` workers start at once: a process that imports what a fit needs,
    beside whatever the caller does meanwhile. It ends with the caller.

    It has one thread: others would not survive the fork. It says nothing, and holds no pipe that
    the caller's output goes to.
    """
    get_context("forkserver").set_forkserver_preload(list(AHEAD))
    with _environment(Resources(1, threads=1).environment(0)), _silenced():
        forkserver.ensure_running()


@contextmanager
def _silenced() -> Iterator[None]:
    """What is started meanwhile writes to nowhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


def _no_word_of_leaks() -> str:
    """Python's tracker removes the semaphores of a worker that was killed, and would say so."""
    before = os.environ.get("PYTHONWARNINGS")
    return ",".join(filter(None, (before, "ignore:resource_tracker:UserWarning")))


@contextmanager
def _environment(of_worker: dict[str, str]) -> Iterator[None]:
    """OMP reads its variable when it is loaded, which is before any code of ours runs."""
    variables = {**of_worker, "PYTHONWARNINGS": _no_word_of_leaks()}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
