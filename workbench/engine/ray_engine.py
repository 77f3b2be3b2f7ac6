"""Actors of a Ray cluster as workers. The driver multiplexes, and alone writes the ledger.

Actors are not detached: Ray ends them with their driver, whatever it dies of.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayError

from workbench.config import Scalar
from workbench.engine.base import RunTask
from workbench.engine.pool import POLL, Pool, Worker
from workbench.engine.ray_actor import Actor, Handshake, HandshakeReply
from workbench.engine.resources import Resources
from workbench.engine.surroundings import surroundings
from workbench.engine.worker import Setup
from workbench.errors import InputError
from workbench.whole_file import writing

WITH_NODE = "died with its node"
UNREACHABLE = "can't be reached"  # what Ray says of a node that is gone, for its first seconds
CUT_OFF = (WITH_NODE, UNREACHABLE)  # no fault of the run's
TOKEN = ".seen-"  # in the folder of the runs, for workers to find
THREADS = {"io": 2}  # of an actor, beside the one that trains: `listen` waits, `stop` comes through
SHUTDOWN_SECONDS = 10.0  # seconds that actors have to be gone in
MOST_FAILED_STARTS = 3  # workers in a row that die before the handshake


@dataclass(eq=False)
class _RemoteWorker(Worker):
    """An actor as the driver sees it. `pending` is the answer it owes: its handshake, then news."""

    actor: Any
    pending: Any
    ready: bool = False
    reply: HandshakeReply | None = None
    number: int = 0  # of the task at hand

    @property
    def pid(self) -> int:
        return self.reply.pid if self.reply else 0

    @property
    def host(self) -> Mapping[str, Scalar]:
        return self.reply.host if self.reply else {}

    @property
    def name(self) -> str:
        return f"worker process {self.pid} on {self.host['host']}" if self.reply else "a worker"

    def take(self, task: RunTask) -> None:
        self.number += 1
        self.actor.work.remote(self.number, replace(task, folder=task.folder.absolute()))

    def stop(self) -> None:
        self.actor.stop.options(concurrency_group="io").remote(self.number)

    def listen(self) -> None:
        self.pending = self.actor.listen.options(concurrency_group="io").remote()

    def kill(self) -> None:
        ray.kill(self.actor)

    def end(self) -> None:
        ray.kill(self.actor)


class RayEngine(Pool[_RemoteWorker]):
    """`shares.jobs` actors of `shares.threads` CPUs each, and of one GPU each where `gpu`.

    Ray is connected already. A cluster that has no room for all actors runs those it has room for;
    the others come when there is some. The folder of a task must be the same one on all nodes.
    """

    def __init__(
        self, shares: Resources, setup: Setup, grace: float = 30.0, *, gpu: bool = False
    ) -> None:
        super().__init__(shares, setup, grace)
        self._make = ray.remote(
            num_cpus=shares.threads, num_gpus=int(gpu), max_restarts=0, concurrency_groups=THREADS
        )(Actor)
        self._variables = shares.environment(0) | surroundings()
        self._variables.pop("CUDA_VISIBLE_DEVICES", None)  # which GPU is for Ray to say
        self._token: Path | None = None
        self._failed_starts = 0

    def _spawn(self, index: int) -> _RemoteWorker:
        if self._token is None:
            self._token = _write_token(self._queue[0].task.folder.absolute().parent)
        environment = {"env_vars": self._variables}
        actor = self._make.options(runtime_env=environment).remote(self._setup)
        return _RemoteWorker(actor, actor.shake_hands.remote(Handshake(Path.cwd(), self._token)))

    def _poll(self) -> None:
        workers = {worker.pending: worker for worker in self._alive()}
        ready, _ = ray.wait(list(workers), timeout=POLL)
        for pending in ready:
            self._read(workers[pending])

    def _read(self, worker: _RemoteWorker) -> None:
        try:
            said: Any = ray.get(worker.pending)
        except RayError as error:
            self._after_failure(worker, error)
            return
        if isinstance(said, HandshakeReply):
            self._admit(worker, said)
            said = ()
        worker.listen()
        for message in said:
            self._hear(worker, message)

    def _admit(self, worker: _RemoteWorker, reply: HandshakeReply) -> None:
        if reply.fault:
            raise InputError(f"ray: node {reply.host['host']} {reply.fault}")
        worker.reply, worker.ready, self._failed_starts = reply, True, 0

    def _after_failure(self, worker: _RemoteWorker, error: RayError) -> None:
        death = describe_death(error, worker.name)
        if not worker.ready:
            self._failed_starts += 1
            if _can_never_start(error) or self._failed_starts >= MOST_FAILED_STARTS:
                raise InputError(f"ray: no worker can start{_place(error)}: {last_line(error)}")
        self._remove_dead(worker, death, cut_off=death.endswith(CUT_OFF))

    def _end_all(self) -> None:
        owed = [worker.pending for worker in self._alive()]
        super()._end_all()
        if owed:
            ray.wait(owed, num_returns=len(owed), timeout=SHUTDOWN_SECONDS)
        if self._token:
            self._token.unlink(missing_ok=True)
            self._token = None


def _write_token(folder: Path) -> Path:
    """A file of a name that no node can have looked for, hence have cached as missing."""
    token = folder / f"{TOKEN}{secrets.token_hex(8)}"
    with writing(folder, "results"):
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{TOKEN}*"):  # by a driver that died with the cluster
            left.unlink(missing_ok=True)
        token.touch()
    return token


def describe_death(error: RayError, name: str) -> str:
    """One line for the ledger. Ray knows no signals; it guesses at length."""
    text = str(error)
    if isinstance(error, ActorUnavailableError):
        return f"{name} {UNREACHABLE}"
    if "its node has died" in text or "node was terminated" in text:
        return f"{name} {WITH_NODE}"
    if "low on memory" in text:
        return f"{name} was killed by Ray for want of memory"
    if "killed by `ray.kill`" in text:
        return f"{name} was killed"
    return f"{name} died (killed by hand or for want of memory, or crashed)"


def _can_never_start(error: RayError) -> bool:
    return "creation task" in str(error)


def _place(error: RayError) -> str:
    found = re.search(r"ip=([\w.:]+)", str(error))
    return f" on {found[1]}" if found else ""


def last_line(error: BaseException) -> str:
    """Where Ray says what is wrong, after its traceback; without colours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    return text.splitlines()[-1].strip() if text else type(error).__name__
