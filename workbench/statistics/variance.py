"""How far a row's mean may be off: what its images explain, and what the rows share.

A run's score is a mean over test images. Runs of one row that differ in nothing but the seed err
almost independently from image to image (Jordan, On the Variance of Neural Network Training with
respect to Test Sets and Distributions, ICLR 2024). So the variance between seeds has two parts:

- the *known* part, sum p (1 - p) / n^2 over the n test images, where p is how often the row gets
  an image right. S seeds give it without bias as sum q (1 - q) S / (S - 1) / n^2 with the observed
  share q, and to a few per cent, for there are thousands of images. For the loss it is the
  variance within an image, averaged over the images, over n. Without evidence per image it is 0.
- the *shared* part, real differences between runs: what is left of the spread of the seeds beyond
  the known part, pooled over the rows of the plan, never below 0. Rows of another accuracy have
  another one: differences that are alike in log-odds are p (1 - p) times as large in points, so a
  row nearer to one half than the rows' median has that much more (`level_scale`), and none less.

What runs of one seed have in common, the same order of data and the same initial values, falls out
of a difference. How much that is the rows say: the covariance of each row with the others over the
seeds is estimated, and where they differ the least is taken off. For rows are often not alike in
it: on digits (`results/measured/noise_digits`, 60 seeds) two rows that differ in the LPU alone
correlate at 0.76, others not at all. More than all rows have can't be taken off every difference.

A row that is louder than the others would get too narrow an interval from them. Each row's spread
is therefore tested against the model. One that is too large keeps its own variance, with its own
few degrees of freedom (Welch, Biometrika 34, 1947). Rows that look loud also count less in the
pool, by the chance that they are (a two-component mixture, fitted by a few steps of EM). The level
of the test is set such that a row with three times the standard deviation of the others goes
unnoticed with the chance MISSED; simulation chose it (`python -m benchmarks.verdicts`).

All arrays may have leading dimensions, one entry a plan: simulations run through these functions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

LOUD = 9.0  # the variance of a loud row over that of the others: three standard deviations to one
LOUD_CHANCE = 0.03  # how often a row is loud, before its spread is seen
LOUD_FREEDOM = 4.0  # how sharply LOUD is meant: degrees of freedom of its prior
STEPS = 4  # of EM
# The chance that a loud row goes unnoticed, by the number of its seeds. The fewer the seeds, the
# more of the ordinary rows must be tested on their own to keep it so low.
SEEDS_OF_MISSED = (2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
MISSED = (0.28, 0.25, 0.12, 0.05, 0.02, 0.005)
# How much larger real differences are at another level is one formula's word. A row of which it
# says this much or more keeps its own variance far more readily: of such rows that are as the
# formula says, four in ten do. Chosen on replays of `noise_digits`.
FAR, FAR_LEVEL = 1.5, 0.4
# The known part is a floor of the variance, which makes the tails of the test lighter than those of
# Student's t. The share of the floor that is counted, for the true variance is not known.
FLOOR_SHARE = 0.7
ALIKE = 0.5  # rows with no less than this share of the mean covariance are alike in it
TINY = 1e-12

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True, slots=True)
class Moments:
    """What the runs of a plan say. `rows` is the last axis, or the last two."""

    mean: Floats  # (..., rows)
    count: Floats  # (..., rows) seeds that completed
    covariance: Floats  # (..., rows, rows) over the seeds of both; the diagonal is the variance
    common: Floats  # (..., rows, rows) seeds that both completed
    known: Floats  # (..., rows) variance of one run that its images explain
    scale: Floats  # (..., rows) real differences between runs, over those of a typical row


@dataclass(frozen=True, slots=True)
class Model:
    """The variance of one run of each row, without what runs of one seed have in common."""

    moments: Moments
    known: Floats  # (..., rows)
    shared: Floats  # (..., 1) of a typical row
    seed: Floats  # (..., 1) the covariance of two rows over the seeds
    variance: Floats  # (..., rows) known + shared * scale^2
    uncertainty: Floats  # (..., 1) the variance of the estimate of `shared`
    loudness: Floats  # (..., rows) the row's own variance over what the model says
    own: Floats  # (..., rows) the row's own variance


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


def known_variance(scores: ArrayLike) -> float:
    """(seeds, images) scores to the variance of a run's mean that the images explain.

    Scores are 1 and 0 for right and wrong, or losses. NaN with fewer than two seeds.
    """
    values = np.asarray(scores, dtype=np.float64)
    if len(values) < 2:
        return float("nan")
    return float(values.var(0, ddof=1).sum() / values.shape[1] ** 2)


def level_scale(top1: ArrayLike) -> Floats:
    """(..., rows) mean top-1 in percent to how much larger its real differences are, 1 or more.

    The delta method: a deviation in log-odds times p (1 - p), over that of the median row.
    """
    share = np.asarray(top1, dtype=np.float64) / 100
    spread = np.where(np.isfinite(share), share * (1 - share), np.nan)
    if not np.isfinite(spread).any():
        return np.ones_like(spread)
    typical = np.nanmedian(spread, axis=-1, keepdims=True)
    return np.asarray(np.fmax(spread / np.maximum(typical, TINY), 1.0))


def moments(values: ArrayLike, known: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Moments:
    """(..., rows, seeds) scores, NaN where a run is missing; known part and scale (..., rows)."""
    scores = np.asarray(values, dtype=np.float64)
    there = np.isfinite(scores)
    count = there.sum(-1).astype(np.float64)
    filled = np.where(there, scores, 0.0)
    mean = filled.sum(-1) / np.maximum(count, 1)
    centred = np.where(there, scores - mean[..., None], 0.0)
    seen = there.astype(np.float64)
    common = seen @ seen.swapaxes(-1, -2)
    sums = centred @ seen.swapaxes(-1, -2)  # of the row, over the seeds that the other has too
    product = centred @ centred.swapaxes(-1, -2)
    product -= sums * sums.swapaxes(-1, -2) / np.maximum(common, 1)
    covariance = product / np.maximum(common - 1, 1)
    if mean.shape[-1] == 2:  # of two rows the model is the paired t test, whatever their levels
        scale = 1.0
    known, scale = (np.broadcast_to(each, mean.shape) + 0.0 for each in (known, scale))
    return Moments(mean, count, covariance, common, known, scale)


def fit(found: Moments) -> Model:
    """The model of a plan, from all rows with two seeds or more."""
    own = np.maximum(np.diagonal(found.covariance, axis1=-2, axis2=-1), TINY)
    freedom = np.maximum(found.count - 1, 0)
    off = ~np.eye(own.shape[-1], dtype=bool)
    pairs = np.where(off, np.maximum(found.common - 1, 0), 0.0)
    square = found.scale**2
    variance = total = _start(own, found.known, square, freedom)
    reliance = np.where(freedom > 0, 1.0, 0.0)
    pooled = _last(freedom) * np.maximum(1 - 1 / np.maximum(_last(reliance), 1), 0.5)
    for _ in range(STEPS):
        chance = _ordinary(own / total, freedom, pooled) if own.shape[-1] > 2 else 1.0
        ordinary = np.where(freedom > 0, chance, 0.0)
        weight = ordinary * freedom * square**2 / variance**2
        spread = _mean((own - found.known) / square, weight)
        relative = ordinary / variance
        pair = relative[..., :, None] * relative[..., None, :] * pairs
        seed = _in_common(pair * found.covariance, pair)
        shared = np.maximum(spread - seed, 0.0)
        variance = np.maximum(found.known + shared * square, TINY)
        total = variance + np.maximum(seed, 0.0)
        counted = _last(ordinary)
        left = np.maximum(counted - 1, 0.5) / np.maximum(counted, 1)  # the seeds' means are fitted
        pooled = _last(ordinary * freedom) * left
    uncertainty = 2 / np.maximum(_last(weight), TINY) / left
    return Model(found, found.known, shared, seed, variance, uncertainty, own / total, own)


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
    missed = missed * (1 - share**2 * (0.18 + 0.6 / max(comparisons, 1) ** 2))
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
    first, second = np.atleast_1d(row), np.atleast_1d(other)
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
    variance = of_mean[..., first] + of_mean[..., second]
    variance = np.maximum(variance + _unpaired(model, first, second), TINY)
    uncertain = model.uncertainty * (ordinary[..., first] + ordinary[..., second]) ** 2
    uncertain = uncertain + off[..., first] + off[..., second]
    known = found.known / count
    floor = np.where(a | b, 0.0, FLOOR_SHARE * (known[..., first] + known[..., second]) / variance)
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


def _start(own: Floats, known: Floats, square: Floats, freedom: Floats) -> Floats:
    """A first guess that a loud row can't move: the median of the rows' variances."""
    used = freedom > 0
    half = special.chdtri(np.maximum(freedom, 1), 0.5) / np.maximum(freedom, 1)
    some = np.all(known > TINY, axis=-1, keepdims=True)
    unit = np.where(some, np.maximum(known * square / square.min(-1, keepdims=True), TINY), square)
    ratio = np.where(used, own / unit / half, np.nan)
    ratio[..., :1] = np.where(used.any(-1, keepdims=True), ratio[..., :1], 1.0)
    middle = np.nanmedian(ratio, axis=-1, keepdims=True)
    start = unit * np.maximum(middle, np.where(some, 1.0, TINY))
    return np.asarray(np.maximum(start, TINY))


def _in_common(products: Floats, pair: Floats) -> Floats:
    """The covariance over the seeds that all rows have in common, from (..., rows, rows) weighted
    covariances and their weights: pooled where all rows are alike in it, else that of the row which
    has least of it. Of two rows it is theirs, as in the paired t test."""
    weight = pair.sum(-1)
    by_row = np.where(weight > TINY, products.sum(-1) / np.maximum(weight, TINY), np.inf)
    least = by_row.min(-1, keepdims=True)
    pooled = _last(products.sum(-1)) / np.maximum(_last(weight), TINY)
    seed = np.where(least > ALIKE * pooled, pooled, np.minimum(least, pooled))
    return seed if pair.shape[-1] == 2 else np.maximum(seed, 0.0)


def _ordinary(ratio: Floats, freedom: Floats, pooled: Floats) -> Floats:
    """The chance that a row is like the others, from its variance over theirs."""
    d = np.maximum(freedom, 1)
    quiet = _log_f(ratio, d, np.maximum(pooled, 0.5))
    loud = _log_f(ratio / LOUD, d, np.full_like(d, LOUD_FREEDOM)) - np.log(LOUD)
    odds = np.log((1 - LOUD_CHANCE) / LOUD_CHANCE) + quiet - loud
    return np.asarray(special.expit(odds), dtype=np.float64)


def _log_f(x: Floats, d: Floats, nu: Floats) -> Floats:
    """The log density of F with d and nu degrees of freedom."""
    power = (d / 2 - 1) * np.log(np.maximum(x, TINY)) + d / 2 * np.log(d / nu)
    rest = -(d + nu) / 2 * np.log1p(d * x / nu) - special.betaln(d / 2, nu / 2)
    return np.asarray(power + rest, dtype=np.float64)


def _unpaired(model: Model, first: NDArray[np.int_], second: NDArray[np.int_]) -> Floats:
    """What the seed's part leaves in a difference where the rows did not run the same seeds."""
    count = np.maximum(model.moments.count, 1)
    a, b = count[..., first], count[..., second]
    both = model.moments.common[..., first, second]
    return np.asarray(np.maximum(model.seed, 0) * (1 / a + 1 / b - 2 * both / (a * b)))


def _last(values: Floats) -> Floats:
    return np.asarray(values.sum(-1, keepdims=True))


def _mean(values: Floats, weight: Floats) -> Floats:
    return np.asarray(_last(values * weight) / np.maximum(_last(weight), TINY))
