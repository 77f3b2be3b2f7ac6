"""What a plan can see, before it runs: smallest differences, seeds for a difference, budgets.

A plan's spread is known from earlier runs, or bounded from the size of its test set alone: with a
top-1 of a the images explain at most a (1 - a) / n of a run's variance, and that much where every
image is as likely as another to be right. Real differences between runs come on top, so what is
told from the test set alone is the least that can be hoped for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from workbench.statistics import difference, sequential
from workbench.statistics.comparison import LEVEL, POWER
from workbench.statistics.facts import Race

MOST_SEEDS = 1000
_SHARES = (np.arange(1000) + 0.5) / 1000


def detectable_t(error: float, freedom: float, floor: float, level: float) -> float:
    """The smallest true difference that a two-sided test at `level` finds with 80 % power.

    `error` is the standard error of the difference, `floor` the known share of its square.
    """
    critical = difference.critical(level, freedom, floor)
    if freedom > 1e4:
        return float((critical + special.ndtri(POWER)) * error)
    # The noncentral t distribution by its mixture of normals: scipy's inverse of it does not come
    # to an end for some critical values that are large.
    spread = critical * np.sqrt(special.chdtri(freedom, 1 - _SHARES) / freedom)
    low, high = 0.0, critical * 20 + 10
    for _ in range(60):
        middle = (low + high) / 2
        found = float(special.ndtr(middle - spread).mean())
        low, high = (middle, high) if found < POWER else (low, middle)
    return high * error


def chance_of_verdict(
    mean: ArrayLike,
    error: ArrayLike,
    seeds: ArrayLike,
    most: int,
    freedom: ArrayLike,
    level: ArrayLike,
) -> NDArray[np.float64]:
    """The chance that a difference of `mean`, known to `error` from `seeds`, is decided at `most`.

    What further seeds will say is foretold from what is seen, the truth being as uncertain as it is
    (predictive power: Spiegelhalter, Freedman and Blackburn, Controlled Clinical Trials 7, 1986).
    """
    share = np.minimum(np.asarray(seeds) / most, 1.0)
    final, spread = np.asarray(error) * np.sqrt(share), np.asarray(error) * np.sqrt(1 - share)
    freedom = np.minimum(np.asarray(freedom) / share, 1e6)
    critical = special.stdtrit(freedom, 1 - np.asarray(level) / 2)
    ahead = (np.abs(mean) - critical * final) / np.maximum(spread, 1e-300)
    return np.where(share < 1, special.ndtr(ahead), 0.0)


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a difference of two rows, as far as it is known before they run.

    `run` is the variance of one run, the mean of both rows', without what runs of one seed have in
    common; `known` is the part of it that images explain. `rows` are those whose spread tells it,
    the baseline among them; `comparisons` the tests that are adjusted for. `least` is the least
    standard error of a difference.
    """

    run: float
    rows: int
    comparisons: int
    known: float = 0.0
    least: float = 0.0

    def smallest(self, seeds: int, race: Race | None = None) -> float | None:
        """The smallest difference that is seen in 80 of 100 plans; None with one seed.

        Tested at Holm's first step, 5 % over the number of comparisons; in a race at every look.
        """
        if seeds < 2:
            return None
        freedom = (self.rows - 1) * (seeds - 1)
        floor = difference.FLOOR_SHARE * self.known / self.run if self.run else 0.0
        level = LEVEL / self.comparisons
        level = sequential.nominal_level(race, level, self.rows) if race else level
        error = max(float(np.sqrt(2 * self.run / seeds)), self.least)
        return detectable_t(error, freedom, floor, level)

    def seeds_for(self, difference: float) -> int | None:
        """The seeds that see `difference` in 80 of 100 plans; None above MOST_SEEDS."""

        def seen(seeds: int) -> bool:
            least = self.smallest(seeds)
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
    """The seeds for a difference, from the variance of the difference of two runs."""
    return Noise(difference_variance / 2, rows, comparisons).seeds_for(difference)


def seeds_of_budget(hours: float, run_hours: float, rows: int) -> int:
    """How many seeds of every row fit into `hours` of one worker."""
    return int(hours / (run_hours * rows))


def resolution(images: int) -> float:
    """The smallest difference that the test set can show at all: one image, in points."""
    return 100 / images
