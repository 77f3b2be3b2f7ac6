"""A loss that is not finite ends the run, and says where."""

import math
from pathlib import Path

import pytest
import torch

from tests.train.standins import (
    BATCH,
    STEPS,
    HeldOut,
    Stream,
    Tiny,
    epochs_told,
    fit_tiny,
    run_config,
)
from workbench.config import (
    Optimiser,
    Outcome,
    Progress,
    Recipe,
    Schedule,
)
from workbench.train.checkpoint import NAME
from workbench.train.fit import Parts, fit


@pytest.mark.parametrize("bad", [0, 9])
def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path, bad: int) -> None:
    stream = Stream(1, spoil=bad)
    told: list[Progress] = []
    result = fit(
        run_config(),
        tmp_path,
        told.append,
        "cpu",
        parts=lambda run, device: Parts(Tiny(1), stream, HeldOut()),
    )
    assert result.outcome is Outcome.DIVERGED
    assert result.step == bad + 1
    assert stream.served == bad + 1
    assert result.reason is not None
    assert f"training loss is nan at step {bad + 1}" in result.reason
    last = dict(result.details)["last_finite_loss"]
    assert (last is None) if bad == 0 else math.isfinite(float(last or "nan"))
    assert len(epochs_told(told)) == bad // STEPS


def test_a_learning_rate_without_bound_diverges(tmp_path: Path) -> None:
    wild = Recipe(
        epochs=3,
        batch_size=BATCH,
        optimiser=Optimiser(name="momentum", lr=1e30),
        schedule=Schedule(name="constant"),
    )
    result = fit_tiny(tmp_path, wild)
    assert result.outcome is Outcome.DIVERGED
    assert result.step is not None
    assert result.step < 3 * STEPS


def test_a_test_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    test = HeldOut()
    test.images[-1] = torch.nan
    told: list[Progress] = []
    result = fit(
        run_config(),
        tmp_path,
        told.append,
        "cpu",
        parts=lambda run, device: Parts(Tiny(1), Stream(1), test),
    )
    assert (result.outcome, result.step) == (Outcome.DIVERGED, STEPS)
    assert result.reason is not None
    assert "test loss is nan" in result.reason
    assert not epochs_told(told)
    assert not (tmp_path / NAME).exists()
