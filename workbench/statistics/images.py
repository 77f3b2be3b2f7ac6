"""What single test images say of a row and the row it is compared to: classes, images, agreement.

Everything is about these test images and other seeds; other images are another question.

**Classes.** The change of a class is the mean over its images of right less wrong answers, for each
seed that both rows have. Few seeds say little about its spread, many classes say more: the variance
over the seeds is moderated (Smyth, Statistical Applications in Genetics and Molecular Biology 3,
2004). It is set against what the images alone would give, sum p (1 - p) / n^2 of both rows (see
`variance`), and the mean ratio over the classes counts beside a class's own ratio, for as much as
PRIOR further seeds. Estimating that weight, as Smyth does, takes thousands of rows where we have
ten classes; simulation chose it. Intervals hold for all classes of a row at once (Bonferroni).

**Images.** An image is gained where the row has it right and the other wrong in more than half of
the seeds. How many there would be by chance: were the two rows alike, each disagreement would fall
on either side with the chance of a half.

**Agreement** of two runs beyond what their accuracies explain is Cohen's kappa over right and wrong
(error consistency; Geirhos, Meding and Wichmann, Beyond accuracy, NeurIPS 2020).

**Confidence.** The evidence has the probability of the true class alone, exp(-loss). Of an image
that is right it is the confidence; of one that is wrong the winner has at least as much, at least
its share of the rest, and at most all of the rest. So the mean confidence is known between two
bounds. An expected calibration error needs the confidence of each image, and can't be had.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from workbench.statistics.comparison import LEVEL, Interval

Floats = NDArray[np.float64]
PRIOR = 4.0  # degrees of freedom that the other classes are worth to a class


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What S runs of one row said of N test images."""

    variant: str
    seeds: tuple[int, ...]
    correct: NDArray[np.bool_]  # (S, N)
    loss: NDArray[np.floating]  # (S, N) of the true class, in nats
    classes: int  # that the network tells apart

    def at(self, seeds: Sequence[int]) -> NDArray[np.bool_]:
        """Right or wrong, (len(seeds), N)."""
        return self.correct[[self.seeds.index(seed) for seed in seeds]]


@dataclass(frozen=True, slots=True)
class ClassChange:
    """One class. Values are in percent or percentage points of its test images.

    The interval is None where there is one seed.
    """

    label: int
    images: int
    before: float
    after: float
    interval: Interval | None

    @property
    def mean(self) -> float:
        """The change."""
        return self.after - self.before

    @property
    def verdict(self) -> Literal["gained", "lost", "undecided", "none"]:
        """`none` where one seed can't tell."""
        if self.interval is None:
            return "none"
        if self.interval.low > 0:
            return "gained"
        return "lost" if self.interval.high < 0 else "undecided"


