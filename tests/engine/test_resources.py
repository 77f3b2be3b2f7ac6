"""How the machine is divided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine import Resources, divide
from workbench.engine import resources as module
from workbench.errors import InputError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(module, "cores", lambda: 8)
    monkeypatch.setattr(module, "memory", lambda: 64 << 30)
    return monkeypatch


def test_cpu_has_a_worker_per_core(machine: pytest.MonkeyPatch) -> None:
    assert divide(None, runs=100, device="cpu") == Resources(8, 1)


def test_few_runs_get_few_workers_of_several_threads(machine: pytest.MonkeyPatch) -> None:
    assert divide(None, runs=2, device="cpu") == Resources(2, 4)


def test_little_memory_means_few_workers(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "memory", lambda: 3 << 30)
    assert divide(None, runs=100, device="cpu").jobs == 3


def test_one_worker_per_gpu(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(module, "visible_gpus", lambda device: ("0", "1"))
    shares = divide(None, runs=100)
    assert (shares.jobs, shares.threads) == (2, 4)
    assert shares.environment(3)["CUDA_VISIBLE_DEVICES"] == "1"


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_workers_are_refused(jobs: int) -> None:
    with pytest.raises(InputError, match=f"jobs: {jobs} is refused"):
        divide(jobs, runs=1, device="cpu")


@given(jobs=st.integers(1, 64), runs=st.integers(0, 100))
def test_jobs_are_kept_and_threads_do_not_oversubscribe(jobs: int, runs: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "cores", lambda: 8)  # to ask the machine takes longer than the rest
        shares = divide(jobs, runs, device="cpu")
    assert shares.jobs == jobs
    assert shares.threads == 1 or shares.threads * jobs <= 8
