"""A row less another: how far the difference of their means may be off, and its p value.

A row that is louder than the others would get too narrow an interval from them. Each row's spread
is therefore tested against the model (`variance`). One that is too large keeps its own variance,
with its own few degrees of freedom (Welch, Biometrika 34, 1947). The level of the test is set such
that a row with three times the standard deviation of the others goes unnoticed with the chance
MISSED; simulation chose it (`python -m benchmarks.verdicts`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from workbench.statistics.variance import LOUD, TINY, Floats, Model

# The chance that a loud row goes unnoticed, by the number of its seeds. The fewer the seeds, the
# more of the ordinary rows must be tested on their own to keep it so low.
SEEDS_OF_MISSED = (2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
MISSED = (0.28, 0.25, 0.12, 0.04, 0.015, 0.005)
# How much larger real differences are at another level is one formula's word. A row of which it
# says this much or more keeps its own variance far more readily: of such rows that are as the
# formula says, four in ten do. Chosen on replays of `noise_digits`.
FAR, FAR_LEVEL = 1.5, 0.4
# The known part is a floor of the variance, which makes the tails of the test lighter than those of
# Student's t. The share of the floor that is counted, for the true variance is not known.
FLOOR_SHARE = 0.75

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True, slots=True)
class Contrast:
    """A row less another: its mean, and how the mean may be off: error times Student's t.

    `floor` is the known part of the variance, as a share of it. `loud` says which of the two rows
    keeps its own variance.
    """

    mean: Floats
    error: Floats
    freedom: Floats
    floor: Floats
    loud: tuple[NDArray[np.bool_], NDArray[np.bool_]]

    def p(self, difference: float = 0.0) -> Floats:
        """Two-sided: the chance of a mean as far from `difference`, were that the truth."""
        return tail((self.mean - difference) / self.error, self.freedom, self.floor)


def loud_rows(model: Model, uses: ArrayLike, comparisons: int) -> NDArray[np.bool_]:
    """(..., rows) which rows' spread the model does not explain.

    `uses` (rows,) says how many of the plan's comparisons rest on each row: one on which more rest
    is tested more sharply. Of two rows none is: the model takes the spread of both as it is.
    """
    if model.variance.shape[-1] == 2:
        return np.zeros(model.variance.shape, dtype=np.bool_)
    freedom = np.maximum(model.moments.count - 1, 1)
    missed = np.interp(freedom + 1, SEEDS_OF_MISSED, MISSED)
    share = np.minimum(np.asarray(uses, dtype=np.float64) / max(comparisons, 1), 1)
    missed = missed * (1 - share**2 * (0.24 + 1 / max(comparisons, 1) ** 3))
    limit = LOUD * special.chdtri(freedom, 1 - missed) / freedom
    far = np.minimum(limit, special.chdtri(freedom, FAR_LEVEL) / freedom)
    limit = np.where(model.moments.scale > FAR, far, limit)
    return np.asarray((model.loudness > limit) & (model.moments.count > 1))


def contrasts(
    model: Model, row: ArrayLike, other: ArrayLike, comparisons: int | None = None, least: float = 0
) -> Contrast:
    """The rows with the indices `row` less those with `other`; leading dimensions stay.

    `least` is the least standard error of a difference; `comparisons` how many the plan has, where
    these are not all of it.
    """
    first, second = np.broadcast_arrays(np.atleast_1d(row), np.atleast_1d(other))
    rows = model.variance.shape[-1]
    uses = np.bincount(np.concatenate([first, second]), minlength=rows)
    loud = loud_rows(model, uses, comparisons or len(first))
    found = model.moments
    count = np.maximum(found.count, 1)
    own = np.maximum(model.own - np.maximum(model.seed, 0), model.variance)
    of_mean = np.where(loud, own, model.variance) / count
    off = np.where(loud, 2 * of_mean**2 / np.maximum(found.count - 1, 1), 0.0)
    ordinary = np.where(loud, 0.0, found.scale**2 / count)
    a, b = loud[..., first], loud[..., second]
    together = _Both(model, first, second, of_mean * count)
    variance = of_mean[..., first] + of_mean[..., second] + together.unpaired
    variance = np.maximum(variance - 2 * together.variance, TINY)
    shared = ordinary[..., first] + ordinary[..., second]
    shared = shared - 2 * together.alike * np.sqrt(ordinary[..., first] * ordinary[..., second])
    uncertain = model.uncertainty * shared**2 + off[..., first] + off[..., second]
    known = found.known / count
    known = known[..., first] + known[..., second] - 2 * together.known
    floor = np.where(a | b, 0.0, FLOOR_SHARE * np.maximum(known, 0.0) / variance)
    error = np.sqrt(np.maximum(variance, least**2))
    mean = found.mean[..., first] - found.mean[..., second]
    freedom = 2 * variance**2 / np.maximum(uncertain, TINY * variance**2)
    return Contrast(mean, error, freedom, np.minimum(floor, 1.0), (a, b))


def tail(t: ArrayLike, freedom: ArrayLike, floor: ArrayLike = 0.0) -> Floats:
    """The two-sided tail of z / sqrt(max(W, floor)), with W chi-square over its `freedom`.

    With a floor of 0, Student's t. Below the floor the density of W is integrated by Gauss and
    Legendre's rule.
    """
    size, nu, k = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (t, freedom, floor)))
    size, nu = np.abs(size), np.minimum(nu, 1e6)
    p = np.asarray(2 * special.stdtr(nu, -size), dtype=np.float64)
    low = np.maximum(k, TINY)
    edge = special.ndtr(-size * np.sqrt(low))
    constant = nu / 2 * np.log(nu / 2 * low) - special.gammaln(nu / 2)
    below = np.zeros_like(p)
    for node, weight in zip((_NODES + 1) / 2, _WEIGHTS / 2, strict=True):
        density = np.exp(constant + (nu - 2) * np.log(node) - nu * low * node**2 / 2) * 2 * node
        below += weight * density * (special.ndtr(-size * node * np.sqrt(low)) - edge)
    return np.where(k > TINY, np.clip(p - 2 * below, 2 * special.ndtr(-size), p), p)


def critical(level: float, freedom: float, floor: float = 0.0) -> float:
    """The t whose two-sided `tail` is `level`."""
    low, high = 0.0, float(special.stdtrit(min(freedom, 1e6), 1 - level / 2))
    if floor <= TINY:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle, freedom, floor) > level else (low, middle)
    return high


class _Both:
    """What the means of two rows have in common, for the rows ran the same seeds.

    Of the covariance of the means `variance` is all that images tell, `known` the part that they
    explain, `alike` the correlation of the rest. `unpaired` is what the seed's part leaves in a
    difference where the rows did not run the same seeds.
    """

    def __init__(
        self, model: Model, first: NDArray[np.int_], second: NDArray[np.int_], variance: Floats
    ) -> None:
        found, count = model.moments, np.maximum(model.moments.count, 1)
        a, b = count[..., first], count[..., second]
        share = found.common[..., first, second] / (a * b)
        self.unpaired = np.maximum(model.seed, 0) * (1 / a + 1 / b - 2 * share)
        self.variance = self.known = self.alike = np.zeros_like(self.unpaired)
        if found.together is None:
            return
        explained = found.together.explained[..., first, second]
        alike = found.together.alike[..., first, second]
        rest = np.sqrt(np.maximum(variance - found.known, 0.0))
        self.known = explained * share
        self.variance = self.known + alike * rest[..., first] * rest[..., second] * share
        self.alike = alike * share * np.sqrt(a * b)