@dataclass(frozen=True, slots=True)
class ImageChange:
    """One test image: in how many seeds the row alone had it right, and the other row alone."""

    image: int
    label: int
    row_alone: int
    other_alone: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Mean kappa over pairs of runs: of the two rows, and of two seeds of the same row.

    None where no pair has one: a single seed, or runs that have all images right.
    """

    rows: float | None
    row: float | None
    other: float | None


@dataclass(frozen=True, slots=True)
class Confidence:
    """Accuracy, and the bounds of the mean confidence, in percent."""

    accuracy: float
    low: float
    high: float

    @property
    def gap(self) -> float:
        """By how much a row is overconfident at least, in points; below zero underconfident; 0
        where the bounds hold the accuracy, which leaves it open."""
        return max(self.low - self.accuracy, 0.0) + min(self.high - self.accuracy, 0.0)


@dataclass(frozen=True, slots=True)
class RowImages:
    """A row and the row it is compared to, image by image, over the seeds that both have."""

    variant: str
    compared_to: str
    seeds: tuple[int, ...]
    mean: float  # points of top-1
    classes: tuple[ClassChange, ...]  # by label
    gained: tuple[ImageChange, ...]  # most seeds first
    lost: tuple[ImageChange, ...]
    by_chance: float  # images gained, and as many lost, were the rows alike
    agreement: Agreement
    confidence: tuple[Confidence, Confidence]  # of the row, and of the other


def compare_images(row: Answers, other: Answers, labels: NDArray[np.int64]) -> RowImages | None:
    """`labels` is (N,). None where no seed completed both rows."""
    seeds = tuple(seed for seed in row.seeds if seed in other.seeds)
    if not seeds:
        return None
    one, two = row.at(seeds), other.at(seeds)
    alone, missed = (one & ~two).sum(0), (two & ~one).sum(0)
    return RowImages(
        variant=row.variant,
        compared_to=other.variant,
        seeds=seeds,
        mean=100 * float(one.mean() - two.mean()),
        classes=class_changes(one, two, labels),
        gained=_most_seeds(alone, missed, labels, len(seeds)),
        lost=_most_seeds(missed, alone, labels, len(seeds), swapped=True),
        by_chance=expected_by_chance(alone + missed, len(seeds)),
        agreement=Agreement(_between(one, two), _within(one), _within(two)),
        confidence=(confidence(row), confidence(other)),
    )


# ---------------------------------------------------------------- classes


def class_changes(
    row: NDArray[np.bool_], other: NDArray[np.bool_], labels: NDArray[np.int64]
) -> tuple[ClassChange, ...]:
    """(S, N) answers of both rows, paired, to a change for each class that has images."""
    present, where, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    member = (where[:, None] == np.arange(len(present))).astype(np.float64)  # (N, C)
    after, before = (answers @ member / sizes for answers in (row, other))  # (S, C)
    half = np.full(len(present), np.nan)
    if len(row) > 1:
        noise = row.var(0, ddof=1) + other.var(0, ddof=1)
        known = noise @ member / sizes**2
        half = half_widths((after - before).T, known, sizes)
    ends = zip((after - before).mean(0), half, strict=True)
    return tuple(
        ClassChange(
            label=int(label),
            images=int(sizes[at]),
            before=100 * float(before[:, at].mean()),
            after=100 * float(after[:, at].mean()),
            interval=None
            if np.isnan(width)
            else Interval(100 * float(mean - width), 100 * float(mean + width)),
        )
        for at, (label, (mean, width)) in enumerate(zip(present, ends, strict=True))
    )


def half_widths(changes: ArrayLike, known: ArrayLike, sizes: ArrayLike) -> Floats:
    """Half of each class's interval, (..., C), at 95 % for all classes at once.

    `changes` is (..., C, S), the change of each class at each of S > 1 seeds, 0 to 1; `known`
    (..., C) the variance of one of them that the images explain; `sizes` (C,) images of each class.
    """
    values = np.asarray(changes, dtype=np.float64)
    classes, seeds = values.shape[-2:]
    freedom = seeds - 1
    # A class counts images: seeds that all agree are no proof that the next one does.
    step = 1 / (6 * np.asarray(sizes, dtype=np.float64) ** 2)
    scale = np.asarray(known, dtype=np.float64) + step
    own = values.var(-1, ddof=1) + step
    typical = (own / scale).mean(-1, keepdims=True) * scale
    prior = min(PRIOR, (classes - 1) * freedom / 2)  # a few classes are not worth so much
    moderated = (prior * typical + freedom * own) / (prior + freedom)
    error = np.sqrt(moderated / seeds)
    critical = special.stdtrit(prior + freedom, 1 - LEVEL / classes / 2)
    return np.asarray(critical * error, dtype=np.float64)


# ---------------------------------------------------------------- images


def expected_by_chance(apart: NDArray[np.int_], seeds: int) -> float:
    """How many images would be gained, were the rows alike. `apart` (N,) is in how many of the
    seeds the two rows disagree on an image."""
    most = seeds // 2  # more than this is more than half
    return float(np.where(apart > most, special.bdtrc(most, np.maximum(apart, 1), 0.5), 0.0).sum())


def _most_seeds(
    here: NDArray[np.int_],
    there: NDArray[np.int_],
    labels: NDArray[np.int64],
    seeds: int,
    swapped: bool = False,
) -> tuple[ImageChange, ...]:
    found = np.flatnonzero(2 * here > seeds)
    found = found[np.lexsort((found, there[found], -here[found]))]
    row, other = (there, here) if swapped else (here, there)
    return tuple(ImageChange(int(i), int(labels[i]), int(row[i]), int(other[i])) for i in found)


# ---------------------------------------------------------------- agreement


def kappas(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> Floats:
    """(S, N) and (T, N) answers to (S, T) kappas; NaN where both runs have all right, or all
    wrong."""
    x, y = one.astype(np.float64), two.astype(np.float64)
    observed = (x @ y.T + (1 - x) @ (1 - y).T) / x.shape[1]
    p, q = x.mean(1)[:, None], y.mean(1)[None, :]
    expected = p * q + (1 - p) * (1 - q)
    left = np.where(expected < 1, 1 - expected, np.nan)
    return np.asarray((observed - expected) / left)


def _between(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float | None:
    """Over runs of different seeds, as within a row; over the one seed where there is no more."""
    found = kappas(one, two)
    return _mean(found if len(found) == 1 else found[~np.eye(len(found), dtype=bool)])


def _within(answers: NDArray[np.bool_]) -> float | None:
    return _mean(kappas(answers, answers)[np.triu_indices(len(answers), 1)])


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


# ---------------------------------------------------------------- confidence


def confidence(answers: Answers) -> Confidence:
    """What the loss of the true class says of the mean confidence of a row's runs."""
    true = np.exp(-answers.loss.astype(np.float64))
    rest = 1 - true
    least = np.maximum(true, rest / max(answers.classes - 1, 1))
    low = np.where(answers.correct, true, least)
    high = np.where(answers.correct, true, np.maximum(rest, least))
    return Confidence(*(100 * float(each.mean()) for each in (answers.correct, low, high)))
