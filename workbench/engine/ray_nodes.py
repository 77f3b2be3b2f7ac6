"""The machines of a cluster, divided between workers."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.engine.resources import WORKER_BYTES, Resources, check_jobs
from workbench.errors import InputError
from workbench.show.console import plural


@dataclass(frozen=True, slots=True)
class Node:
    """What one machine of the cluster offers."""

    cpus: int
    gpus: int = 0
    memory: int = 1 << 50  # bytes

    def room(self, threads: int, gpu: bool) -> int:
        """How many workers of so many threads it has the cores, and the GPUs, for."""
        fits = self.cpus // threads
        return min(fits, self.gpus) if gpu else fits

    def workers(self, gpu: bool) -> int:
        """How many workers it has by default: one per GPU, else one per core as memory allows."""
        return min(self.room(1, gpu), max(1, self.memory // WORKER_BYTES))


def share(nodes: Sequence[Node], jobs: int | None, runs: int, device: str = "auto") -> Resources:
    """The division of these machines for `runs` runs; `jobs=None` chooses.

    On one machine it is that of `resources.divide`, so that both engines round alike. A worker's
    threads are on one machine; they are as many as leave room for all `jobs` at once, or one.
    """
    check_jobs(jobs)
    gpu = wants_gpu(nodes, device)
    room = sum(node.room(1, gpu) for node in nodes)
    if room == 0:
        raise InputError(f"ray: no node has a core for a worker: {describe(nodes)}")
    if jobs is None:
        jobs = max(1, min(runs, sum(node.workers(gpu) for node in nodes)))
    at_once = min(jobs, room)
    most = max(node.cpus for node in nodes)
    fitting = (
        threads
        for threads in range(most, 0, -1)
        if sum(node.room(threads, gpu) for node in nodes) >= at_once
    )
    return Resources(jobs, next(fitting), gpu_each=gpu)


def wants_gpu(nodes: Sequence[Node], device: str) -> bool:
    """Whether each worker has a GPU of its own. Raises `InputError` for one that can't be had."""
    there = any(node.gpus for node in nodes)
    choices = ["auto", "cpu", *(["cuda"] if there else [])]
    if device not in choices:
        raise InputError(
            f"{device!r} is not on the cluster; choose from: {', '.join(choices)}", key="device"
        )
    return there and device != "cpu"


def describe(nodes: Sequence[Node]) -> str:
    """`3 nodes, 24 cores, 2 GPUs`."""
    counts = {
        "node": len(nodes),
        "core": sum(node.cpus for node in nodes),
        "GPU": sum(node.gpus for node in nodes),
    }
    return ", ".join(plural(count, unit) for unit, count in counts.items() if count)
