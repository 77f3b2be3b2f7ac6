"""A small plan that really trains, and its numbers on this machine to hold a cluster's against."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from workbench.config import Outcome
from workbench.runs.results import load_sweep

PLAN = """
name: tiny
kind: list
seeds: [0, 1]
recipe: {epochs: 8, data: {name: synthetic, train_size: 600, test_size: 40}}
rows:
  - {name: small, base: cmt_digits}
  - {name: no LPU, set: lpu=none}
"""
ABLATE = (sys.executable, "-m", "workbench", "ablate", "tiny.yaml", "--device", "cpu", "--no-reuse")


def numbers(folder: Path) -> dict[str, object]:
    """All that was measured, unrounded, but for times."""
    runs = load_sweep(folder).runs
    assert {run.outcome for run in runs} == {Outcome.COMPLETED}
    timeless = {"seconds": 0.0}
    return {
        run.id: (run.top1, run.test_loss, [each.model_copy(update=timeless) for each in run.curve])
        for run in runs
    }


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for it, not for ever."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)


class Sweep:
    """`ablate` of the plan in `place`, by an engine, into the results folder `name`."""

    def __init__(self, place: Path, name: str, *words: str) -> None:
        self.results, self._place = place / name, place
        self._words = [*ABLATE, *words, "--results", name]
        self._log = place / f"{name}.log"
        self._begun: list[subprocess.Popen[str]] = []

    def start(self) -> subprocess.Popen[str]:
        """The command, once or once more."""
        with self._log.open("a") as log:
            driver = subprocess.Popen(
                self._words, cwd=self._place, stdout=log, stderr=log, text=True
            )
        self._begun.append(driver)
        return driver

    def start_and_wait(self) -> subprocess.Popen[str]:
        """Until two runs have checkpoints, each trained by one worker."""
        driver = self.start()
        until(lambda: len(list(self.results.glob("tiny/runs/*/last.ckpt"))) == 2)
        return driver

    def said(self) -> str:
        """By all commands so far."""
        return self._log.read_text()

    def finish(self, driver: subprocess.Popen[str]) -> None:
        """It ends, with the numbers of this machine, and nothing left but results."""
        assert driver.wait(400) == 0, self.said()
        assert numbers(self.results / "tiny") == numbers(self._place / "here" / "tiny")
        assert not list((self.results / "tiny" / "runs").glob(".*"))

    def end(self) -> None:
        """Nothing of it runs any more."""
        for driver in self._begun:
            driver.kill()
            driver.wait()
