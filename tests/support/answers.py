"""A stand-in for training that leaves evidence of every test image."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.fits import Emit, ShouldStop, quick, rated
from tests.support.sweeps import options
from workbench.config import Result, RunConfig
from workbench.runs.sweep import SweepOptions
from workbench.train.evidence import Evidence, write_evidence

IMAGES = 50
LABELS = np.arange(IMAGES) % 10


def answering(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`quick`, with evidence whose share of right answers is its top-1."""
    return _answered(run, folder, quick(run, folder, emit, device, should_stop))


def rated_answering(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`rated`, likewise."""
    return _answered(run, folder, rated(run, folder, emit, device, should_stop))


def _answered(run: RunConfig, folder: Path, result: Result) -> Result:
    assert result.top1 is not None
    right = round(result.top1 * IMAGES / 100)
    answer(run, folder, right)
    return result.model_copy(update={"top1": 100 * right / IMAGES})


def answer(run: RunConfig, folder: Path, right: int, test_set: str = "the one") -> None:
    random = np.random.default_rng([run.seed, right])
    correct = random.permutation(np.arange(IMAGES) < right)
    loss = random.exponential(size=IMAGES).astype(np.float16)
    write_evidence(folder, Evidence(run.id, test_set, LABELS, correct, loss))


def answered(fit: str = "answering", **fields: Any) -> SweepOptions:
    return replace(options(**fields), fit=f"{__name__}:{fit}")
