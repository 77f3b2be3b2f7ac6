import math

import pytest
import torch

from workbench.config import Outcome
from workbench.train import monitor
from workbench.train.monitor import Halt, Losses, Pace


def test_mean_is_over_images() -> None:
    losses = Losses(every=1)
    losses.start_epoch()
    losses.add(1, torch.tensor(1.0), images=3)
    losses.add(2, torch.tensor(5.0), images=1)
    assert (losses.mean, losses.last) == (2.0, 5.0)
    losses.start_epoch()
    losses.add(3, torch.tensor(7.0), images=2)
    assert losses.mean == 7.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_losses_read_late_still_name_the_step(bad: float) -> None:
    losses = Losses(every=4)
    losses.start_epoch()
    for step, value in enumerate((2.0, 1.5, bad), start=1):
        losses.add(step, torch.tensor(value), images=1)
    with pytest.raises(Halt) as caught:
        losses.add(4, torch.tensor(math.nan), images=1)
    assert (caught.value.outcome, caught.value.step) == (Outcome.DIVERGED, 3)
    assert caught.value.reason == (
        f"training loss is {bad} at step 3; the last finite training loss was 1.5 at step 2"
    )


def test_reading_takes_what_is_pending() -> None:
    losses = Losses(every=100)
    losses.start_epoch()
    losses.add(1, torch.tensor(4.0), images=1)
    assert losses.last is None
    losses.read()
    assert losses.last == 4.0


def test_pace_leaves_out_the_start_and_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(monitor, "perf_counter", lambda: now)
    pace = Pace(torch.device("cpu"), steps=5)
    assert pace.images_per_second is None
    for seconds in ([9.0, 9.0, 9.0, 1.0, 1.0], [9.0, 0.5, 0.5, 0.5, 0.5]):
        for index, duration in enumerate(seconds):
            now += duration
            pace.step(index, images=10)
        now += 100.0  # the test
    assert pace.images_per_second == pytest.approx((2 * 10 + 4 * 10) / (2.0 + 2.0))


def test_pace_of_epochs_of_one_step_is_unknown() -> None:
    pace = Pace(torch.device("cpu"), steps=1)
    pace.step(0, 10)
    pace.step(0, 10)
    assert pace.images_per_second is None
