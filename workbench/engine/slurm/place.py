"""What runs inside a job: it takes runs from the mailbox, and has a process of its own train them.

That process may crash as any worker does, and costs no job then. A SIGTERM, as at a preemption, and
the signal before the time limit end the run with its checkpoint; after the latter the job is queued
again. It knows no Slurm but for that.
"""

import os
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import submitit

from workbench.config import Progress, Scalar
from workbench.engine.base import Ended, Event, Requeued, RunTask
from workbench.engine.local import LocalEngine
from workbench.engine.resources import Resources, this_machine
from workbench.engine.slurm.mailbox import ALIVE, LIVES, Hello, Kill, Left, Life, SignOfLife
from workbench.engine.worker import Setup, Stop

TIME_LIMIT = signal.SIGUSR2  # what sbatch is told to send before it
SIGNALS = {
    signal.SIGTERM: "was preempted or cancelled",
    TIME_LIMIT: "met its time limit",
}
IDLE_SECONDS = 300.0  # after which a job without a run leaves its place to others
STEP_SECONDS = 1.0  # between two messages of where in an epoch a run is


@dataclass(frozen=True, slots=True)
class Place:
    """Worker number `number` of a sweep, for submitit to call within a job."""

    mailbox: Path
    number: int
    setup: Setup
    folder: Path  # the sweep's own, which relative paths of a plan start from
    grace: float
    pause: float  # seconds between two looks into the mailbox

    def __call__(self) -> None:
        """Its life. Queues the job again where it ends for its time limit."""
        if not (self.mailbox / ALIVE).exists():  # the sweep was over before we came up
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # looked for, and inherited by workers
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with suppress(OSError):  # a node may do without; paths of the workbench are absolute
            os.chdir(self.folder)
        if _Worker(self).work() == SIGNALS[TIME_LIMIT]:
            submitit.JobEnvironment()._requeue(0)


class _LeavingError(Exception):
    """The life is over, now."""


class _Worker:
    def __init__(self, place: Place) -> None:
        self._place = place
        self._life = Life.begin(place.mailbox / LIVES, place.number)
        self._tasks: deque[RunTask] = deque()
        self._stopped: set[str] = set()
        self._unsent: list[object] = []
        self._leaving = ""  # why
        self._looked = float("-inf")
        self._sign = SignOfLife(place.mailbox)
        self._step_told = float("-inf")

    def work(self) -> str:
        """Train what comes until the end; returns why that came."""
        with suppress(_LeavingError), self._engine() as engine:
            self._say(Hello(os.getpid(), this_machine() | _job()))
            self._train_all(engine)
        self._say(Left(self._leaving))
        self._life.leave()
        return self._leaving

    def _engine(self) -> LocalEngine:
        setup = replace(self._place.setup, ignored=tuple(SIGNALS))
        return LocalEngine(Resources(1, setup.threads), setup, self._place.grace)

    def _train_all(self, engine: LocalEngine) -> None:
        idle_since = time.monotonic()
        while not self._look():
            if self._tasks:
                task = self._tasks.popleft()
                engine.run([task], self._on_event, partial(self._ends, task.run.id))
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > IDLE_SECONDS:
                self._leaving = "had nothing to do"
            else:
                time.sleep(self._place.pause)

    # ------------------------------------------------------------ listening

    def _ends(self, run: str) -> bool:
        """Whether this run is to end, with its checkpoint."""
        return bool(self._look()) or run in self._stopped

    def _look(self) -> str:
        """Why this life is to end, if it is; from signals, messages and the sweep's own signs."""
        if time.monotonic() - self._looked < self._place.pause:
            return self._leaving
        self._looked = time.monotonic()
        self._send()
        for message in self._life.told.take():
            if isinstance(message, RunTask):
                self._stopped.discard(message.run.id)
                self._tasks.append(message)
            elif isinstance(message, Stop):
                self._stopped.add(message.run)
            elif isinstance(message, Kill):
                self._leave_now("was killed")
        if not self._sign.seen():
            self._leave_now("lost its sweep")
        return self._signalled()

    def _signalled(self) -> str:
        while found := signal.sigtimedwait(SIGNALS, 0):
            self._leaving = SIGNALS[signal.Signals(found.si_signo)]
        return self._leaving

    def _leave_now(self, why: str) -> None:
        self._leaving = why
        raise _LeavingError

    # ------------------------------------------------------------ telling

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Ended):
            if self._signalled() and not event.result.outcome.final:
                return  # it was cut off: the sweep hears so in `Left`, and has it go on
            self._say(event.result)
        elif isinstance(event, Progress):
            if event.record or time.monotonic() - self._step_told > STEP_SECONDS:
                self._step_told = time.monotonic()
                self._say(event)
        elif isinstance(event, Requeued) or event.attempt > 1:
            self._say(event)

    def _say(self, message: object) -> None:
        self._unsent.append(message)
        self._send()

    def _send(self) -> None:
        if self._unsent:
            with suppress(OSError):  # a full disk; the next look tries again
                self._life.tells.send(*self._unsent)
                self._unsent.clear()


def _job() -> dict[str, Scalar]:
    return {"slurm_job": submitit.JobEnvironment().job_id}
