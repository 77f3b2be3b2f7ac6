"""A Ray of one node for a soak, and the actors on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.engine.choice import QUIET


class Actors:
    """Of the Ray at `address`, whose raylet is that process."""

    def __init__(self, address: str, raylet: int) -> None:
        self.address, self._raylet = address, raylet

    def pids(self) -> list[int]:
        """The processes that hold an actor; those that wait for one do not count."""
        return [int(place.name) for place in Path("/proc").glob("[0-9]*") if self._holds_one(place)]

    def _holds_one(self, place: Path) -> bool:
        with suppress(OSError):
            name = (place / "cmdline").read_bytes()
            above = (place / "stat").read_text().rpartition(")")[2].split()[1]
            return name[:5] == b"ray::" and name[:9] != b"ray::IDLE" and int(above) == self._raylet
        return False


@contextmanager
def actors() -> Iterator[Actors | None]:
    """With a Ray that was started for them; none where Ray is not installed."""
    os.environ.update(QUIET)
    try:
        from ray.cluster_utils import Cluster
    except ImportError:
        yield None
        return
    head = {"num_cpus": 2, "object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        (raylet,) = cluster.head_node.all_processes["raylet"]
        yield Actors(cluster.address, raylet.process.pid)
    finally:
        cluster.shutdown()
