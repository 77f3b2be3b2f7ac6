"""What engines share: a queue of runs over warm workers, with stops, prunings and deaths.

An engine says how a worker is started, spoken to and listened to; what follows from what it says
is decided here, once.
"""

import signal
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Self, TypeVar

from workbench.config import Outcome, Progress, Result, Scalar
from workbench.engine.base import Ended, OnEvent, Requeued, RunTask, Started, never
from workbench.engine.resources import Resources
from workbench.engine.worker import Setup

ATTEMPTS = 2  # a run whose worker dies is tried once more
MOST_CUT_OFF = 20  # times that a run goes on after its worker was taken away
POLL = 0.2  # seconds; how soon a stop is noticed


@dataclass(slots=True)
class Attempt:
    """A task, and how many times a worker took it, this one included."""

    task: RunTask
    number: int = 1
    cut_off: int = 0  # of those before, how many ended for no fault of the run's

    @property
    def run(self) -> str:
        """The id of the run."""
        return self.task.run.id


class Worker(ABC):
    """One warm process, which trains one run at a time."""

    current: Attempt | None = None
    ready: bool = True  # whether it takes a task; while it starts it may not

    @property
    @abstractmethod
    def pid(self) -> int:
        """Its process, on its machine."""

    @property
    def host(self) -> Mapping[str, Scalar]:
        """What is different about its machine than about the caller's."""
        return {}

    @abstractmethod
    def take(self, task: RunTask) -> None:
        """Train this run. If it is dead, the next poll will say so."""

    @abstractmethod
    def stop(self) -> None:
        """Ask the current run to end."""

    @abstractmethod
    def kill(self) -> None:
        """End the process; the next poll finds it dead."""

    @abstractmethod
    def end(self) -> None:
        """Leave nothing of it, dead or alive."""


AWorker = TypeVar("AWorker", bound=Worker)


