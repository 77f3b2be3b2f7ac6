"""Worker processes on this machine. The parent multiplexes; it never trains.

Each worker is a process of its own even for one job, so that a crash can't take the ledger along.
"""

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Self

from workbench.config import Outcome, Progress, Result
from workbench.engine.base import Ended, OnEvent, Requeued, Started, Task, never
from workbench.engine.resources import Resources
from workbench.engine.worker import Setup, Stop, main

FIT = "workbench.train.fit:fit"
ATTEMPTS = 2  # a run whose worker dies is tried once more
POLL = 0.2  # seconds; how soon a stop is noticed


@dataclass(slots=True)
class _Attempt:
    task: Task
    number: int = 1

    @property
    def run(self) -> str:
        return self.task.run.id


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    current: _Attempt | None = None

    def send(self, message: Task | Stop) -> None:
        with suppress(OSError):  # it is dead; its sentinel says so, and the next poll sees it
            self.pipe.send(message)

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()
        self.process.close()


class LocalEngine:
    """`shares.jobs` persistent workers, spawned when first needed.

    A run whose worker dies goes back to the front of the queue once; a second death makes it
    `failed`. `grace` is how many seconds a run has to end after a stop before it is killed.
    Workers import `modules` and tell `loggers` of each epoch.
    """

    def __init__(
        self,
        shares: Resources,
        fit: str = FIT,
        device: str = "auto",
        grace: float = 30.0,
        *,
        loggers: tuple[str, ...] = (),
        modules: tuple[str, ...] = (),
    ) -> None:
        self._shares = shares
        self._setup = Setup(fit, device, shares.threads, loggers, modules)
        self._grace = grace
        self._workers: list[_Worker | None] = [None] * shares.jobs
        self._queue: deque[_Attempt] = deque()
        self._pruned: dict[str, str] = {}
        self._on_event: OnEvent = _ignore
        self._deadline: float | None = None  # set once the stop was sent

    def run(
        self, tasks: Iterable[Task], on_event: OnEvent, should_stop: Callable[[], bool] = never
    ) -> None:
        """See `Engine.run`."""
        self._on_event, self._deadline = on_event, None
        self._queue.extend(_Attempt(task) for task in tasks)
        while self._queue or self._busy():
            if self._deadline is None and should_stop():
                self._stop()
            self._assign()
            self._poll()
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._kill_busy()

    def submit(self, task: Task) -> None:
        """See `Engine.submit`."""
        if self._deadline is None:  # else it would wait for ever
            self._queue.append(_Attempt(task))

    def prune(self, run: str, reason: str) -> None:
        """See `Engine.prune`."""
        for attempt in [waiting for waiting in self._queue if waiting.run == run]:
            self._queue.remove(attempt)
            self._on_event(Ended(Result(run=run, outcome=Outcome.PRUNED, reason=reason)))
        for worker in self._busy():
            if worker.current and worker.current.run == run:
                self._pruned[run] = reason
                worker.send(Stop(run))

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers that live."""
        return tuple(worker.process.pid or 0 for worker in self._workers if worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.clear()
        with _interrupts_blocked():  # a worker that is left would keep this process from its end
            for worker in self._workers:
                if worker:
                    worker.end()
        self._workers = [None] * self._shares.jobs

    # ------------------------------------------------------------ starting and stopping

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker and worker.current]

    def _assign(self) -> None:
        if self._deadline is not None:
            return
        for index, worker in enumerate(self._workers):
            if not self._queue:
                return
            if worker is None:
                worker = self._workers[index] = self._spawn(index)
            if worker.current is None:
                worker.current = attempt = self._queue.popleft()
                worker.send(attempt.task)
                self._on_event(Started(attempt.run, attempt.number))

    def _spawn(self, index: int) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        # Not a daemon: data loaders start processes of their own. `Inbox` ends it with the parent.
        process = context.Process(
            target=main, args=(theirs, self._setup), name=f"workbench-{index}", daemon=False
        )
        with _interrupts_blocked(), _environment(self._shares.environment(index)):
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def _stop(self) -> None:
        self._deadline = time.monotonic() + self._grace
        self._queue.clear()
        for worker in self._busy():
            if worker.current:
                worker.send(Stop(worker.current.run))

    def _kill_busy(self) -> None:
        for worker in self._busy():
            worker.process.kill()

    # ------------------------------------------------------------ listening

    def _poll(self) -> None:
        alive = [worker for worker in self._workers if worker]
        sources = {worker.pipe: worker for worker in alive}
        sentinels = {worker.process.sentinel: worker for worker in alive}
        ready = wait([*sources, *sentinels], timeout=POLL)
        for source in ready:
            if isinstance(source, Connection):
                self._read(sources[source])
        for source in ready:  # after the pipes: a last message may stand in the pipe of the dead
            if isinstance(source, int):
                self._bury(sentinels[source])

    def _read(self, worker: _Worker) -> None:
        with suppress(EOFError, OSError):  # dead: the sentinel follows
            while worker.pipe.poll():
                message = worker.pipe.recv()
                if isinstance(message, Result):
                    self._finish(worker, message)
                elif isinstance(message, Progress):
                    self._on_event(message)

    def _finish(self, worker: _Worker, result: Result) -> None:
        worker.current = None
        reason = self._pruned.pop(result.run, None)
        if reason is not None and result.outcome is Outcome.INTERRUPTED:
            result = result.model_copy(update={"outcome": Outcome.PRUNED, "reason": reason})
        self._on_event(Ended(result))

    def _bury(self, worker: _Worker) -> None:
        self._read(worker)
        worker.process.join()
        death = _describe_death(worker.process.exitcode)
        attempt, worker.current = worker.current, None
        self._workers[self._workers.index(worker)] = None
        worker.end()
        if attempt:
            self._after_death(attempt, death)

    def _after_death(self, attempt: _Attempt, death: str) -> None:
        pruned = self._pruned.pop(attempt.run, None)
        if pruned is not None:
            self._end(attempt, Outcome.PRUNED, pruned)
        elif self._deadline is not None:
            told = "" if death in ENDED else f" ({death})"
            self._end(attempt, Outcome.INTERRUPTED, f"the sweep was stopped{told}")
        elif attempt.number >= ATTEMPTS:
            self._end(attempt, Outcome.FAILED, f"{death}, {attempt.number} times")
        else:
            self._queue.appendleft(_Attempt(attempt.task, attempt.number + 1))
            self._on_event(Requeued(attempt.run, death))

    def _end(self, attempt: _Attempt, outcome: Outcome, reason: str) -> None:
        self._on_event(Ended(Result(run=attempt.run, outcome=outcome, reason=reason)))


def _ignore(_: object) -> None:
    return None


EXITED, DIED = "the worker process exited with code ", "the worker process died of "
ENDED = (f"{EXITED}0", f"{DIED}SIGTERM")  # whoever stops a group sends TERM to its workers as well


def _describe_death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"{EXITED}{code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (killed by hand, or by the system for want of memory)" if name == "SIGKILL" else ""
    return f"{DIED}{name}{hint}"


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """No Ctrl-C meanwhile. A child inherits the mask, so that none hits it before it is set up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """OMP reads its variable when it is loaded, which is before any code of ours runs."""
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
