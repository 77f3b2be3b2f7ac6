import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.scheduler import CosineLRScheduler  # type: ignore[attr-defined]

from workbench.config import Optimiser, Schedule
from workbench.train.schedule import learning_rate, peak

PUBLISHED = Schedule(warmup_epochs=20, warmup_lr=1e-7, min_lr=1e-5)


def test_peak_scales_linearly_with_the_batch() -> None:
    assert peak(Optimiser(lr=5e-4, lr_batch=512), 1024) == pytest.approx(1e-3)
    assert peak(Optimiser(lr=5e-4), 1024) == 5e-4


def test_values_written_out() -> None:
    schedule = Schedule(warmup_epochs=2, warmup_lr=0.1, min_lr=0.2)
    rates = [learning_rate(schedule, 1.0, step, 2, 8) for step in range(16)]
    assert rates[:4] == pytest.approx([0.1, 0.325, 0.55, 0.775])
    assert rates[4] == pytest.approx(0.2 + 0.4 * (1 + math.cos(math.pi / 4)))
    assert rates[8] == pytest.approx(0.6)
    assert rates[15] == pytest.approx(0.2 + 0.4 * (1 + math.cos(math.pi * 15 / 16)))


@pytest.mark.parametrize("epoch", [0, 1, 19, 20, 21, 150, 299])
def test_whole_epochs_are_timms(epoch: int) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    theirs = CosineLRScheduler(
        torch.optim.SGD([parameter], lr=1e-3),
        t_initial=300,
        lr_min=PUBLISHED.min_lr,
        warmup_t=20,
        warmup_lr_init=PUBLISHED.warmup_lr,
        cycle_limit=1,
    )._get_lr(epoch)
    assert learning_rate(PUBLISHED, 1e-3, epoch * 7, 7, 300) == pytest.approx(theirs[0], rel=1e-12)


def test_constant_after_warm_up() -> None:
    schedule = Schedule(name="constant", warmup_epochs=1, warmup_lr=0.0)
    assert [learning_rate(schedule, 0.5, step, 2, 4) for step in (0, 1, 2, 7)] == [
        0,
        0.25,
        0.5,
        0.5,
    ]


@given(
    warmup=st.floats(0, 5),
    step=st.integers(0, 299),
    steps=st.integers(1, 50),
)
def test_stays_between_its_ends(warmup: float, step: int, steps: int) -> None:
    schedule = Schedule(warmup_epochs=warmup, warmup_lr=1e-6, min_lr=1e-5)
    rate = learning_rate(schedule, 1e-3, min(step, 6 * steps - 1), steps, 6)
    assert 1e-6 <= rate <= 1e-3
