"""A Ray cluster of several nodes on this machine: nodes and heads that die, many runs."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.engine.listening import Listener, tasks
from tests.engine.standins import NAME
from workbench.config import Outcome
from workbench.engine import Ended, EngineChoice, Event, Resources, Setup, open_machines
from workbench.engine.choice import QUIET

from .sweeps import Sweep

pytestmark = pytest.mark.slow
ray = pytest.importorskip("ray")
STORE = 80 << 20  # bytes
BLOCKS = 30  # of a tenth of it: more than it has room for
NO_SPILLING = {"automatic_object_spilling_enabled": False}


@pytest.fixture
def started() -> Iterator[Callable[..., Any]]:
    """Starts clusters: a head without cores at this port, and nodes of one core each."""
    os.environ.update(QUIET)
    from ray.cluster_utils import Cluster

    begun: list[Any] = []

    def start(cores: int, port: int = 16379, **head: Any) -> Any:
        given = {"num_cpus": 0, "gcs_server_port": port, "object_store_memory": STORE, **head}
        cluster = Cluster(initialize_head=True, head_node_args=given)
        begun.append(cluster)
        for _ in range(cores):
            cluster.add_node(num_cpus=1, object_store_memory=STORE, wait=True)
        return cluster

    yield start
    for cluster in begun:
        cluster.shutdown()


def fill() -> Iterator[Any]:
    """What keeps the object store full, for as long as it is held."""
    with suppress(ray.exceptions.RayError):
        for _ in range(BLOCKS):
            yield ray.put(os.urandom(STORE // 10))


def on(cluster: Any) -> tuple[str, ...]:
    return ("--engine", "ray", "--ray-address", cluster.address, "--jobs", "2")


def test_runs_of_a_node_that_is_removed_go_on_elsewhere(
    started: Callable[..., Any], sweep: Callable[..., Sweep]
) -> None:
    from workbench.engine.ray_engine import CUT_OFF

    cluster = started(cores=2)
    remote = sweep("node", *on(cluster))
    driver = remote.start_and_wait()
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    remote.finish(driver)
    assert any(each in remote.said() for each in CUT_OFF)


def test_a_new_head_goes_on_with_the_same_command(
    started: Callable[..., Any], sweep: Callable[..., Sweep]
) -> None:
    cluster = started(cores=2)
    first = sweep("head", *on(cluster))
    driver = first.start_and_wait()
    cluster.head_node.kill_gcs_server()
    assert driver.wait(120) > 0
    assert "Traceback" not in first.said()
    cluster.shutdown()
    second = sweep("head", *on(started(cores=2, port=16380)))
    second.finish(second.start())


def test_two_hundred_runs_that_ask_for_as_many_actors_are_each_done_once(
    started: Callable[..., Any], tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill(event: Event) -> None:
        if isinstance(event, Ended) and len(ended) in (50, 120) and len(killed) < 2:
            killed.append(engine.processes[0])
            os.kill(killed[-1], signal.SIGKILL)
        if isinstance(event, Ended):
            ended.append(event.result.run)

    ended: list[str] = []
    cluster = started(cores=4)
    work = tasks(tmp_path, 200, epochs=2)
    listener = Listener(kill)
    with (
        open_machines(EngineChoice("ray", cluster.address)) as machines,
        machines.engine(Resources(200, 1), Setup(f"{NAME}:quick", "cpu")) as engine,
    ):
        engine.run(work, listener)
    assert Counter(ended) == Counter(task.run.id for task in work)
    assert {each.outcome for each in listener.results.values()} == {Outcome.COMPLETED}
    assert len(killed) == 2
    for task in work:
        assert (task.folder / "epochs.txt").read_text() == "0\n1\n"


def test_an_object_store_that_is_full_stops_no_run(
    started: Callable[..., Any], tmp_path: Path
) -> None:
    cluster = started(cores=2, _system_config=NO_SPILLING)
    listener, work = Listener(), tasks(tmp_path, 4)
    with open_machines(EngineChoice("ray", cluster.address)) as machines:
        held = list(fill())
        with machines.engine(Resources(2, 1), Setup(f"{NAME}:quick", "cpu")) as engine:
            engine.run(work, listener)
    assert len(held) >= 10  # it is full, and Ray refuses more or puts it on the disk
    assert {each.outcome for each in listener.results.values()} == {Outcome.COMPLETED}
    assert len(listener.results) == 4
