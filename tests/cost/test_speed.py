"""Speed: how calls are timed and batches are chosen; no bound on how fast anything is."""

import pytest
import torch
from torch import Tensor, nn

from workbench.cost.speed import BATCHES, _best_batch, measure_speed, spread, time_repeatedly
from workbench.cost.target import target


def test_a_speed_says_what_it_measured() -> None:
    found = target("cmt_digits")
    speed = measure_speed(
        found.build(),
        found.name,
        found.channels,
        found.resolution,
        batch=4,
        device="cpu",
        seconds=0,
    )
    assert (speed.name, speed.resolution, speed.batch) == ("cmt_digits", 8, 4)
    assert speed.images_per_second > 0
    assert speed.latency_ms > 0
    assert speed.threads == torch.get_num_threads()
    assert speed.precision == "32"
    assert speed.device
    assert speed.repeats == 5
    assert speed.to_json()["batch"] == 4


def test_models_run_in_eval_mode_without_gradients_in_channels_last() -> None:
    seen: list[tuple[bool, bool, bool]] = []

    class Watcher(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            strided = x.is_contiguous(memory_format=torch.channels_last)
            seen.append((self.training, torch.is_grad_enabled(), strided))
            return x

    measure_speed(Watcher().train(), "watcher", 3, 8, batch=2, device="cpu", seconds=0)
    assert set(seen) == {(False, False, True)}


def test_calls_are_warmed_up_and_repeated() -> None:
    calls: list[int] = []
    times = time_repeatedly(lambda: calls.append(1), torch.device("cpu"), 0.0, 7)
    assert len(times) == 7
    assert len(calls) == 9


def test_the_budget_buys_more_repetitions() -> None:
    times = time_repeatedly(lambda: sum(range(1000)), torch.device("cpu"), 0.01, 1)
    assert sum(times) >= 0.01
    assert len(times) > 1


@pytest.mark.parametrize(
    ("fixed", "each", "best"), [(0.0, 1.0, 1), (7.0, 1.0, 128), (1e9, 1.0, BATCHES[-1])]
)
def test_batches_are_doubled_while_that_pays(fixed: float, each: float, best: int) -> None:
    assert _best_batch(lambda size: fixed + each * size) == best


def test_one_slow_batch_does_not_end_the_search() -> None:
    def seconds(size: int) -> float:
        return 10.0 if size == 2 else 7.0 + size

    assert _best_batch(seconds) == 128


def test_batches_that_do_not_fit_end_the_search() -> None:
    def seconds(size: int) -> float:
        if size > 4:
            raise torch.OutOfMemoryError
        return 1.0

    assert _best_batch(seconds) == 4


def test_the_spread_is_half_the_interquartile_range() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(1 / 3)
    assert spread([2.0, 2.0, 2.0]) == 0.0
    assert spread([2.0]) == 0.0
