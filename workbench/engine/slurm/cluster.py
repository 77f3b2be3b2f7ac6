"""A Slurm cluster as `Machines`."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Self

from workbench.engine.resources import Resources, check_jobs
from workbench.engine.slurm.engine import SlurmEngine
from workbench.engine.slurm.jobs import Jobs, SlurmJobs
from workbench.engine.slurm.options import asks_for_gpu, worker_options
from workbench.engine.worker import Setup
from workbench.errors import InputError

JOBS = 8  # by default


class SlurmCluster:
    """The Slurm whose sbatch is on this machine's path; `options` are `--slurm`'s."""

    def __init__(self, options: Sequence[str]) -> None:
        self._options = worker_options(options)
        self._threads = _threads(self._options)
        told = ", ".join(f"{key} {value}".strip() for key, value in self._options.items())
        self.text = f"Slurm: {told or 'as the site has it'}."

    def __enter__(self) -> Self:
        if shutil.which("sbatch") is None:
            raise InputError(
                "'slurm' needs sbatch, which is not on the path here; give the command where it "
                "is, or use `workbench slurm`",
                key="engine",
            )
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def divide(self, jobs: int | None, runs: int, device: str = "auto") -> Resources:
        """See `Machines.divide`. Threads are `cpus-per-task`, else one."""
        check_jobs(jobs)
        gpu = self._wants_gpu(device)
        return Resources(jobs or max(1, min(JOBS, runs)), self._threads, gpu_each=gpu)

    def engine(self, shares: Resources, setup: Setup) -> SlurmEngine:
        """See `Machines.engine`."""
        return SlurmEngine(shares, setup, jobs=self._jobs())

    def _jobs(self) -> Jobs:
        return SlurmJobs(self._options)

    def _wants_gpu(self, device: str) -> bool:
        there = asks_for_gpu(self._options)
        choices = ["auto", "cpu", *(["cuda"] if there else [])]
        if device not in choices:
            more = "" if there else "; a GPU is asked for by --slurm gpus=1"
            raise InputError(
                f"{device!r} is not what each job has; choose from: {', '.join(choices)}{more}",
                key="device",
            )
        return there and device != "cpu"


def _threads(options: Mapping[str, str]) -> int:
    text = options.get("cpus-per-task", "1")
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"cpus-per-task: {text!r} is no number of cores", key="--slurm")
    return int(text)
