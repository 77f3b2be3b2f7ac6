"""What is the local engine's own; what holds for every engine is in test_engine.py."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.config import Outcome, Progress
from workbench.engine import LocalEngine, Resources, Setup, may_fork
from workbench.engine.local import _environment

from .listening import Listener, begin_elsewhere, gone, tasks
from .standins import NAME


def test_each_worker_has_its_gpu(tmp_path: Path) -> None:
    shares = Resources(2, threads=1, gpus=("4", "6"))
    listener = Listener()
    with LocalEngine(shares, Setup(f"{NAME}:facts")) as local:
        local.run(tasks(tmp_path, 2), listener)
    assert {dict(result.details)["gpus"] for result in listener.results.values()} == {"4", "6"}


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

    with LocalEngine(Resources(1, 1), Setup(f"{NAME}:deaf")) as local:
        local.run(tasks(tmp_path, 1), listener, stop)
    (result,) = listener.results.values()
    assert (result.outcome, result.reason) == (Outcome.INTERRUPTED, reason)


HOLDING = f"""
from pathlib import Path
from tests.engine.listening import Listener, tasks
from workbench.engine import LocalEngine, Resources, Setup
with LocalEngine(Resources(1, 1), Setup("{NAME}:holding")) as local:
    local.run(tasks(Path(FOLDER), 1), Listener())
"""


@pytest.mark.slow
def test_semaphores_of_killed_workers_go_without_a_word(tmp_path: Path) -> None:
    script = HOLDING.replace("FOLDER", repr(str(tmp_path)))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


AHEAD = f"""
from pathlib import Path
from tests.engine.listening import Listener, tasks
from workbench.engine import LocalEngine, Resources, Setup, import_ahead, local

local.AHEAD = ("torch",)
import_ahead()
listener = Listener()
for part in (range(2), range(2, 3)):  # a second engine has workers of the same origin
    with LocalEngine(Resources(2, threads=1), Setup("{NAME}:facts"), forked=True) as engine:
        engine.run([tasks(Path(FOLDER), 3)[index] for index in part], listener)
facts = [dict(result.details) for result in listener.results.values()]
print(len({{each["pid"] for each in facts}}), {{each["torch"] for each in facts}})
print({{each["threads"] for each in facts}})
"""


@pytest.mark.slow
def test_forked_workers_begin_with_what_was_imported_ahead(tmp_path: Path) -> None:
    script = AHEAD.replace("FOLDER", repr(str(tmp_path)))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 {True}\n{'1'}\n", "")


SLOW_AHEAD = """
from workbench.engine import import_ahead, local

local.AHEAD = ("tests.engine.slow_import",)
import_ahead()
"""


def test_what_imports_ahead_holds_no_pipe(tmp_path: Path) -> None:
    """The output ends, by that of the caller, while a module is still being imported."""
    there = {**os.environ, "SLOW_IMPORT": str(tmp_path / "go on")}
    done = subprocess.run(
        [sys.executable, "-c", SLOW_AHEAD], capture_output=True, text=True, env=there
    )
    (tmp_path / "go on").touch()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_forked_workers_leave_when_their_parent_is_killed(tmp_path: Path) -> None:
    engine = f"LocalEngine(Resources(2, 1), Setup({NAME + ':deaf'!r}), forked=True)"
    parent, pids = begin_elsewhere(tmp_path, engine, workers=2)
    parent.kill()
    parent.wait()
    assert gone(pids)


@pytest.mark.parametrize(
    ("shares", "system", "may"),
    [
        (Resources(2, 1), "linux", True),
        (Resources(2, 1), "darwin", False),
        (Resources(2, 1, gpus=("0",)), "linux", False),
        (Resources(2, 1, gpu_each=True), "linux", False),
    ],
)
def test_where_workers_may_be_forked(
    monkeypatch: pytest.MonkeyPatch, shares: Resources, system: str, may: bool
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert may_fork(shares) is may


def test_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with _environment({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}):
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "5"
    assert "MKL_NUM_THREADS" not in os.environ


def test_workers_leave_when_their_parent_is_killed(tmp_path: Path) -> None:
    engine = f"LocalEngine(Resources(2, 1), Setup({NAME + ':deaf'!r}))"
    parent, pids = begin_elsewhere(tmp_path, engine, workers=2)
    parent.kill()
    parent.wait()
    assert gone(pids)
