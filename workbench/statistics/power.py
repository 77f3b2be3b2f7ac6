"""What a plan can see, before it runs: smallest differences, seeds for a difference, budgets.

A plan's spread is known from earlier runs, or bounded from the size of its test set alone: with a
top-1 of a the images explain at most a (1 - a) / n of a run's variance, and that much where every
image is as likely as another to be right. Real differences between runs come on top, so what is
told from the test set alone is the least that can be hoped for.
"""

import numpy as np
from scipy import special

from workbench.statistics import variance
from workbench.statistics.comparison import LEVEL, POWER

MOST_SEEDS = 1000


def detectable_t(error: float, freedom: float, floor: float, level: float) -> float:
    """The smallest true difference that a two-sided test at `level` finds with 80 % power.

    `error` is the standard error of the difference, `floor` the known share of its square.
    """
    critical = variance.critical(level, freedom, floor)
    if freedom > 1e4:
        return float((critical + special.ndtri(POWER)) * error)
    return float(special.nctdtrinc(freedom, 1 - POWER, critical) * error)


def chance_of_verdict(
    mean: float, error: float, seeds: int, most: int, freedom: float, level: float
) -> float:
    """The chance that a difference of `mean`, known to `error` from `seeds`, is decided at `most`.

    What further seeds will say is foretold from what is seen, the truth being as uncertain as it is
    (predictive power: Spiegelhalter, Freedman and Blackburn, Controlled Clinical Trials 7, 1986).
    """
    if seeds >= most:
        return 0.0
    final = error * np.sqrt(seeds / most)
    spread = error * np.sqrt((most - seeds) / most)
    critical = special.stdtrit(min(freedom * most / seeds, 1e6), 1 - level / 2)
    return float(special.ndtr((abs(mean) - critical * final) / spread))


def images_variance(top1: float, images: int) -> float:
    """The most that `images` test images explain of a run's variance, in squared points.

    `top1` is in percent.
    """
    share = top1 / 100
    return 1e4 * share * (1 - share) / images


def smallest_difference(
    run_variance: float, seeds: int, rows: int, comparisons: int | None = None, known: float = 0.0
) -> float | None:
    """The smallest difference that a plan sees in 80 of 100 cases, in points; None with one seed.

    `run_variance` is that of one run, without what runs of one seed have in common, and `known` the
    part of it that images explain, in squared points. `rows` counts the baseline. Differences are
    tested at Holm's first step: 5 % over the number of comparisons.
    """
    if seeds < 2 or rows < 2:
        return None
    freedom = (rows - 1) * (seeds - 1)
    floor = variance.FLOOR_SHARE * known / run_variance if run_variance else 0.0
    error = np.sqrt(2 * run_variance / seeds)
    return detectable_t(float(error), freedom, floor, LEVEL / (comparisons or rows - 1))


def seeds_for(
    difference: float, run_variance: float, rows: int, comparisons: int | None = None,
    known: float = 0.0,
) -> int | None:  # fmt: skip
    """The seeds with which a plan sees `difference` in 80 of 100 cases; None above MOST_SEEDS."""

    def seen(seeds: int) -> bool:
        least = smallest_difference(run_variance, seeds, rows, comparisons, known)
        return least is not None and least <= difference

    if not seen(MOST_SEEDS):
        return None
    low, high = 1, 2  # `low` does not see it, `high` does
    while not seen(high):
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def seeds_needed(
    difference: float, difference_variance: float, rows: int, comparisons: int
) -> int | None:
    """`seeds_for` from the variance of the difference of two runs."""
    return seeds_for(difference, difference_variance / 2, rows, comparisons)


def seeds_of_budget(hours: float, run_hours: float, rows: int) -> int:
    """How many seeds of every row fit into `hours` of one worker."""
    return int(hours / (run_hours * rows))


def resolution(images: int) -> float:
    """The smallest difference that the test set can show at all: one image, in points."""
    return 100 / images
