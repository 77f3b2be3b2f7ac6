"""The estimate of a training step's memory against a measurement on the CPU."""

import pytest

from workbench.cost import closed_form
from workbench.cost.memory import measure_training_memory, training_memory
from workbench.models import build, spec

SAVED, PEAK = 0.10, 0.20  # tolerated errors; kernels' own workspace is not in the estimate
RELU = 0.20  # of VOLO's stem: a ReLU keeps its output, which the next operator keeps anyway

NETWORKS = [
    ("cmt_digits", (), 64, SAVED),
    ("cmt_digits", ("position=none", "lpu=none"), 64, SAVED),
    ("four_stage_digits", ("norm=bn",), 64, SAVED),
    ("columnar_digits", (), 64, SAVED),
    ("cmt_cifar", (), 16, SAVED),
    ("four_stage_cifar", ("drop_path=0.2",), 16, SAVED),
    ("cmt_ti", (), 2, SAVED),
    ("deit_ti", (), 2, SAVED),
    ("levit_128s", (), 4, SAVED),
    ("volo_d1", ("depth=[1,1,1,1]",), 2, RELU),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "overrides", "batch", "tolerance"), NETWORKS)
def test_the_estimate_is_near_the_measurement(
    name: str, overrides: tuple[str, ...], batch: int, tolerance: float
) -> None:
    made = spec(name, *overrides)
    estimate = training_memory(closed_form(made), batch, made)
    measured = measure_training_memory(build(made), made.channels, made.resolution, batch)
    assert estimate.saved == pytest.approx(measured.saved, rel=tolerance)
    assert estimate.peak == pytest.approx(measured.peak, rel=PEAK)


def test_the_parts_of_the_estimate() -> None:
    made = spec("cmt_digits")
    cost = closed_form(made)
    one, two = (training_memory(cost, batch, made) for batch in (1, 2))
    assert two.activations == 2 * one.activations
    assert one.weights == one.gradients == 4 * cost.params
    assert one.optimiser == 8 * cost.params
    assert one.peak == 12 * cost.params + max(one.activations, 4 * cost.params)


def test_a_learned_bias_keeps_the_attention_weights() -> None:
    made, without = spec("cmt_digits"), spec("cmt_digits", "position=none")
    cost = closed_form(made)
    difference = training_memory(cost, 1, made).saved - training_memory(cost, 1, without).saved
    assert difference == 4 * cost.scores > 0
