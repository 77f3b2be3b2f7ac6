"""Worker processes: warm, replaceable, and gone with their parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.config import Outcome, Progress, Result
from workbench.engine import Ended, Event, LocalEngine, Requeued, Resources, Started, Task
from workbench.engine.local import _environment

from .standins import NAME, config


class Listener:
    """Keeps all events; `then` is called after each one."""

    def __init__(self, then: Callable[[Event], None] = lambda event: None) -> None:
        self.events: list[Event] = []
        self._then = then

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._then(event)

    @property
    def results(self) -> dict[str, Result]:
        return {event.result.run: event.result for event in self.events if isinstance(event, Ended)}

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def tasks(folder: Path, count: int, epochs: int = 3) -> list[Task]:
    return [Task(config(seed=seed, epochs=epochs), folder / str(seed)) for seed in range(count)]


def engine(fit: str, jobs: int = 1, grace: float = 30.0) -> LocalEngine:
    return LocalEngine(Resources(jobs, threads=3), fit=f"{NAME}:{fit}", device="cpu", grace=grace)


def test_runs_every_task_and_reports_every_epoch(tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 5), Listener()
    with engine("quick", jobs=2) as local:
        local.run(work, listener)
    assert {result.outcome for result in listener.results.values()} == {Outcome.COMPLETED}
    assert set(listener.results) == {task.run.id for task in work}
    for task in work:
        epochs = [
            event.record.epoch
            for event in listener.events
            if isinstance(event, Progress) and event.run == task.run.id and event.record
        ]
        assert epochs == [0, 1, 2]


def test_one_worker_stays_warm_apart_from_the_parent_and_without_torch(tmp_path: Path) -> None:
    listener = Listener()
    with engine("facts") as local:
        local.run(tasks(tmp_path, 3), listener)
        local.run([Task(config(seed=7), tmp_path / "7")], listener)
    found = [dict(result.details) for result in listener.results.values()]
    assert len(found) == 4
    assert len({facts["pid"] for facts in found}) == 1
    assert found[0]["pid"] != os.getpid()
    assert found[0]["threads"] == "3"
    assert found[0]["device"] == "cpu"
    assert found[0]["torch"] is False
    assert "printed by the run" in (tmp_path / "7" / "log.txt").read_text()


def test_each_worker_has_its_gpu(tmp_path: Path) -> None:
    shares = Resources(2, threads=1, gpus=("4", "6"))
    listener = Listener()
    with LocalEngine(shares, fit=f"{NAME}:facts") as local:
        local.run(tasks(tmp_path, 2), listener)
    assert {dict(result.details)["gpus"] for result in listener.results.values()} == {"4", "6"}


def test_killed_worker_is_replaced_and_its_run_continues(tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 3), Listener()
    with engine("killed_once") as local:
        local.run(work, listener)
    assert all(result.outcome is Outcome.COMPLETED for result in listener.results.values())
    assert len(listener.results) == 3
    (requeued,) = listener.of(Requeued)
    assert isinstance(requeued, Requeued)
    assert "SIGKILL" in requeued.reason
    attempts = [
        event.attempt
        for event in listener.events
        if isinstance(event, Started) and event.run == work[0].run.id
    ]
    assert attempts == [1, 2]
    assert (tmp_path / "0" / "epochs.txt").read_text().split() == ["0", "1", "2"]


def test_second_death_fails_the_run_and_spares_the_others(tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 3), Listener()
    with engine("killed_always", jobs=2) as local:
        local.run(work, listener)
    outcomes = [listener.results[task.run.id].outcome for task in work]
    assert outcomes == [Outcome.FAILED, Outcome.COMPLETED, Outcome.COMPLETED]
    reason = listener.results[work[0].run.id].reason
    assert reason is not None
    assert "SIGSEGV" in reason
    assert (tmp_path / "0" / "attempts.txt").read_text() == "xx"


def test_exception_is_a_failed_run_with_its_traceback_kept(tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 2), Listener()
    with engine("raises") as local:
        local.run(work, listener)
        pids = local.processes
    failed, passed = (listener.results[task.run.id] for task in work)
    assert failed.outcome is Outcome.FAILED
    assert failed.reason is not None
    assert failed.reason.startswith("ZeroDivisionError: the loss (traceback: ")
    assert "has no scale" in (tmp_path / "0" / "traceback.txt").read_text()
    assert passed.outcome is Outcome.COMPLETED
    assert len(pids) == 1


def test_fit_that_cannot_be_imported_fails_the_run(tmp_path: Path) -> None:
    listener = Listener()
    with LocalEngine(Resources(1, 1), fit="no_such_module:fit") as local:
        local.run(tasks(tmp_path, 1), listener)
    (result,) = listener.results.values()
    assert result.outcome is Outcome.FAILED
    assert "no_such_module" in (result.reason or "")


def test_stop_interrupts_what_runs_and_starts_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WB_EPOCH_SECONDS", "0.05")
    work, listener = tasks(tmp_path, 3, epochs=1000), Listener()
    with engine("quick") as local:
        local.run(work, listener, lambda: bool(listener.of(Progress)))
    assert [result.outcome for result in listener.results.values()] == [Outcome.INTERRUPTED]
    assert len(listener.of(Started)) == 1


def test_run_that_does_not_stop_is_killed_after_the_grace(tmp_path: Path) -> None:
    listener = Listener()
    with engine("deaf", grace=0.2) as local:
        local.run(tasks(tmp_path, 2), listener, lambda: bool(listener.of(Progress)))
    (result,) = listener.results.values()
    assert result.outcome is Outcome.INTERRUPTED
    assert "SIGKILL" in (result.reason or "")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGTERM, "the sweep was stopped"),
        (signal.SIGSEGV, "the sweep was stopped (the worker process died of SIGSEGV)"),
    ],
)
def test_a_signal_to_the_whole_group_reads_as_the_stop_that_it_is(
    tmp_path: Path, number: signal.Signals, reason: str
) -> None:
    listener = Listener()

    def stop() -> bool:
        if not listener.of(Progress):
            return False
        for each in local.processes:
            os.kill(each, number)
        return True

    with engine("deaf") as local:
        local.run(tasks(tmp_path, 1), listener, stop)
    (result,) = listener.results.values()
    assert (result.outcome, result.reason) == (Outcome.INTERRUPTED, reason)


def test_prune_ends_running_and_waiting_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WB_EPOCH_SECONDS", "0.05")
    work = tasks(tmp_path, 2, epochs=1000)

    def prune(event: Event) -> None:
        if isinstance(event, Progress):
            for task in work:
                local.prune(task.run.id, "the other is better")

    listener = Listener(prune)
    with engine("quick") as local:
        local.run(work, listener)
    results = listener.results.values()
    assert [result.outcome for result in results] == [Outcome.PRUNED, Outcome.PRUNED]
    assert {result.reason for result in results} == {"the other is better"}


def test_submitted_task_runs_in_the_same_call(tmp_path: Path) -> None:
    first, second = tasks(tmp_path, 2)

    def more(event: Event) -> None:
        if isinstance(event, Ended) and event.result.run == first.run.id:
            local.submit(second)

    listener = Listener(more)
    with engine("quick") as local:
        local.run([first], listener)
    assert list(listener.results) == [first.run.id, second.run.id]


def test_exception_in_on_event_leaves_no_worker_behind(tmp_path: Path) -> None:
    def full(event: Event) -> None:
        raise OSError("disk full")

    with engine("deaf") as local, pytest.raises(OSError, match="disk full"):
        local.run(tasks(tmp_path, 1), full)
    assert local.processes == ()


def test_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with _environment({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}):
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "5"
    assert "MKL_NUM_THREADS" not in os.environ


ORPHANS = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from {module} import config
from workbench.engine import LocalEngine, Resources, Task, Ended

def show(event):
    print(*engine.processes, flush=True)

if __name__ == "__main__":
    with LocalEngine(Resources(2, 1), fit="{module}:deaf") as engine:
        engine.run([Task(config(seed=s), Path({folder!r}) / str(s)) for s in (0, 1)], show)
"""


def test_workers_leave_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "sweep.py"
    script.write_text(ORPHANS.format(path=sys.path, module=NAME, folder=str(tmp_path)))
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    lines = [parent.stdout.readline() for _ in range(3)]  # two starts, one epoch
    pids = [int(pid) for pid in lines[-1].split()]
    assert len(pids) == 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
