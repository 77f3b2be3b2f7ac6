"""A run that goes on from a checkpoint ends as one that was never stopped."""

import logging
from pathlib import Path

import pytest
import torch

from tests.train.standins import (
    ASKED,
    FAST,
    FULL,
    STEPS,
    StopAfter,
    compare,
    epochs_told,
    fit_tiny,
    run_config,
    small_run,
)
from workbench.config import (
    Outcome,
    Progress,
)
from workbench.models import build
from workbench.train.checkpoint import NAME, load_checkpoint, network_weights, read_saved
from workbench.train.fit import Parts, fit


@pytest.mark.parametrize("steps", [ASKED + 2, 2 * ASKED + STEPS + 1])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path: Path, steps: int) -> None:
    whole: list[Progress] = []
    fit_tiny(tmp_path / "whole", FULL, told=whole)
    told: list[Progress] = []
    stopped = fit_tiny(tmp_path / "parts", FULL, StopAfter(steps), told)
    assert stopped.outcome is Outcome.INTERRUPTED
    before = len(epochs_told(told))
    assert 0 < before < FULL.epochs
    assert len(read_saved(tmp_path / "parts" / NAME).records) == before
    torch.rand(5)
    told.clear()  # as if whoever listened had been killed: the checkpoint has them too
    resumed = fit_tiny(tmp_path / "parts", FULL, told=told)
    assert resumed.outcome is Outcome.COMPLETED
    compare(tmp_path / "whole", tmp_path / "parts")
    clock = {"seconds": 0.0}
    assert [record.model_copy(update=clock) for record in epochs_told(told)] == [
        record.model_copy(update=clock) for record in epochs_told(whole)
    ]
    assert resumed.step == FULL.epochs * STEPS


def test_resuming_many_times_equals_uninterrupted(tmp_path: Path) -> None:
    fit_tiny(tmp_path / "whole", FULL)
    for _ in range(FULL.epochs):
        result = fit_tiny(tmp_path / "parts", FULL, StopAfter(ASKED + 1))
    assert result.outcome is Outcome.COMPLETED
    compare(tmp_path / "whole", tmp_path / "parts")


def test_a_checkpoint_only_every_few_epochs(tmp_path: Path) -> None:
    sparse = FULL.model_copy(update={"checkpoint_every": 2})
    fit_tiny(tmp_path, sparse, StopAfter(3 * ASKED + 2))
    assert [record.epoch for record in read_saved(tmp_path / NAME).records] == [0, 1]
    told: list[Progress] = []
    fit_tiny(tmp_path, sparse, told=told)
    assert [record.epoch for record in epochs_told(told)] == [0, 1, 2, 3, 4]
    assert len(read_saved(tmp_path / NAME).records) == 5


def test_a_finished_run_is_not_trained_again_and_tells_its_epochs(tmp_path: Path) -> None:
    told_first: list[Progress] = []
    first = fit_tiny(tmp_path, FAST, told=told_first)
    told: list[Progress] = []

    def never(run: object, device: object) -> Parts:
        raise AssertionError("built again")

    again = fit(run_config(FAST), tmp_path, told.append, "cpu", parts=never)
    assert epochs_told(told) == epochs_told(told_first)
    assert [each.steps for each in told] == [STEPS] * FAST.epochs
    clock = {"seconds": 0.0}
    assert again.model_copy(update=clock) == first.model_copy(update=clock)


def test_stopping_before_the_first_checkpoint(tmp_path: Path) -> None:
    result = fit_tiny(tmp_path, FAST, StopAfter(2))
    assert (result.outcome, result.step) == (Outcome.INTERRUPTED, 2)
    assert result.reason
    assert result.top1 is None
    assert not list(tmp_path.iterdir())


def test_another_runs_checkpoint_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit_tiny(tmp_path, FULL)
    with caplog.at_level(logging.WARNING):
        result = fit_tiny(tmp_path, FAST)
    assert result.outcome is Outcome.COMPLETED
    assert "belongs to another run" in caplog.text
    assert "belongs to another run" in str(dict(result.details)["refused_checkpoint"])
    assert (tmp_path / f"{NAME}.refused").exists()


def test_a_truncated_checkpoint_is_set_aside_and_the_run_starts_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit_tiny(tmp_path / "whole", FULL)
    fit_tiny(tmp_path / "cut", FULL, StopAfter(2 * ASKED + 1))
    path = tmp_path / "cut" / NAME
    path.write_bytes(path.read_bytes()[:-200])
    result = fit_tiny(tmp_path / "cut", FULL)
    assert result.outcome is Outcome.COMPLETED
    assert str(path) in caplog.text
    compare(tmp_path / "whole", tmp_path / "cut")


def test_a_cmt_on_digits_resumes_bit_for_bit(tmp_path: Path) -> None:
    run = small_run("dropout=0.1", "drop_path=0.2")
    whole = fit(run, tmp_path / "whole", lambda progress: None, "cpu")
    stopped = fit(run, tmp_path / "parts", lambda progress: None, "cpu", StopAfter(3))
    assert (stopped.outcome, len(read_saved(tmp_path / "parts" / NAME).records)) == (
        Outcome.INTERRUPTED,
        1,
    )
    resumed = fit(run, tmp_path / "parts", lambda progress: None, "cpu")
    assert whole.outcome is resumed.outcome is Outcome.COMPLETED
    compare(tmp_path / "whole", tmp_path / "parts")
    build(run.spec).load_state_dict(network_weights(load_checkpoint(tmp_path / "parts" / NAME)))
