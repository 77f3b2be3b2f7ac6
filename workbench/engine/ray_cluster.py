"""A connection to a Ray cluster, whose nodes are `Machines`."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Any, Self

import ray

from workbench.engine.ray_address import find
from workbench.engine.ray_engine import RayEngine, last_line
from workbench.engine.ray_nodes import Node, describe, share, wants_gpu
from workbench.engine.resources import Resources, cores
from workbench.engine.worker import Setup
from workbench.errors import InputError

OBJECT_STORE = 100 << 20  # bytes, of a cluster of our own; what passes through it is small
QUIETLY: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
TOKEN = "; it asks for a token: export RAY_AUTH_MODE=token"


class Cluster:
    """A connection to Ray, as `Machines`; leaving it ends what it began.

    `address` is HOST:PORT; `auto` is the cluster that RAY_ADDRESS names or that was started on this
    machine; `local` starts one, here, for as long as this is entered. None is `auto` where there
    is a cluster, else `local`. A process that is connected already stays so.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._ours = False
        self.text = ""

    def __enter__(self) -> Self:
        logging.getLogger("ray").setLevel(logging.ERROR)
        if not ray.is_initialized():
            found = find(self._address)
            self._ours = True
            _connect(found)
            self._address = found
        nodes = self.nodes()
        where = f"at {self._address}" if self._address else "on this machine"
        self.text = f"Ray {where}: {describe(nodes)}."
        return self

    def __exit__(self, *error: object) -> None:
        if self._ours:
            ray.shutdown()

    def nodes(self) -> tuple[Node, ...]:
        """The machines that are alive."""
        alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return tuple(
            Node(int(has.get("CPU", 0)), int(has.get("GPU", 0)), int(has.get("memory", 0)))
            for has in alive
        )

    def divide(self, jobs: int | None, runs: int, device: str = "auto") -> Resources:
        """See `Machines.divide`."""
        return share(self.nodes(), jobs, runs, device)

    def engine(self, shares: Resources, setup: Setup) -> RayEngine:
        """See `Machines.engine`."""
        return RayEngine(shares, setup, gpu=wants_gpu(self.nodes(), setup.device))


def _connect(address: str | None) -> None:
    try:
        _connect_once(address)
    except InputError:
        if address is None:
            raise
        _connect_once(address)  # a head that has much to do may not answer in time


def _connect_once(address: str | None) -> None:
    with _stderr_kept() as kept:
        try:
            if address:
                _join(address)
            else:
                _begin()
        except Exception as error:  # of many kinds: of the network, of versions, of tokens
            kept.seek(0)
            token = TOKEN if b"AuthToken" in kept.read() else ""
            where = address or "a cluster on this machine"
            raise InputError(f"ray: no connection to {where}: {last_line(error)}{token}") from None


def _join(address: str) -> None:
    """On a thread of its own: on the main one Ray would take SIGTERM for itself, for good, and
    raise `SystemExit` in the middle of anything."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(ray.init, address=address, **QUIETLY).result()


def _begin() -> None:
    """On this thread, since what it starts ends with it; so SIGTERM is put back."""
    before = signal.getsignal(signal.SIGTERM)
    ray.init(
        address="local", num_cpus=cores(), object_store_memory=OBJECT_STORE,
        include_dashboard=False, **QUIETLY,
    )  # fmt: skip
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _stderr_kept() -> Iterator[IO[bytes]]:
    """What Ray's C++ side tells the terminal meanwhile, second by second, where it fails."""
    sys.stderr.flush()
    before = os.dup(2)
    with TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield kept
        finally:
            os.dup2(before, 2)
            os.close(before)
