"""Sweeps lose nothing that was done, whatever ends them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import fits
from tests.support import sweeps as standins
from tests.support.checks import outcomes, refused, start, trained_epochs
from tests.support.sweeps import options, plan, quiet, said
from workbench.config import Outcome
from workbench.errors import InputError
from workbench.runs.folder import LEDGER, run_folder
from workbench.runs.ledger import Ledger
from workbench.runs.results import load_sweep
from workbench.runs.rows import StoredRun
from workbench.runs.sweep import run_sweep

SWEEP = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from rich.console import Console
from {module} import options
from workbench.engine import LOCAL
from workbench.plans.resolution import Plan
from workbench.runs.sweep import run_sweep

if __name__ == "__main__":
    plan = Plan.model_validate_json({plan!r})
    given = options(where=LOCAL, command="workbench ablate path")
    done = run_sweep(plan, Path({folder!r}), given, Console(width=200))
    sys.exit(done.exit_code)
"""


def begun(folder: Path, epoch_seconds: float) -> "subprocess.Popen[str]":
    written = plan().model_dump_json()  # to resolve it, the process would have to import torch
    module = standins.__name__
    script = SWEEP.format(path=sys.path, module=module, plan=written, folder=str(folder))
    return start(script, folder, epoch_seconds)


def wait_for(folder: Path, condition: Callable[[tuple[StoredRun, ...]], bool]) -> None:
    """Until the ledger of the sweep that runs says so."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (folder / LEDGER).exists():
            try:
                with Ledger.read(folder / LEDGER, "path") as ledger:
                    if condition(ledger.runs(curves=True)):
                        return
            except InputError:  # it is just being made
                pass
        time.sleep(0.02)
    raise AssertionError("the sweep did not get there")


def under_way(runs: tuple[StoredRun, ...]) -> bool:
    """Two runs have ended, and another is through its first epoch."""
    ended = sum(run.final for run in runs)
    return ended >= 2 and any(run.curve and run.status == "running" for run in runs)


@pytest.mark.slow
def test_sweep_killed_outright_loses_no_finished_run_and_resumes(folder: Path) -> None:
    sweep = begun(folder, 0.15)
    wait_for(folder, under_way)
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.wait()
    with Ledger.read(folder / LEDGER) as ledger:
        before = {run.id: run for run in ledger.runs()}
    finished = {run for run, found in before.items() if found.final}
    assert len(finished) >= 2
    console = quiet()
    resumed = run_sweep(plan(), folder, options(), console)
    assert "cut off when a sweep was killed" in said(console)
    assert outcomes(resumed) == [Outcome.COMPLETED] * 6
    assert resumed.trained == 6 - len(finished)
    assert all(found == before[found.id] for found in resumed.runs if found.id in finished)
    assert [len(found.curve) for found in load_sweep(folder).runs] == [3] * 6
    assert list(trained_epochs(folder).values()) == [["0", "1", "2"]] * 6


@pytest.mark.parametrize("epochs", [1, 3])
def test_epochs_that_a_killed_driver_never_heard_of_are_in_the_curve(
    folder: Path, epochs: int
) -> None:
    """The worker's checkpoint comes before the driver's commit: of some of a run, or of all."""
    run = plan().runs()[0]
    asked = iter([False] * epochs + [True])
    place = run_folder(folder, run)
    place.mkdir(parents=True)
    fits.quick(run, place, lambda _: None, should_stop=lambda: next(asked, True))
    done = run_sweep(plan(), folder, options(jobs=1, only=(run.variant,)), quiet())
    assert done.left == 0
    curves = [len(found.curve) for found in load_sweep(folder).runs if found.variant == run.variant]
    assert curves == [3, 3]
    assert trained_epochs(folder)[place.name] == ["0", "1", "2"]


@pytest.mark.slow
def test_ctrl_c_marks_what_ran_and_says_how_to_go_on(folder: Path) -> None:
    sweep = begun(folder, 0.15)
    wait_for(folder, under_way)
    os.killpg(sweep.pid, signal.SIGINT)  # as a terminal does: to the workers too
    output, _ = sweep.communicate(timeout=120)
    assert sweep.returncode == 130
    assert "Traceback" not in output
    assert "give the same command again: workbench ablate path" in output.splitlines()[-1]
    with Ledger.read(folder / LEDGER) as ledger:
        statuses = [run.status for run in ledger.runs()]
    assert "interrupted" in statuses
    assert "running" not in statuses
    resumed = run_sweep(plan(), folder, options(), quiet())
    assert outcomes(resumed) == [Outcome.COMPLETED] * 6
    assert list(trained_epochs(folder).values()) == [["0", "1", "2"]] * 6


@pytest.mark.slow
def test_second_ctrl_c_does_not_wait(folder: Path) -> None:
    sweep = begun(folder, 60)
    wait_for(folder, lambda runs: any(run.status == "running" for run in runs))
    assert sweep.stdout is not None
    os.killpg(sweep.pid, signal.SIGINT)
    while "Stopping" not in sweep.stdout.readline():
        pass
    os.killpg(sweep.pid, signal.SIGINT)
    sweep.communicate(timeout=120)
    assert sweep.returncode == 130
    with Ledger.read(folder / LEDGER) as ledger:
        found = ledger.runs(curves=True)
    assert {run.status for run in found} == {"interrupted", "pending"}
    assert not any(run.curve for run in found)  # not even the epoch under way was waited for


@pytest.mark.slow
def test_ledger_that_fills_up_ends_the_sweep_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Ledger.end
    ends: list[str] = []

    def full_at_the_third(self: Ledger, result: Any) -> None:
        ends.append(result.run)
        if len(ends) == 3:
            raise InputError("ledger: the disk is full")
        real(self, result)

    monkeypatch.setattr(Ledger, "end", full_at_the_third)
    refused(lambda: run_sweep(plan(), folder, options(), quiet()), "the disk is full")
    monkeypatch.setattr(Ledger, "end", real)
    resumed = run_sweep(plan(), folder, options(), quiet())
    assert outcomes(resumed) == [Outcome.COMPLETED] * 6
    assert resumed.trained == 4
    assert list(trained_epochs(folder).values()) == [["0", "1", "2"]] * 6
