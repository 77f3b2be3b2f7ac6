"""What tests of sweeps ask and start, whatever the sweep."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.config import Outcome
from workbench.errors import InputError
from workbench.runs.sweep import SweepResult


def outcomes(result: SweepResult) -> list[Outcome | None]:
    return [run.outcome for run in result.runs]


def trained_epochs(folder: Path) -> dict[str, list[str]]:
    """What the stand-in fits wrote down, by the run's folder."""
    found = sorted(folder.glob("runs/*/epochs.txt"))
    return {path.parent.name: path.read_text().split() for path in found}


def refused(call: Callable[[], Any], *parts: str) -> None:
    """`call` is refused in one line that holds `parts`."""
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def start(script: str, beside: Path, epoch_seconds: float) -> "subprocess.Popen[str]":
    """A process of its own group that runs `script`; its epochs last so long."""
    path = beside.parent / "driver.py"
    path.write_text(script)
    return subprocess.Popen(
        [sys.executable, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "WB_EPOCH_SECONDS": str(epoch_seconds)},
        start_new_session=True,
    )
