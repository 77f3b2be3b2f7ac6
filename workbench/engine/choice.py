"""The choice of an engine: one name each, all of them here, and the machines that it has."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workbench.engine.base import Engine
from workbench.engine.local import LocalEngine
from workbench.engine.resources import Resources, divide
from workbench.engine.slurm.options import asks_for_gpu, worker_options
from workbench.engine.worker import Setup
from workbench.errors import InputError, unknown
from workbench.whole_file import writing

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to other hosts
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # Ray's twenty lines about a dead worker; ours has one
}


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What a command line asks for."""

    engine: str = "local"
    address: str | None = None  # of a Ray cluster
    slurm: tuple[str, ...] = ()  # options of sbatch, as `--slurm` gives them

    def check(self) -> None:
        """Raises `InputError` for an engine that is unknown, and for options of another one."""
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, ENGINES)
        if self.address is not None and self.engine != "ray":
            raise InputError(f"ray address: {self.address!r} is for --engine ray")
        if self.slurm and self.engine != "slurm":
            raise InputError("it is for --engine slurm, or for `workbench slurm`", key="--slurm")
        worker_options(self.slurm)

    def gives_gpu(self, device: str) -> bool:
        """Whether each worker has one, as far as can be said without asking the cluster."""
        return device != "cpu" and asks_for_gpu(worker_options(self.slurm))

    def scratch(self, results: Path) -> Path | None:
        """Where short runs may write that its workers see; None: wherever files of a moment go."""
        if self.engine == LOCAL.engine:
            return None
        with writing(results, "results"):
            results.mkdir(parents=True, exist_ok=True)
        return results

    def words(self) -> list[str]:
        """The options that ask for it; none for the default."""
        engine = [] if self.engine == LOCAL.engine else ["--engine", self.engine]
        slurm = [word for text in self.slurm for word in ("--slurm", text)]
        return engine + ([] if self.address is None else ["--ray-address", self.address]) + slurm


LOCAL = EngineChoice()


class Machines(Protocol):
    """One machine, or a cluster."""

    text: str  # a line for the user; empty where there is nothing to say

    def divide(self, jobs: int | None, runs: int, device: str = "auto") -> Resources:
        """The division for `runs` runs on `device`; `jobs=None` chooses."""

    def engine(self, shares: Resources, setup: Setup) -> Engine:
        """Its engine, of workers that are set up so."""


class ThisMachine:
    """This machine."""

    text = ""

    def divide(self, jobs: int | None, runs: int, device: str = "auto") -> Resources:
        """See `Machines.divide`."""
        return divide(jobs, runs, device)

    def engine(self, shares: Resources, setup: Setup) -> Engine:
        """See `Machines.engine`."""
        return LocalEngine(shares, setup)


def open_machines(choice: EngineChoice) -> AbstractContextManager[Machines]:
    """The site that is chosen. Raises `InputError` where it can't be had."""
    choice.check()
    return ENGINES[choice.engine](choice)


def _here(_: EngineChoice) -> AbstractContextManager[Machines]:
    return nullcontext(ThisMachine())


def _ray(choice: EngineChoice) -> AbstractContextManager[Machines]:
    for name, value in QUIET.items():  # read while Ray is imported
        os.environ.setdefault(name, value)
    with _named("ray"):
        from workbench.engine.ray_cluster import Cluster
    return Cluster(choice.address)


def _slurm(choice: EngineChoice) -> AbstractContextManager[Machines]:
    with _named("slurm", "submitit"):
        from workbench.engine.slurm.cluster import SlurmCluster
    return SlurmCluster(choice.slurm)


@contextmanager
def _named(extra: str, package: str | None = None) -> Iterator[None]:
    """A package that is not installed is one line with the extra that brings it."""
    package = package or extra
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise InputError(
            f"{extra!r} needs the package {package}: pip install 'cmt-workbench[{extra}]'",
            key="engine",
        ) from None


ENGINES: Mapping[str, Callable[[EngineChoice], AbstractContextManager[Machines]]] = {
    "local": _here,
    "ray": _ray,
    "slurm": _slurm,
}
