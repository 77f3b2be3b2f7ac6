"""The choice of an engine: one name each, all of them here, and the machines that it has."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from workbench.engine.base import Engine
from workbench.engine.local import LocalEngine
from workbench.engine.pool import FIT
from workbench.engine.resources import Resources, divide
from workbench.errors import InputError, unknown

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to other hosts
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # Ray's twenty lines about a dead worker; ours has one
}


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What a command line asks for."""

    engine: str = "local"
    address: str | None = None  # of a Ray cluster

    def check(self) -> None:
        """Raises `InputError` for an engine that is unknown, and for an address without Ray."""
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, ENGINES)
        if self.address is not None and self.engine != "ray":
            raise InputError(f"ray address: {self.address!r} is for --engine ray")

    def words(self) -> list[str]:
        """The options that ask for it; none for the default."""
        engine = [] if self.engine == LOCAL.engine else ["--engine", self.engine]
        return engine + ([] if self.address is None else ["--ray-address", self.address])


LOCAL = EngineChoice()


class Machines(Protocol):
    """One machine, or a cluster."""

    text: str  # a line for the user; empty where there is nothing to say

    def divide(self, jobs: int | None, runs: int, device: str = "auto") -> Resources:
        """The division for `runs` runs on `device`; `jobs=None` chooses."""

    def engine(
        self,
        shares: Resources,
        fit: str = FIT,
        device: str = "auto",
        *,
        loggers: tuple[str, ...] = (),
        modules: tuple[str, ...] = (),
    ) -> Engine:
        """Its engine. Workers import `modules` and tell `loggers` of each epoch."""


class ThisMachine:
    """This machine."""

    text = ""

    def divide(self, jobs: int | None, runs: int, device: str = "auto") -> Resources:
        """See `Machines.divide`."""
        return divide(jobs, runs, device)

    def engine(
        self,
        shares: Resources,
        fit: str = FIT,
        device: str = "auto",
        *,
        loggers: tuple[str, ...] = (),
        modules: tuple[str, ...] = (),
    ) -> Engine:
        """See `Machines.engine`."""
        return LocalEngine(shares, fit, device, loggers=loggers, modules=modules)


def open_machines(choice: EngineChoice) -> AbstractContextManager[Machines]:
    """The site that is chosen. Raises `InputError` where it can't be had."""
    choice.check()
    return ENGINES[choice.engine](choice.address)


def _here(_: str | None) -> AbstractContextManager[Machines]:
    return nullcontext(ThisMachine())


def _cluster(address: str | None) -> AbstractContextManager[Machines]:
    for name, value in QUIET.items():  # read while Ray is imported
        os.environ.setdefault(name, value)
    try:
        from workbench.engine.ray_cluster import Cluster
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError(
            "'ray' needs the package ray: pip install 'cmt-workbench[ray]'", key="engine"
        ) from None
    return Cluster(address)


ENGINES: Mapping[str, Callable[[str | None], AbstractContextManager[Machines]]] = {
    "local": _here,
    "ray": _cluster,
}
