"""Looking again after every seed, with the error kept under 5 %.

Looking at a paired t test after every further seed and stopping once p < 0.05 finds a difference
between equal variants far more often than 5 % of the time. Pocock's group-sequential test
(Biometrika 64, 1977) allows for the looks: one nominal level, the same at every look, so small
that under no difference any look passes it with probability 5 %. His constants hold for a known
variance; at a few seeds it is not known. The path of t statistics over the looks has one
distribution, free of the variance (Jennison and Turnbull, Biometrika 78, 1991), so the exact
constants are read off simulated paths of equal variants instead.

A comparison's evidence is its smallest p value over the looks so far. The probability that equal
variants get below it at any look up to the last is its sequential p value: valid whenever the race
stops, it goes into Holm's adjustment like any other p value (Ye, Li, Liu and Yao, Statistics in
Medicine 32, 2013). Intervals are repeated confidence intervals (Jennison and Turnbull, Journal
of the Royal Statistical Society B 51, 1989): Student's at the nominal level.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from workbench.statistics.facts import Race

PATHS = 400_000
CHUNK = 50_000


def sequential_p(race: Race, smallest: float, rows: int = 2) -> float:
    """The chance that equal variants show a p value of `smallest` or less at any look.

    Counted among simulated paths, itself counted among them, so that it is never too small
    (Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010).
    The variance is pooled over `rows`; of two, it is that of their difference.
    """
    minima = null_minima(race.least, race.most, rows)
    return float((np.searchsorted(minima, smallest, side="right") + 1) / (len(minima) + 1))


def nominal_level(race: Race, level: float, rows: int = 2) -> float:
    """The level at every look that makes `level` over all looks."""
    minima = null_minima(race.least, race.most, rows)
    return float(minima[max(int(level * (len(minima) + 1)) - 2, 0)])


@lru_cache(maxsize=16)
def null_minima(least: int, most: int, rows: int = 2) -> NDArray[np.float64]:
    """Smallest p value over the looks at `least`..`most` pairs, ascending, of equal variants."""
    generator = np.random.default_rng(1977)
    parts = []
    for _ in range(PATHS // CHUNK):
        differences = generator.standard_normal((CHUNK, most))
        others = generator.chisquare(max(rows - 2, 1), (CHUNK, most - 1)) if rows > 2 else None
        parts.append(look_p(differences, least, others, rows).min(-1))
    minima: NDArray[np.float64] = np.sort(np.concatenate(parts))
    minima.flags.writeable = False
    return minima


def look_p(
    differences: NDArray[np.float64],
    least: int,
    others: NDArray[np.float64] | None = None,
    rows: int = 2,
) -> NDArray[np.float64]:
    """(paths, n) paired differences to the p values of looks `least`..n, (paths, n - least + 1).

    `others` (paths, n - 1) is what each further seed adds to the sum of squares from the other
    rows, in units of the variance of a difference: chi-square with `rows` - 2 degrees of freedom.
    """
    n = np.arange(1, differences.shape[-1] + 1)
    total = differences.cumsum(-1)
    squares = (differences**2).cumsum(-1) - total**2 / n
    if others is not None:
        squares[..., 1:] += others.cumsum(-1)
    keep = slice(least - 1, None)
    freedom = (rows - 1) * (n[keep] - 1)
    variance = np.maximum(squares[..., keep], 1e-300) / freedom
    t = total[..., keep] / np.sqrt(variance * n[keep])
    p: NDArray[np.float64] = 2 * special.stdtr(freedom, -np.abs(t))
    return p
