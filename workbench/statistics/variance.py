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
of a difference. Rows are not alike in it: on digits (`results/measured/noise_digits`, 60 seeds) two
rows that differ in the LPU alone correlate at 0.76, others not at all. Three seeds can't tell that
from their scores. Their images can, for there are thousands (`Together`): of the known part the
covariance of two rows is counted, as its variance is. Real differences between runs are taken to
correlate as the losses of the runs do, image by image, 0.65 for those two rows. That is a little
less than their scores do, for part of what moves one image is chance, so intervals are rather too
wide than too narrow. Without evidence the rows' scores must say it: the covariance of each row with
the others over the seeds is estimated, and where they differ the least is taken off.

A row that is louder than the others does not belong in the pool: rows that look loud count less in
it, by the chance that they are (a two-component mixture, fitted by a few steps of EM). What their
own variance then does to a comparison says `difference`.

All arrays may have leading dimensions, one entry a plan: simulations run through these functions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

LOUD = 9.0  # the variance of a loud row over that of the others: three standard deviations to one
LOUD_FREEDOM = 4.0  # how sharply LOUD is meant: degrees of freedom of its prior
STEPS = 4  # of EM
ALIKE = 0.5  # rows with no less than this share of the mean covariance are alike in it
# The share of what images say of two rows that is believed: it is known from few seeds, and that
# scores correlate as images do is no more than observed. Chosen on replays, see docs/statistics.md.
BELIEVED = 0.9
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Together:
    """What images say of two rows' runs of one seed. Both are (..., rows, rows), 0 if not known."""

    explained: Floats  # the part of their covariance that images explain
    alike: Floats  # how far their real differences correlate, 0 to 1


@dataclass(frozen=True, slots=True)
class Moments:
    """What the runs of a plan say. `rows` is the last axis, or the last two."""

    mean: Floats  # (..., rows)
    count: Floats  # (..., rows) seeds that completed
    covariance: Floats  # (..., rows, rows) over the seeds of both; the diagonal is the variance
    common: Floats  # (..., rows, rows) seeds that both completed
    known: Floats  # (..., rows) variance of one run that its images explain
    scale: Floats  # (..., rows) real differences between runs, over those of a typical row
    together: Together | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """The variance of one run of each row, without `seed`."""

    moments: Moments
    known: Floats  # (..., rows)
    shared: Floats  # (..., 1) of a typical row
    seed: Floats  # (..., 1) the covariance of any two rows over the seeds; 0 where images say it
    variance: Floats  # (..., rows) known + shared * scale^2
    uncertainty: Floats  # (..., 1) the variance of the estimate of `shared`
    loudness: Floats  # (..., rows) the row's own variance over what the model says
    own: Floats  # (..., rows) the row's own variance


def known_covariance(scores: ArrayLike, others: ArrayLike) -> float:
    """As `known_variance`, of two rows' scores of the same seeds and images."""
    first, second = (np.asarray(each, dtype=np.float64) for each in (scores, others))
    if len(first) < 2:
        return float("nan")
    products = ((first - first.mean(0)) * (second - second.mean(0))).sum()
    return float(products / (len(first) - 1) / first.shape[1] ** 2)


def correlation(scores: ArrayLike, others: ArrayLike) -> float:
    """How far two rows' runs of one seed are alike, over all images: 0 to 1.

    What is below 0 is chance. (seeds, images) each; 0, too, where the runs of a row do not differ.
    """
    spread = np.sqrt(known_variance(scores) * known_variance(others))
    return float(np.clip(known_covariance(scores, others) / max(spread, TINY), 0.0, 1.0))


def known_variance(scores: ArrayLike) -> float:
    """(seeds, images) scores to the variance of a run's mean that the images explain.

    Scores are 1 and 0 for right and wrong, or losses. NaN with fewer than two seeds.
    """
    return known_covariance(scores, scores)


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


def moments(
    values: ArrayLike,
    known: ArrayLike = 0.0,
    scale: ArrayLike = 1.0,
    together: Together | None = None,
) -> Moments:
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
        scale, together = 1.0, None
    known, scale = (np.broadcast_to(each, mean.shape) + 0.0 for each in (known, scale))
    if together is not None:
        together = Together(BELIEVED * together.explained, BELIEVED * together.alike)
    return Moments(mean, count, covariance, common, known, scale, together)


