"""Jobs as a scheduler sees them: submitted as one array by submitit, looked at, cancelled."""

import io
import os
import shlex
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Protocol

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError
from submitit.helpers import clean_env

from workbench.engine.pool import interrupts_blocked
from workbench.engine.slurm.options import grace_seconds
from workbench.engine.slurm.place import TIME_LIMIT
from workbench.engine.slurm.queue import GONE, cancel, states_of
from workbench.errors import InputError

KEPT = ("SLURM_CONF", "SBATCH_")  # of Slurm's variables, those that sites and users set


class Job(Protocol):
    """What is needed of submitit's."""

    @property
    def job_id(self) -> str:
        """Its number in Slurm; of one of an array `NUMBER_INDEX`."""

    def stderr(self) -> str | None:
        """What it wrote there; None where it never began."""


class Jobs(ABC):
    """A scheduler: how often it may be asked, and what."""

    pause = 1.0  # seconds between two looks into a folder that all machines share
    interval = 10.0  # seconds between two questions to the scheduler

    @abstractmethod
    def executor(self, folder: Path, name: str, python: str) -> submitit.Executor:
        """Of submitit, for jobs that write into `folder` and start `python`."""

    @abstractmethod
    def states(self, jobs: Sequence[Job]) -> Mapping[str, str]:
        """By id, in the words of Slurm; empty where the scheduler does not answer."""

    @abstractmethod
    def cancel(self, jobs: Sequence[Job]) -> None:
        """Have them end, or never begin."""

    def submit(
        self,
        calls: Sequence[Callable[[], None]],
        folder: Path,
        name: str,
        environment: Mapping[str, str],
    ) -> list[Job]:
        """One job a call, as one array. Raises `InputError` where the scheduler refuses."""
        settings = [f"{key}={value}" for key, value in environment.items()]
        python = shlex.join(["env", *settings, sys.executable])
        executor = self.executor(folder, name, python)
        try:
            quietly = redirect_stderr(io.StringIO())
            with interrupts_blocked(), _outside_of_jobs(), quietly, executor.batch():
                jobs = [executor.submit(call) for call in calls]
        except (FailedJobError, FailedSubmissionError, OSError) as error:
            raise InputError(f"sbatch refuses: {_last_line(error)}", key="--slurm") from None
        return jobs


class SlurmJobs(Jobs):
    """Those of the Slurm whose commands are on this machine's path."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    def executor(self, folder: Path, name: str, python: str) -> submitit.Executor:
        """See `Jobs.executor`. A job has one task, for a run trains in one process."""
        executor = submitit.SlurmExecutor(folder, python=python)
        cpus = self._options.get("cpus-per-task")
        given = {key: value or True for key, value in self._options.items()}
        ours = {"requeue": True, "signal": f"{TIME_LIMIT.name[3:]}@{grace_seconds(self._options)}"}
        executor.update_parameters(
            job_name=name,
            time=None,  # the site's own, unless one was given
            wckey=None,
            array_parallelism=10_000,
            srun_args=[f"--cpus-per-task={cpus}"] if cpus else [],
            additional_parameters=given | ours,
        )
        return executor

    def states(self, jobs: Sequence[Job]) -> Mapping[str, str]:
        """See `Jobs.states`. squeue knows of jobs that have ended for some minutes."""
        ids = [job.job_id for job in jobs]
        found = states_of(ids)
        return {each: found.get(each, GONE) for each in ids} if found is not None else {}

    def cancel(self, jobs: Sequence[Job]) -> None:
        """See `Jobs.cancel`."""
        cancel([job.job_id for job in jobs])


@contextmanager
def _outside_of_jobs() -> Iterator[None]:
    """Without what a job of Slurm finds in its environment, where the sweep itself is in one."""
    kept = {key: os.environ[key] for key in os.environ if key.startswith(KEPT)}
    with clean_env():
        os.environ.update(kept)
        yield


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].removeprefix("sbatch: ").removeprefix("error: ")
