"""A smaller grid of `python -m benchmarks.verdicts`, and a replay of made-up runs."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.verdicts.plans import CASES, LOUD, cell, draw
from benchmarks.verdicts.races import fixed_seeds, race, race_plans
from benchmarks.verdicts.replay import real, replayed
from workbench.statistics.facts import Race

PLANS = 4_000  # a rate of 5 % is then off by 0.34 points


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["list", "additive"])
@pytest.mark.parametrize("case", CASES)
def test_verdicts_of_six_rows_and_three_seeds(case: str, kind: str) -> None:
    generator = np.random.default_rng([CASES.index(case), len(kind)])
    shared, own = cell(draw(case, PLANS, 6, 3, generator), kind, generator)
    assert own.false < 0.065
    assert shared.false < (0.075 if case in LOUD else 0.055) + 0.012
    assert shared.power > own.power
    if case not in LOUD:
        assert shared.power > (0.2 if case == "images" else 0.265)
        assert shared.cover >= 0.93
    if case not in (*LOUD, "correlated, unseen"):  # what images do not see makes intervals wider
        assert shared.cover <= 0.975


@pytest.mark.slow
def test_a_replay_finds_more_and_no_more_falsely() -> None:
    """Runs of images that err alone, beside a part of each run that moves all images."""
    generator = np.random.default_rng(0)
    rows, seeds, images = 5, 40, 600
    ability = generator.normal(3, 2, images)
    run = generator.normal(0, 0.25, (rows, seeds, 1))
    right = (generator.random((rows, seeds, images)) < 1 / (1 + np.exp(-ability - run))) * 1.0
    plans = replayed(real(right, right), PLANS, 3, generator)
    every = right.var(1, ddof=1).sum(-1) / images**2 * 1e4
    assert plans.known.mean(0) == pytest.approx(every, rel=0.05)
    shared, own = cell(plans, "list", generator)
    assert shared.false < 0.067
    assert shared.power > 2 * own.power


@pytest.mark.slow
def test_what_images_say_of_two_rows_finds_more_where_seeds_have_something_in_common() -> None:
    """Three of five rows share most of what moves an image; scores of three seeds can't tell."""
    generator = np.random.default_rng(1)
    rows, seeds, images = 5, 40, 600
    ability = generator.normal(2, 1.5, images)

    def drawn(shared: float, own: float, size: int) -> NDArray[np.float64]:
        of_seed = generator.normal(0, shared, (rows, seeds, size))
        of_seed[1:3] = of_seed[0]
        return of_seed + generator.normal(0, own, (rows, seeds, size))

    run, image = drawn(0.25, 0.1, 1), drawn(1.5, 0.6, images)
    logit = ability + run + image
    loss = np.log1p(np.exp(-logit))
    right = (generator.random((rows, seeds, images)) < np.exp(-loss)) * 1.0
    plans = replayed(real(right, loss), PLANS, 3, generator)
    told, own = cell(plans, "list", np.random.default_rng(2))
    untold, _ = cell(replace(plans, together=None), "list", np.random.default_rng(2))
    assert told.power > untold.power + 0.05
    assert told.power > 1.5 * own.power
    assert told.false < 0.067


@pytest.mark.slow
def test_a_race_saves_half_of_the_runs_that_fixed_seeds_take_at_the_same_error() -> None:
    plans, effects = race_plans(400, 7, 24, "list", np.random.default_rng(1))
    power, false, runs = race(plans, effects, "list", Race(2, 15))
    assert power > 0.75
    assert false < 0.08
    assert runs < 0.56 * 7 * fixed_seeds(plans, effects, "list", power)
