"""Jobs without a cluster: submitit's local executor starts them on this machine, at once."""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import submitit

from workbench.engine import Resources, Setup
from workbench.engine.slurm.engine import SlurmEngine
from workbench.engine.slurm.jobs import Job, Jobs

STATES = {"RUNNING": "RUNNING", "FINISHED": "COMPLETED"}


class LocalJobs(Jobs):
    """Slurm's words for what these processes do."""

    pause = 0.05
    interval = 0.2

    def __init__(self) -> None:
        self.arrays: list[int] = []  # how many jobs each had
        self.all: list[Job] = []

    def executor(self, folder: Path, name: str, python: str) -> submitit.Executor:
        executor = submitit.LocalExecutor(folder, python=python)
        executor.update_parameters(timeout_min=60)
        return executor

    def submit(self, calls: Any, *more: Any) -> list[Job]:
        jobs = super().submit(calls, *more)
        self.arrays.append(len(jobs))
        self.all += jobs
        return jobs

    def states(self, jobs: Sequence[Job]) -> Mapping[str, str]:
        return {job.job_id: STATES.get(job.state, "FAILED") for job in jobs}

    def cancel(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            job.cancel(check=False)


def slurm_engine(shares: Resources, setup: Setup, grace: float) -> SlurmEngine:
    """With jobs of this machine."""
    return SlurmEngine(shares, setup, grace, jobs=LocalJobs())


def signal_job(pid: int, number: signal.Signals) -> None:
    """As Slurm does: to each process of the job. `pid` is the one that takes its runs."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (*map(int, children), pid):
        os.kill(each, number)
