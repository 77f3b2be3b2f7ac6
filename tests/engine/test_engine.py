"""What holds for every engine: workers that are warm, replaceable, and gone with their driver."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.config import Outcome, Progress
from workbench.engine import (
    Ended,
    Engine,
    Event,
    LocalEngine,
    Requeued,
    Resources,
    RunTask,
    Setup,
    Started,
)
from workbench.engine.choice import ENGINES

from .listening import Listener, tasks
from .standins import NAME, config

Make = Callable[..., Any]  # an engine of (fit, jobs, grace, module)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("ray", "slurm")]


def test_every_engine_is_held_to_this() -> None:
    assert set(ENGINES) == {"local", *(name for each in SLOW for name in each.values)}


@pytest.fixture(params=["local", *SLOW])
def engine(request: pytest.FixtureRequest) -> Make:
    if request.param == "local":
        kind: Any = LocalEngine
    elif request.param == "slurm":
        pytest.importorskip("submitit")
        from .local_jobs import slurm_engine as kind
    else:
        request.getfixturevalue("cluster")
        from workbench.engine.ray_engine import RayEngine as kind  # noqa: N813

    def make(fit: str, jobs: int = 1, grace: float = 30.0, module: str = NAME) -> Engine:
        setup = Setup(f"{module}:{fit}", "cpu")
        engine: Engine = kind(Resources(jobs, threads=2 // jobs), setup, grace)
        return engine

    return make


def test_runs_every_task_and_reports_every_epoch(engine: Make, tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 5), Listener()
    with engine("quick", jobs=2) as running:
        running.run(work, listener)
    assert {result.outcome for result in listener.results.values()} == {Outcome.COMPLETED}
    assert set(listener.results) == {task.run.id for task in work}
    for task in work:
        epochs = [
            event.record.epoch
            for event in listener.events
            if isinstance(event, Progress) and event.run == task.run.id and event.record
        ]
        assert epochs == [0, 1, 2]


def test_one_worker_stays_warm_apart_from_the_parent_and_without_torch(
    engine: Make, tmp_path: Path
) -> None:
    listener = Listener()
    with engine("facts") as running:
        running.run(tasks(tmp_path, 3), listener)
        running.run([RunTask(config(seed=7), tmp_path / "7")], listener)
    found = [dict(result.details) for result in listener.results.values()]
    assert len(found) == 4
    assert len({facts["pid"] for facts in found}) == 1
    assert found[0]["pid"] != os.getpid()
    assert found[0]["threads"] == "2"
    assert found[0]["device"] == "cpu"
    assert found[0]["torch"] is False
    assert "printed by the run" in (tmp_path / "7" / "log.txt").read_text()


def test_killed_worker_is_replaced_and_its_run_continues(engine: Make, tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 3), Listener()
    with engine("killed_once") as running:
        running.run(work, listener)
    assert all(result.outcome is Outcome.COMPLETED for result in listener.results.values())
    assert len(listener.results) == 3
    (requeued,) = listener.of(Requeued)
    assert isinstance(requeued, Requeued)
    assert re.search("died of SIGKILL|died .killed by hand", requeued.reason)
    attempts = [
        event.attempt
        for event in listener.events
        if isinstance(event, Started) and event.run == work[0].run.id
    ]
    assert attempts == [1, 2]
    assert (tmp_path / "0" / "epochs.txt").read_text().split() == ["0", "1", "2"]


def test_second_death_fails_the_run_and_spares_the_others(engine: Make, tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 3), Listener()
    with engine("killed_always", jobs=2) as running:
        running.run(work, listener)
    outcomes = [listener.results[task.run.id].outcome for task in work]
    assert outcomes == [Outcome.FAILED, Outcome.COMPLETED, Outcome.COMPLETED]
    reason = listener.results[work[0].run.id].reason
    assert reason is not None
    assert re.search("died of SIGSEGV|or crashed", reason)
    assert reason.endswith(", 2 times")
    assert (tmp_path / "0" / "attempts.txt").read_text() == "xx"


def test_exception_is_a_failed_run_with_its_traceback_kept(engine: Make, tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 2), Listener()
    with engine("raises") as running:
        running.run(work, listener)
        pids = running.processes
    failed, passed = (listener.results[task.run.id] for task in work)
    assert failed.outcome is Outcome.FAILED
    assert failed.reason is not None
    assert failed.reason.startswith("ZeroDivisionError: the loss (traceback: ")
    assert "has no scale" in (tmp_path / "0" / "traceback.txt").read_text()
    assert passed.outcome is Outcome.COMPLETED
    assert len(pids) == 1


def test_fit_that_cannot_be_imported_fails_the_run(engine: Make, tmp_path: Path) -> None:
    listener = Listener()
    with engine("fit", module="no_such_module") as running:
        running.run(tasks(tmp_path, 1), listener)
    (result,) = listener.results.values()
    assert result.outcome is Outcome.FAILED
    assert "no_such_module" in (result.reason or "")


def test_stop_interrupts_what_runs_and_starts_nothing_else(engine: Make, tmp_path: Path) -> None:
    work, listener = tasks(tmp_path, 3, epochs=1000), Listener()
    with engine("slow") as running:
        running.run(work, listener, lambda: bool(listener.of(Progress)))
    assert [result.outcome for result in listener.results.values()] == [Outcome.INTERRUPTED]
    assert len(listener.of(Started)) == 1


def test_run_that_does_not_stop_is_killed_after_the_grace(engine: Make, tmp_path: Path) -> None:
    listener = Listener()
    with engine("deaf", grace=0.2) as running:
        running.run(tasks(tmp_path, 2), listener, lambda: bool(listener.of(Progress)))
    (result,) = listener.results.values()
    assert result.outcome is Outcome.INTERRUPTED
    assert re.search("SIGKILL|was killed", result.reason or "")


def test_prune_ends_running_and_waiting_runs(engine: Make, tmp_path: Path) -> None:
    work = tasks(tmp_path, 2, epochs=1000)

    def prune(event: Event) -> None:
        if isinstance(event, Progress):
            for task in work:
                running.prune(task.run.id, "the other is better")

    listener = Listener(prune)
    with engine("slow") as running:
        running.run(work, listener)
    results = listener.results.values()
    assert [result.outcome for result in results] == [Outcome.PRUNED, Outcome.PRUNED]
    assert {result.reason for result in results} == {"the other is better"}


def test_submitted_task_runs_in_the_same_call(engine: Make, tmp_path: Path) -> None:
    first, second = tasks(tmp_path, 2)

    def more(event: Event) -> None:
        if isinstance(event, Ended) and event.result.run == first.run.id:
            running.submit(second)

    listener = Listener(more)
    with engine("quick") as running:
        running.run([first], listener)
    assert list(listener.results) == [first.run.id, second.run.id]


def test_exception_in_on_event_leaves_no_worker_behind(engine: Make, tmp_path: Path) -> None:
    def full(event: Event) -> None:
        raise OSError("disk full")

    with engine("deaf") as running, pytest.raises(OSError, match="disk full"):
        running.run(tasks(tmp_path, 1), full)
    assert running.processes == ()
