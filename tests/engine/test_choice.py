"""Where workers are: how a cluster is found and divided. Nothing here needs Ray."""

import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine import EngineChoice, Resources, open_machines, ray_actor, resources
from workbench.engine.ray_actor import Handshake, fault
from workbench.engine.ray_address import find
from workbench.engine.ray_nodes import Node, describe, share
from workbench.errors import InputError

# ---------------------------------------------------------------- dividing


@given(cores=st.integers(1, 64), jobs=st.none() | st.integers(1, 64), runs=st.integers(0, 100))
def test_one_machine_is_divided_as_without_a_cluster(
    cores: int, jobs: int | None, runs: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resources, "cores", lambda: cores)
        patch.setattr(resources, "memory", lambda: 1 << 50)
        patch.setattr(resources, "MOST_JOBS", 1000)
        assert share([Node(cores)], jobs, runs, "cpu") == resources.divide(jobs, runs, "cpu")


@given(
    sizes=st.lists(st.integers(0, 16), min_size=1, max_size=5).filter(any),
    jobs=st.integers(1, 64),
)
def test_all_that_fit_at_once_fit_with_their_threads_and_no_more_threads_would(
    sizes: list[int], jobs: int
) -> None:
    nodes = [Node(size) for size in sizes]
    threads = share(nodes, jobs, 100, "cpu").threads
    at_once = min(jobs, sum(sizes))
    assert sum(size // threads for size in sizes) >= at_once
    assert sum(size // (threads + 1) for size in sizes) < at_once


def test_a_gpu_each_on_the_machines_that_have_some() -> None:
    nodes = [Node(8), Node(16, gpus=2), Node(6, gpus=1)]
    assert share(nodes, None, 100) == Resources(3, 6, gpu_each=True)
    assert share(nodes, None, 100, "cpu") == Resources(30, 1)
    assert share(nodes, 8, 100, "cuda") == Resources(8, 6, gpu_each=True)  # five of them wait


def test_little_memory_means_few_workers() -> None:
    assert share([Node(8, memory=3 << 30)], None, 100) == Resources(3, 2)


@pytest.mark.parametrize(
    ("nodes", "jobs", "device", "expected"),
    [
        ([Node(8)], 0, "cpu", "jobs: 0 is refused"),
        ([Node(8)], None, "cuda", "'cuda' is not on the cluster; choose from: auto, cpu$"),
        ([Node(8, 2)], None, "cuda:1", "'cuda:1' is not .* choose from: auto, cpu, cuda$"),
        ([Node(0), Node(0, 0)], None, "auto", "no node has a core for a worker: 2 nodes$"),
    ],
)
def test_what_the_cluster_has_not_is_refused(
    nodes: list[Node], jobs: int | None, device: str, expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        share(nodes, jobs, 100, device)


def test_the_cluster_in_words() -> None:
    assert describe([Node(1)]) == "1 node, 1 core"
    assert describe([Node(8, 1), Node(8, 1)]) == "2 nodes, 16 cores, 2 GPUs"


# ---------------------------------------------------------------- addresses


@pytest.fixture
def someone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The address of one who answers, on a machine without a cluster."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def nobody(someone: str) -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_an_address_is_taken_from_the_option_the_variable_or_ray_start(
    someone: str, nobody: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert find(None) is find("local") is None
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(nobody)  # killed, and its file left
    assert find(None) is None
    (tmp_path / "ray" / "ray_current_cluster").write_text(f"{someone}\n")
    assert find(None) == find("auto") == someone
    monkeypatch.setenv("RAY_ADDRESS", nobody)
    assert find("local") is None
    assert find(someone) == someone
    with pytest.raises(InputError, match=f"{nobody} does not answer"):
        find(None)


@pytest.mark.parametrize("given", ["ray://head:10001", "head", "head:port", ":6379"])
def test_what_is_no_address_is_refused(someone: str, given: str) -> None:
    with pytest.raises(InputError, match=f"ray address: '{given}' is refused: give HOST:PORT"):
        find(given)


def test_no_answer_and_no_cluster_are_one_line(someone: str, nobody: str) -> None:
    with pytest.raises(InputError, match=f"^ray address: {nobody} does not answer: .*refused$"):
        find(nobody)
    with pytest.raises(InputError, match="'auto' finds no cluster here; start one: ray start"):
        find("auto")


def test_ray_that_is_not_installed_comes_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("ray_cluster", "ray_engine"):
        monkeypatch.delitem(sys.modules, f"workbench.engine.{name}", raising=False)
    with pytest.raises(InputError, match=r"pip install 'cmt-workbench\[ray\]'$"):
        open_machines(EngineChoice("ray"))


def test_submitit_that_is_not_installed_comes_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    for name in ("cluster", "engine", "jobs", "place"):
        monkeypatch.delitem(sys.modules, f"workbench.engine.slurm.{name}", raising=False)
    with pytest.raises(InputError, match=r"submitit: pip install 'cmt-workbench\[slurm\]'$"):
        open_machines(EngineChoice("slurm"))


def test_a_slurm_is_divided_by_its_options_and_refused_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("submitit")
    from workbench.engine.slurm.cluster import SlurmCluster

    monkeypatch.setenv("PATH", "")
    assert SlurmCluster(["partition=gpu,time=90"]).text == "Slurm: partition gpu, time 90."
    assert SlurmCluster([]).divide(None, 100) == Resources(8, 1)
    assert SlurmCluster([]).divide(None, 3) == Resources(3, 1)
    gpus = SlurmCluster(["cpus-per-task=4", "gres=gpu:a100:1"])
    assert gpus.divide(20, 100) == Resources(20, 4, gpu_each=True)
    assert gpus.divide(20, 100, "cpu") == Resources(20, 4)
    with pytest.raises(InputError, match=r"'cuda' is not .* choose from: auto, cpu; a GPU"):
        SlurmCluster([]).divide(1, 1, "cuda")
    with pytest.raises(InputError, match="cpus-per-task: 'all' is no number"):
        SlurmCluster(["cpus-per-task=all"])
    with pytest.raises(InputError, match="'slurm' needs sbatch, which is not on the path here"):
        open_machines(EngineChoice("slurm")).__enter__()


def test_short_runs_of_a_cluster_are_where_its_machines_see_them(tmp_path: Path) -> None:
    assert EngineChoice().scratch(tmp_path) is None
    results = tmp_path / "results"
    assert EngineChoice("slurm").scratch(results) == results
    assert results.is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be written: Not a directory"):
        EngineChoice("ray").scratch(tmp_path / "file" / "results")


def test_an_address_alone_and_another_engine_are_refused() -> None:
    with pytest.raises(InputError, match="engine: unknown 'rai'; nearest: 'ray'"):
        open_machines(EngineChoice("rai"))
    with pytest.raises(InputError, match="'head:6379' is for --engine ray"):
        open_machines(EngineChoice(address="head:6379"))
    assert EngineChoice("ray", "head:6379").words() == [
        "--engine",
        "ray",
        "--ray-address",
        "head:6379",
    ]
    assert EngineChoice().words() == []
    words = EngineChoice("slurm", slurm=("time=90", "mem=4G")).words()
    assert words == ["--engine", "slurm", "--slurm", "time=90", "--slurm", "mem=4G"]


# ---------------------------------------------------------------- what a node must see


def test_a_node_must_see_the_folder_write_to_it_and_have_this_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_actor, "PAUSE_SECONDS", 0.0)
    token = tmp_path / "token"
    assert fault(Handshake(tmp_path, token)) == (
        f"does not see {tmp_path}: results must be on a file system that all nodes share"
    )
    token.touch()
    assert fault(Handshake(tmp_path, token)) is None
    assert "has workbench" in (fault(Handshake(tmp_path, token, "0.0.0")) or "")
    monkeypatch.setattr(ray_actor.os, "access", lambda path, mode: False)
    assert fault(Handshake(tmp_path, token)) == f"can't write to {tmp_path}"