class Pool(ABC, Generic[AWorker]):
    """`shares.jobs` persistent workers, set up as `setup` says, started when first needed.

    A run whose worker dies goes back to the front of the queue once; a second death makes it
    `failed`. One whose worker was taken away by a machine or a scheduler goes back each time.
    `grace` is how many seconds a run has to end after a stop before it is killed.
    """

    stopped: ClassVar[tuple[str, ...]] = ()  # deaths that go without saying when a sweep is stopped

    def __init__(self, shares: Resources, setup: Setup, grace: float = 30.0) -> None:
        self._shares = shares
        self._setup = replace(setup, threads=shares.threads)
        self._grace = grace
        self._workers: list[AWorker | None] = [None] * shares.jobs
        self._queue: deque[Attempt] = deque()
        self._pruned: dict[str, str] = {}
        self._on_event: OnEvent = _ignore
        self._deadline: float | None = None  # set once the stop was sent

    # ------------------------------------------------------------ for an engine to say

    @abstractmethod
    def _spawn(self, index: int) -> AWorker:
        """A worker for place number `index`; there is a task in the queue."""

    @abstractmethod
    def _poll(self) -> None:
        """Wait at most `POLL` seconds for what workers say: `_hear`, or `_remove_dead`."""

    # ------------------------------------------------------------ Engine

    def run(
        self, tasks: Iterable[RunTask], on_event: OnEvent, should_stop: Callable[[], bool] = never
    ) -> None:
        """See `Engine.run`."""
        self._on_event, self._deadline = on_event, None
        self._queue.extend(Attempt(task) for task in tasks)
        while self._queue or self._busy():
            if self._deadline is None and should_stop():
                self._stop()
            self._assign()
            self._poll()
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._kill_busy()

    def submit(self, task: RunTask) -> None:
        """See `Engine.submit`."""
        if self._deadline is None:  # else it would wait for ever
            self._queue.append(Attempt(task))

    def prune(self, run: str, reason: str) -> None:
        """See `Engine.prune`."""
        for attempt in [waiting for waiting in self._queue if waiting.run == run]:
            self._queue.remove(attempt)
            self._on_event(Ended(Result(run=run, outcome=Outcome.PRUNED, reason=reason)))
        for worker in self._busy():
            if worker.current and worker.current.run == run:
                self._pruned[run] = reason
                worker.stop()

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers that live."""
        return tuple(worker.pid for worker in self._alive() if worker.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._queue.clear()
        with interrupts_blocked():  # a worker that is left would train for nobody
            self._end_all()
        self._workers = [None] * len(self._workers)

    # ------------------------------------------------------------ starting and stopping

    def _alive(self) -> list[AWorker]:
        return [worker for worker in self._workers if worker]

    def _busy(self) -> list[AWorker]:
        return [worker for worker in self._workers if worker and worker.current]

    def _assign(self) -> None:
        if self._deadline is not None:
            return
        for index, worker in enumerate(self._workers):
            if not self._queue:
                return
            if worker is None and self._starting() < len(self._queue):
                worker = self._workers[index] = self._spawn(index)
            if worker and worker.ready and worker.current is None:
                worker.current = attempt = self._queue.popleft()
                worker.take(attempt.task)
                self._on_event(Started(attempt.run, attempt.number, worker.host))

    def _starting(self) -> int:
        return sum(not worker.ready for worker in self._alive())

    def _stop(self) -> None:
        self._deadline = time.monotonic() + self._grace
        self._queue.clear()
        for worker in self._busy():
            worker.stop()

    def _kill_busy(self) -> None:
        for worker in self._busy():
            worker.kill()

    def _end_all(self) -> None:
        for worker in self._alive():
            worker.end()

    # ------------------------------------------------------------ listening

    def _hear(self, worker: AWorker, message: object) -> None:
        if isinstance(message, Result):
            self._finish(worker, message)
        elif isinstance(message, Progress):
            self._on_event(message)

    def _finish(self, worker: AWorker, result: Result) -> None:
        worker.current = None
        reason = self._pruned.pop(result.run, None)
        if reason is not None and result.outcome is Outcome.INTERRUPTED:
            result = result.model_copy(update={"outcome": Outcome.PRUNED, "reason": reason})
        self._on_event(Ended(result))

    def _remove_dead(self, worker: AWorker, death: str, *, cut_off: bool = False) -> None:
        """It is dead, of `death`; its place is free for another one."""
        self._workers[self._workers.index(worker)] = None
        worker.end()
        self._give_up_run(worker, death, cut_off=cut_off)

    def _give_up_run(self, worker: AWorker, death: str, *, cut_off: bool = False) -> None:
        """What it trains is trained no more, because of `death`.

        `cut_off` says that a machine or a scheduler took it away: no fault of the run's.
        """
        attempt, worker.current = worker.current, None
        if attempt:
            self._after_death(attempt, death, cut_off)

    def _after_death(self, attempt: Attempt, death: str, cut_off: bool) -> None:
        pruned = self._pruned.pop(attempt.run, None)
        if pruned is not None:
            self._end(attempt, Outcome.PRUNED, pruned)
        elif self._deadline is not None:
            cause = "" if death in self.stopped else f" ({death})"
            self._end(attempt, Outcome.INTERRUPTED, f"the sweep was stopped{cause}")
        elif attempt.number >= (MOST_CUT_OFF if cut_off else ATTEMPTS + attempt.cut_off):
            self._end(attempt, Outcome.FAILED, f"{death}, {attempt.number} times")
        else:
            again = Attempt(attempt.task, attempt.number + 1, attempt.cut_off + cut_off)
            self._queue.appendleft(again)
            self._on_event(Requeued(attempt.run, death))

    def _end(self, attempt: Attempt, outcome: Outcome, reason: str) -> None:
        self._on_event(Ended(Result(run=attempt.run, outcome=outcome, reason=reason)))


def _ignore(_: object) -> None:
    return None


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """No Ctrl-C meanwhile. A child inherits the mask, so that none hits it before it is set up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
