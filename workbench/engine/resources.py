"""How many workers, and what share of the machine each one gets."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from workbench.config import Scalar
from workbench.errors import InputError
from workbench.machine import cpu_name

WORKER_BYTES = 1 << 30  # a worker with PyTorch loaded and a small data set in memory
MOST_WORKERS = 4096  # that may be asked for
MOST_JOBS = 16  # by default; `--jobs` may ask for more


@dataclass(frozen=True, slots=True)
class Resources:
    """A division of the machine: `jobs` workers of `threads` each, on these GPUs if any."""

    jobs: int
    threads: int
    gpus: tuple[str, ...] = ()  # as CUDA_VISIBLE_DEVICES names them
    gpu_each: bool = False  # a cluster gives each worker one

    @property
    def on_gpu(self) -> bool:
        """Whether workers have one where their device is chosen for them."""
        return bool(self.gpus) or self.gpu_each

    def environment(self, worker: int) -> dict[str, str]:
        """The variables that worker number `worker` starts with."""
        threads = str(self.threads)
        variables = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        if len(self.gpus) > 1:
            variables["CUDA_VISIBLE_DEVICES"] = self.gpus[worker % len(self.gpus)]
        return variables


def divide(jobs: int | None, runs: int, device: str = "auto") -> Resources:
    """The division for `runs` runs on `device`; `jobs=None` chooses.

    By default: one worker per GPU; without a GPU one per core, since networks this small gain
    little from several threads, as far as memory allows. `runs` counts all runs of the plan, not
    those that are left, so that a resumed sweep has the same threads, hence the same rounding.
    """
    check_jobs(jobs)
    _check_device(device)
    cpus, gpus = cores(), visible_gpus(device)
    if jobs is None:
        fits = max(1, memory() // WORKER_BYTES)
        jobs = len(gpus) if gpus else min(cpus, fits, MOST_JOBS)
        jobs = max(1, min(jobs, runs))
    return Resources(jobs, max(1, cpus // jobs), gpus)


def with_workers(shares: Resources, jobs: int) -> Resources:
    """The same GPUs among another number of workers."""
    return Resources(jobs, max(1, cores() // jobs), shares.gpus)


def check_jobs(jobs: int | None) -> None:
    """Raises `InputError` for a number of workers that is none."""
    if jobs is not None and jobs < 1:
        raise InputError(f"{jobs} is refused: at least 1 worker is needed", key="jobs")
    if jobs is not None and jobs > MOST_WORKERS:
        raise InputError(f"{jobs} is refused: at most {MOST_WORKERS} workers", key="jobs")


def _check_device(device: str) -> None:
    """Refuse one that is not here before any worker starts; the fit would only do so later."""
    if device in ("auto", "cpu"):
        return
    gpus = visible_gpus("auto")
    here = ["auto", "cpu", *(["cuda"] if gpus else []), *(f"cuda:{i}" for i in range(len(gpus)))]
    if device not in here:
        raise InputError(f"{device!r} is not here; choose from: {', '.join(here)}", key="device")


def this_machine() -> dict[str, Scalar]:
    """What a run's numbers may depend on, of the machine that this process is on."""
    return {
        "platform": platform.platform(),
        "host": platform.node(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
    }


def cores() -> int:
    """Cores this process may use: the affinity mask, and a container's quota where there is one."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(count, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup, or "max": no quota
        return count


def memory() -> int:
    """Bytes of memory that are free for use now."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(line for line in lines if line.startswith("MemAvailable"))
        return int(free.split()[1]) * 1024
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def visible_gpus(device: str) -> tuple[str, ...]:
    """The CUDA devices that `device` ("auto", "cpu", "cuda", "cuda:1", ...) may mean."""
    if device not in ("auto", "cuda"):
        return ()
    import torch

    count = torch.cuda.device_count()
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return tuple(named[:count]) if named else tuple(str(index) for index in range(count))
