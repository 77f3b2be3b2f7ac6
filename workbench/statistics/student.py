"""The paired t test of one row, its interval by resampling, and what it could have seen.

Top-1 counts images, so that its steps are 100 / n of n test images. Where seeds vary by less than a
step they give the same counts again and again, and the spread of the differences understates what
is known. The standard error of a mean difference is therefore never taken to be less than that of
the difference of two rounded numbers, step / sqrt(6) (Sheppard, Proceedings of the London
Mathematical Society 29, 1898: step^2 / 12 for each). It is not divided by the number of seeds: a
rounding that repeats does not average out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from workbench.statistics.comparison import LEVEL, POWER, RESOLUTION, Interval

RESAMPLES = 10_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Student:
    """Paired t tests along the last axis; NaN where n < 2 or the spread is unknown, p is then 1."""

    n: int
    mean: Floats
    sd: Floats
    error: Floats  # the standard error of the mean, as tested
    low: Floats
    high: Floats
    p: Floats


def rounding_error(images: int | None, weights: ArrayLike = (1, -1)) -> float:
    """The least standard error of a weighted sum of top-1 that count `images` images.

    In percentage points; 0 where the number of images is unknown. The weights are those of a
    difference unless they are given.
    """
    return float(100 / images / np.sqrt(12) * np.linalg.norm(weights)) if images else 0.0


def student(
    differences: ArrayLike, level: float = LEVEL, least: float = 0.0, finest: float = RESOLUTION
) -> Student:
    """Mean, sample standard deviation, two-sided interval and p value of paired differences.

    `differences` is (..., n), in the unit of the metric; `least` is the least standard error of
    their mean (see `rounding_error`). Without one, differences that are alike to within `finest`
    leave the spread unknown: no interval, and p = 1 rather than 0.
    """
    values = np.asarray(differences, dtype=np.float64)
    n = values.shape[-1]
    if n == 0:
        raise ValueError("no differences")
    mean = values.mean(-1)
    blank = np.full_like(mean, np.nan)
    if n == 1:
        return Student(1, mean, blank, blank, blank, blank, np.ones_like(mean))
    sd = values.std(-1, ddof=1)
    known = sd > finest
    error = np.maximum(np.where(known, sd, 0.0) / np.sqrt(n), least)
    error = np.where(error > 0, error, np.nan)
    p = np.where(error > 0, 2 * special.stdtr(n - 1, -np.abs(mean) / error), 1.0)
    half = special.stdtrit(n - 1, 1 - level / 2) * error
    return Student(n, mean, sd, error, mean - half, mean + half, p)


def detectable(error: float, n: int, level: float) -> float:
    """The smallest effect that `n` paired seeds detect, in the units of `error`.

    The true difference that the two-sided paired t test finds with 80 % power (Cohen, Statistical
    Power Analysis, 2nd ed. 1988, ch. 2; by the noncentral t distribution) at `level`: in a plan,
    5 % divided by the number of comparisons, Holm's first step. The standard error `error` of the
    mean is taken as observed; the observed mean plays no part.
    """
    critical = special.stdtrit(n - 1, 1 - level / 2)
    return float(special.nctdtrinc(n - 1, 1 - POWER, critical) * error)


def bootstrap(
    differences: Sequence[float],
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
    finest: float = RESOLUTION,
) -> Interval | None:
    """Expanded percentile bootstrap interval of the mean (Hesterberg, The American Statistician
    69, 2015, section 5.3), which undoes the narrowness of the plain one at small n.

    It cannot leave the range of the data, so below about ten seeds trust Student's interval: the
    range of 3 seeds holds the true mean only 75 % of the time. None where the spread is unknown.
    """
    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    if n < 2 or values.std(ddof=1) <= finest:
        return None
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n))
    tail = special.ndtr(np.sqrt(n / (n - 1)) * special.stdtrit(n - 1, level / 2))
    low, high = np.quantile(values[drawn].mean(-1), [tail, 1 - tail])
    return Interval(float(low), float(high))
