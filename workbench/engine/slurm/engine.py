"""Jobs of Slurm as workers. The sweep feeds them by a mailbox, and alone writes the ledger.

A job that is preempted, or that met its time limit, is queued again and comes back to its place;
meanwhile its run waits for any worker. One that ends for good is replaced while there is work.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.config import Scalar
from workbench.engine.base import Requeued, RunTask, Started
from workbench.engine.pool import Pool, Worker
from workbench.engine.resources import Resources
from workbench.engine.slurm.jobs import Job, Jobs
from workbench.engine.slurm.mailbox import Hello, Kill, Left, Life, Mailbox
from workbench.engine.slurm.place import Place
from workbench.engine.slurm.queue import BLAMED, ENDED, WAITING
from workbench.engine.surroundings import surroundings
from workbench.engine.worker import Setup, Stop
from workbench.errors import InputError
from workbench.version import __version__
from workbench.whole_file import writing

SHUTDOWN_SECONDS = 40.0  # that jobs have to be gone in; Slurm itself kills after 30
AGAIN = "was queued again"
MOST_FAILED_STARTS = 3  # jobs in a row that end before they say anything


@dataclass(eq=False)
class _JobWorker(Worker):
    """A place in the sweep: its job, once submitted, and the process that came up in it, if any."""

    place: int
    jobs: Jobs
    job: Job | None = None
    life: Life | None = None
    hello: Hello | None = None
    began: bool = False  # ever

    @property
    def ready(self) -> bool:  # type: ignore[override]
        return self.hello is not None

    @property
    def pid(self) -> int:
        return self.hello.pid if self.hello else 0

    @property
    def host(self) -> Mapping[str, Scalar]:
        return self.hello.host if self.hello else {}

    @property
    def name(self) -> str:
        job = f"job {self.job.job_id}" if self.job else "a job"
        return f"{job} on {self.hello.host['host']}" if self.hello else job

    def take(self, task: RunTask) -> None:
        self._tell(replace(task, folder=task.folder.absolute()))

    def stop(self) -> None:
        if self.current:
            self._tell(Stop(self.current.run))

    def kill(self) -> None:
        if self.hello:
            self._tell(Kill())
            self.hello = None
            self.end()

    def end(self) -> None:
        if self.job:
            self.jobs.cancel([self.job])

    def vacate(self) -> None:
        """Its process is gone; the job may bring another one."""
        if self.life:
            self.life.leave()
        self.life = self.hello = None

    def _tell(self, message: object) -> None:
        if self.life:
            with writing(self.life.folder, "results"):
                self.life.told.send(message)


class SlurmEngine(Pool[_JobWorker]):
    """`shares.jobs` jobs of `shares.threads` threads each, started when first needed.

    The folders of the tasks must be the same ones on all machines of the cluster.
    """

    def __init__(self, shares: Resources, setup: Setup, grace: float = 30.0, *, jobs: Jobs) -> None:
        super().__init__(shares, setup, grace)
        self._environment = shares.environment(0) | surroundings()
        self._jobs = jobs
        self._mailbox: Mailbox | None = None
        self._failed_starts = 0
        self._asked = float("-inf")  # when the scheduler was last asked

    @property
    def _box(self) -> Mailbox:
        if self._mailbox is None:
            self._mailbox = Mailbox(self._queue[0].task.folder.absolute().parent)
        return self._mailbox

    def _spawn(self, index: int) -> _JobWorker:
        assert self._box  # made where the first run lies
        return _JobWorker(index, self._jobs)

    def _poll(self) -> None:
        if self._mailbox is None:  # stopped before anything was spawned
            return
        self._submit_new()
        time.sleep(self._jobs.pause)
        self._admit_lives()
        for worker in self._alive():
            self._read(worker)
        if time.monotonic() - self._asked >= self._jobs.interval:
            self._asked = time.monotonic()
            self._ask()

    def _submit_new(self) -> None:
        """All that were spawned since the last poll, as one array."""
        new = [worker for worker in self._alive() if worker.job is None]
        if not new:
            return
        box, folder = self._box, Path.cwd()
        places = [
            Place(box.folder, worker.place, self._setup, folder, self._grace, self._jobs.pause)
            for worker in new
        ]
        name = f"workbench-{box.folder.parent.parent.name}"
        submitted = self._jobs.submit(places, box.jobs, name, self._environment)
        for worker, job in zip(new, submitted, strict=True):
            worker.job = job
        box.note_jobs(job.job_id for job in submitted)

    # ------------------------------------------------------------ listening

    def _admit_lives(self) -> None:
        """A second life of a place says that the first one is over, whatever became of it."""
        for life in self._box.new_lives():
            worker = self._workers[life.place]
            if worker is None:  # its job was given up and came up all the same
                _dismiss(life)
                continue
            if worker.life:
                self._read(worker)
            if worker.life:
                _dismiss(worker.life)
                self._vacate(worker, AGAIN)
            worker.life, worker.began, self._failed_starts = life, True, 0

    def _read(self, worker: _JobWorker) -> None:
        for message in worker.life.tells.take() if worker.life else ():
            if isinstance(message, Hello):
                self._refuse_other_version(message)
                worker.hello = message
            elif isinstance(message, Left):
                self._vacate(worker, message.reason)
            elif isinstance(message, Started):
                attempt = worker.current.number + message.attempt - 1 if worker.current else 1
                self._on_event(Started(message.run, attempt, worker.host))
            elif isinstance(message, Requeued):
                self._on_event(message)
            else:
                self._hear(worker, message)

    def _refuse_other_version(self, hello: Hello) -> None:
        if hello.version != __version__:
            raise InputError(
                f"slurm: node {hello.host['host']} has workbench {hello.version}, and here it is "
                f"{__version__}"
            )

    def _vacate(self, worker: _JobWorker, why: str) -> None:
        """The process is gone, for no fault of its run's; the job may bring another one."""
        name = worker.name
        worker.vacate()
        self._give_up_run(worker, f"{name} {why}", cut_off=True)

    # ------------------------------------------------------------ the scheduler's word

    def _ask(self) -> None:
        workers = {worker.job.job_id: worker for worker in self._alive() if worker.job}
        states = self._jobs.states([each.job for each in workers.values() if each.job])
        for each, state in states.items():
            worker = workers[each]
            if state in WAITING and worker.life:
                self._read(worker)
                self._vacate(worker, AGAIN)
            elif state in ENDED:
                self._read(worker)  # its last messages
                self._after_end(worker, state)

    def _after_end(self, worker: _JobWorker, state: str) -> None:
        if not worker.began:
            self._failed_starts += 1
            if self._failed_starts >= MOST_FAILED_STARTS:
                raise InputError(f"slurm: no worker can start: {worker.name} ended as {state}"
                                 f"{_last_words(worker.job)}")  # fmt: skip
        death = f"{worker.name} ended as {state}"
        worker.vacate()
        self._remove_dead(worker, death, cut_off=state not in BLAMED)

    # ------------------------------------------------------------ the end

    def _end_all(self) -> None:
        if self._mailbox is None:
            return
        mailbox, self._mailbox = self._mailbox, None
        mailbox.close()
        jobs = [worker.job for worker in self._alive() if worker.job]
        self._jobs.cancel(jobs)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while not mailbox.left() and time.monotonic() < deadline:
            time.sleep(self._jobs.pause)
            if all(state in ENDED for state in self._jobs.states(jobs).values() or [""]):
                break
        if mailbox.left() or time.monotonic() < deadline:  # else a later sweep has it to end
            mailbox.remove()


def _dismiss(life: Life) -> None:
    """Have a process leave that nobody listens to any more."""
    with suppress(OSError):
        life.told.send(Kill())


def _last_words(job: Job | None) -> str:
    """What it said when it died, as where the folder or the program is not on its machine."""
    lines = (job.stderr() or "").strip().splitlines() if job else []
    where = "; are the results folder and this Python on all of its machines?"
    return f": {lines[-1].strip()}" if lines else where
