"""What is Slurm's own, on submitit's local executor; what holds for every engine is in
test_engine.py, and a real Slurm in tests/clusters."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("submitit")

from tests.support.sweeps import options, plan, quiet, said, small_zoo  # noqa: F401
from workbench.config import Outcome, Progress
from workbench.engine import EngineChoice, Event, Requeued, Resources, Setup, Started, end_earlier
from workbench.engine.slurm import engine as module
from workbench.engine.slurm.cluster import SlurmCluster
from workbench.engine.slurm.engine import SlurmEngine
from workbench.engine.slurm.jobs import SlurmJobs
from workbench.engine.slurm.mailbox import PATIENCE_SECONDS
from workbench.errors import InputError
from workbench.runs.sweep import run_sweep

from .listening import Listener, begin_elsewhere, gone, tasks
from .local_jobs import LocalJobs, signal_job
from .standins import NAME

pytestmark = pytest.mark.slow


def engine(jobs: LocalJobs, fit: str, count: int = 1) -> SlurmEngine:
    return SlurmEngine(Resources(count, 1), Setup(f"{NAME}:{fit}", "cpu"), jobs=jobs)


def once(do: Callable[[], object]) -> Callable[[Event], None]:
    """At the first epoch that is heard of."""
    done = False

    def look(event: Event) -> None:
        nonlocal done
        if isinstance(event, Progress) and not done:
            done = True
            do()

    return look


def cut_off(tmp_path: Path, number: signal.Signals, jobs: LocalJobs) -> tuple[Requeued, list[int]]:
    """A run whose job gets a signal in its midst: why it waited again, and its attempts."""
    (task,) = tasks(tmp_path, 1, epochs=12)
    listener = Listener(once(lambda: signal_job(running.processes[0], number)))
    with engine(jobs, "slow") as running:
        running.run([task], listener)
    assert listener.results[task.run.id].outcome is Outcome.COMPLETED
    epochs = (tmp_path / "0" / "epochs.txt").read_text().split()
    assert epochs == [str(epoch) for epoch in range(12)]
    (requeued,) = listener.of(Requeued)
    assert isinstance(requeued, Requeued)
    started = [event.attempt for event in listener.events if isinstance(event, Started)]
    return requeued, started


def test_a_preempted_worker_s_run_goes_on_in_another_job(tmp_path: Path) -> None:
    jobs = LocalJobs()
    requeued, started = cut_off(tmp_path, signal.SIGTERM, jobs)
    assert requeued.reason.endswith("was preempted or cancelled")
    assert started == [1, 2]
    assert jobs.arrays == [1, 1]


def test_a_job_that_meets_its_time_limit_is_queued_again(tmp_path: Path) -> None:
    jobs = LocalJobs()
    requeued, started = cut_off(tmp_path, signal.SIGUSR2, jobs)
    assert requeued.reason.endswith("met its time limit")
    assert started == [1, 2]
    assert jobs.arrays == [1]  # submitit queued it again


def test_being_cut_off_is_no_fault_of_the_run(tmp_path: Path) -> None:
    (task,) = tasks(tmp_path, 1, epochs=20)
    cut = 0

    def again(event: Event) -> None:
        nonlocal cut
        if isinstance(event, Started) and cut < 2:
            cut += 1
            signal_job(running.processes[0], signal.SIGTERM)

    listener = Listener(again)
    with engine(LocalJobs(), "slow") as running:
        running.run([task], listener)
    assert listener.results[task.run.id].outcome is Outcome.COMPLETED
    assert len(listener.of(Requeued)) == 2


def test_workers_are_one_array_and_no_more_than_runs(tmp_path: Path) -> None:
    jobs, listener = LocalJobs(), Listener()
    with engine(jobs, "quick", count=5) as running:
        running.run(tasks(tmp_path, 2), listener)
    assert jobs.arrays == [2]
    assert [result.outcome for result in listener.results.values()] == [Outcome.COMPLETED] * 2
    assert {str(each) for each in tmp_path.iterdir()} == {str(tmp_path / "0"), str(tmp_path / "1")}


def test_a_stop_before_any_job_asks_for_none(tmp_path: Path) -> None:
    jobs = LocalJobs()
    with engine(jobs, "quick") as running:
        running.run(tasks(tmp_path, 1), Listener(), lambda: True)
    assert jobs.arrays == []
    assert not list(tmp_path.iterdir())


def test_jobs_that_never_come_up_are_one_line_and_no_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere() -> dict[str, str]:
        return {"PYTHONPATH": "", "PYTHONHOME": "/none"}

    monkeypatch.setattr(module, "surroundings", elsewhere)
    with engine(LocalJobs(), "quick") as running, pytest.raises(InputError) as caught:
        running.run(tasks(tmp_path, 1), Listener())
    assert "slurm: no worker can start: job " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_version_on_a_node_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "__version__", "0.0.0")
    expected = f"^slurm: node {os.uname().nodename} has workbench .*, and here it is 0.0.0$"
    with engine(LocalJobs(), "quick") as running, pytest.raises(InputError, match=expected):
        running.run(tasks(tmp_path, 1), Listener())
    assert not list(tmp_path.iterdir())


def test_workers_of_a_killed_sweep_are_gone_before_the_next_one_begins(tmp_path: Path) -> None:
    engine = f"slurm_engine(Resources(1, 1), Setup({NAME + ':deaf'!r}, 'cpu'), 30.0)"
    imports = "from tests.engine.local_jobs import slurm_engine"
    parent, pids = begin_elsewhere(tmp_path, engine, imports=imports)
    parent.kill()
    parent.wait()
    begin = time.monotonic()
    end_earlier(tmp_path)
    assert time.monotonic() - begin < PATIENCE_SECONDS  # asked: they did not wait that long
    assert gone(pids)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0", "sweep.py"]


def test_sweep_in_jobs_fills_the_same_ledger_and_is_done_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlurmCluster, "__enter__", lambda self: self)
    monkeypatch.setattr(SlurmCluster, "_jobs", lambda self: LocalJobs())
    given = options(
        where=EngineChoice("slurm", slurm=("time=90",)), command="workbench ablate path"
    )
    console = quiet()
    done = run_sweep(plan(), tmp_path / "jobs", given, console)
    here = run_sweep(plan(), tmp_path / "here", options(), quiet())
    assert done.exit_code == 0
    assert {run.id: run.top1 for run in done.runs} == {run.id: run.top1 for run in here.runs}
    assert "Slurm: time 90." in said(console)
    assert {run.host["engine"] for run in done.runs} == {"slurm"}
    assert all(run.host["slurm_job"] for run in done.runs)
    assert run_sweep(plan(), tmp_path / "jobs", given, quiet()).trained == 0


def test_what_sbatch_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    srun = tmp_path / "srun"
    srun.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    given = {"partition": "gpu", "exclusive": "", "time": "4:00:00", "cpus-per-task": "3"}
    executor = SlurmJobs(given).executor(tmp_path, "workbench-norm", "env A=1 python")
    text = executor._make_submission_file_text("python worker", "uid")
    lines = text.splitlines()
    for each in (
        "partition=gpu", "exclusive", "time=4:00:00", "cpus-per-task=3", "requeue", "nodes=1",
        "signal=USR2@120", "job-name=workbench-norm", "open-mode=append",
    ):  # fmt: skip
        assert f"#SBATCH --{each}" in lines
    assert "--cpus-per-task=3" in lines[-1]  # srun forgets it otherwise, since Slurm 22.05
    plain = SlurmJobs({}).executor(tmp_path, "name", "python")._make_submission_file_text("p", "u")
    assert "--time" not in plain  # the site's own
    assert "wckey" not in plain