def fit(found: Moments) -> Model:
    """The model of a plan, from all rows with two seeds or more."""
    own = np.maximum(np.diagonal(found.covariance, axis1=-2, axis2=-1), TINY)
    freedom = np.maximum(found.count - 1, 0)
    square = found.scale**2
    variance = total = _start(own, found.known, square, freedom)
    counted = np.maximum(_last(np.where(freedom > 0, 1.0, 0.0)), 1)
    # What is pooled but the rows' means are fitted: those of the seeds, too, if images do not tell.
    left = np.maximum(1 - 1 / counted, 0.5) if found.together is None else np.ones_like(counted)
    pooled = _last(freedom) * left
    for _ in range(STEPS):
        chance = _ordinary(own / total, freedom, pooled) if own.shape[-1] > 2 else 1.0
        ordinary = np.where(freedom > 0, chance, 0.0)
        if found.together is None:
            shared, seed, information = _pool_alone(found, own, variance, ordinary)
        else:
            shared, information = _pool_together(found, found.together, variance, ordinary)
            seed = np.zeros_like(shared)
        variance = np.maximum(found.known + shared * square, TINY)
        total = variance + np.maximum(seed, 0.0)
        if found.together is None:
            counted = _last(ordinary)
            left = np.maximum(counted - 1, 0.5) / np.maximum(counted, 1)
        pooled = _last(ordinary * freedom) * left
    uncertainty = 2 / np.maximum(information * left, TINY)
    return Model(found, found.known, shared, seed, variance, uncertainty, own / total, own)


def _pool_alone(
    found: Moments, own: Floats, variance: Floats, ordinary: Floats
) -> tuple[Floats, Floats, Floats]:
    """The shared part, the covariance of the seeds, and what the rows tell of the former: all
    from the scores alone. `variance` is that of a run at the step before."""
    off = ~np.eye(own.shape[-1], dtype=bool)
    square, freedom = found.scale**2, np.maximum(found.count - 1, 0)
    weight = ordinary * freedom * square**2 / variance**2
    spread = _mean((own - found.known) / square, weight)
    pairs = np.where(off, np.maximum(found.common - 1, 0), 0.0)
    pair = _outer(ordinary / variance) * pairs
    seed = _in_common(pair * found.covariance, pair)
    return np.maximum(spread - seed, 0.0), seed, _last(weight)


def _pool_together(
    found: Moments, told: Together, variance: Floats, ordinary: Floats
) -> tuple[Floats, Floats]:
    """The shared part and what the rows tell of it, where images say which rows have what in
    common: a step of maximum likelihood (Fisher's scoring). Rows that are alike then tell of it by
    their differences."""
    off = ~np.eye(variance.shape[-1], dtype=bool)
    explained = np.where(off, told.explained, found.known[..., :, None])
    alike = np.where(off, told.alike, 1.0)
    shape = _outer(found.scale) * alike
    root, rest = np.sqrt(variance), np.sqrt(np.maximum(variance - found.known, 0.0))
    correlation = np.where(off, (explained + alike * _outer(rest)) / _outer(root), 1.0)
    inverse = np.linalg.inv(correlation) / _outer(root)
    weight = inverse @ shape @ inverse
    weight = weight * _outer(np.sqrt(ordinary)) * np.maximum(found.common - 1, 0)
    information = (weight * shape).sum((-1, -2))[..., None]
    excess = (weight * (found.covariance - explained)).sum((-1, -2))[..., None]
    shared = np.maximum(excess / np.maximum(information, TINY), 0.0)
    return shared, information


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
    chance = _loud_chance(ratio.shape[-1])
    odds = np.log((1 - chance) / chance) + quiet - loud
    return np.asarray(special.expit(odds), dtype=np.float64)


def _loud_chance(rows: int) -> float:
    """How often a row is taken to be loud before its spread is seen, chosen by simulation.

    In a pool of few rows a loud one that counts does more harm than an ordinary one that does not.
    """
    return 1 / (rows - 1) ** 2


def _log_f(x: Floats, d: Floats, nu: Floats) -> Floats:
    """The log density of F with d and nu degrees of freedom."""
    power = (d / 2 - 1) * np.log(np.maximum(x, TINY)) + d / 2 * np.log(d / nu)
    rest = -(d + nu) / 2 * np.log1p(d * x / nu) - special.betaln(d / 2, nu / 2)
    return np.asarray(power + rest, dtype=np.float64)


def _outer(values: Floats) -> Floats:
    return np.asarray(values[..., :, None] * values[..., None, :])


def _last(values: Floats) -> Floats:
    return np.asarray(values.sum(-1, keepdims=True))


def _mean(values: Floats, weight: Floats) -> Floats:
    return np.asarray(_last(values * weight) / np.maximum(_last(weight), TINY))
