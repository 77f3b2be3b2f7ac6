"""Whose difference is it: each component's share of the whole, from a full factorial.

The Shapley value (Contributions to the Theory of Games II, 1953) of a component is what it adds to
the score, averaged over all orders of adding the components; the values add up to the whole
difference between all components and none. Interactions of pairs are the Shapley-Taylor
indices of order two (Sundararajan, Dhamdhere and Agarwal, ICML 2020): with what each component adds
when it stands alone they, too, add up to the whole difference, and a component's Shapley value is
what it adds alone plus half of its interactions. (The indices of Grabisch and Roubens, 1999, do
not add up.) All are linear in the score, so each seed gives its own and Student's interval is
theirs, never narrower than the counting of images allows (see `statistics`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.statistics.comparison import LEVEL, Interval, holm
from workbench.statistics.facts import Row, RunRecord
from workbench.statistics.metric import TOP1, Metric
from workbench.statistics.power import seeds_needed
from workbench.statistics.student import rounding_error, student

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EffectSize:
    """In the unit of the metric: the mean over seeds, Student's 95 % interval for it alone, and the
    p value of the same test. `sd` is that of the seeds; None where the test set's step decides."""

    mean: float
    interval: Interval | None
    p: float | None = None
    sd: float | None = None

    def takes(self, tests: int) -> int | None:
        """The seeds that one as large would take among so many tests; None where it is too small
        for any number tried, or the spread is unknown."""
        return None if self.sd is None else seeds_needed(abs(self.mean), self.sd**2, 2, tests)


def real(sizes: Sequence[EffectSize]) -> list[bool]:
    """Which are not nil, by tests adjusted over all of them (Holm)."""
    if not sizes:
        return []
    adjusted = holm([1.0 if size.p is None else size.p for size in sizes])
    return [bool(p <= LEVEL) for p in adjusted]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Shares of `whole`, the difference between all components and none.

    `shapley` adds up to `whole`; so do `alone` and `pairs` together.
    """

    components: tuple[str, ...]
    seeds: tuple[int, ...]
    whole: EffectSize
    shapley: tuple[EffectSize, ...]
    alone: tuple[EffectSize, ...]
    pairs: tuple[tuple[str, str, EffectSize], ...]
    left_out: tuple[int, ...]  # seeds that did not complete in every row
    metric: Metric = TOP1


def attribute(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    images: int | None = None,
    metric: Metric = TOP1,
) -> Attribution | None:
    """The attribution of a full factorial; None where no seed completed in every row.

    `Row.present` names the components switched on; each subset of them is one row. `images` is
    the size of the test set. Raises `InputError` where a subset is missing or stands twice.
    """
    components = toggled(rows)
    names = _cells(rows, components)
    kept, values = complete(names, runs, seeds, metric)
    if not kept:
        return None
    one = partial(estimate, values, images=images if metric.counts else None, metric=metric)
    cells = np.eye(values.shape[1])  # an index of these is its weights on the cells
    pairs = interactions(cells)
    return Attribution(
        components=components,
        seeds=kept,
        whole=one(cells[-1] - cells[0]),
        shapley=tuple(one(weights) for weights in shapley(cells).T),
        alone=tuple(one(weights) for weights in alone(cells).T),
        pairs=tuple(
            (components[i], components[j], one(pairs[:, i, j]))
            for i, j in combinations(range(len(components)), 2)
        ),
        left_out=left_out(seeds, kept),
        metric=metric,
    )


def full_factorial(rows: Sequence[Row]) -> bool:
    """Whether the rows are every subset of two components or more, each once."""
    cells = [frozenset(row.present) for row in rows if row.present is not None]
    if len(cells) < len(rows):
        return False
    present = set(cells)
    components = frozenset[str]().union(*cells)
    return len(components) > 1 and len(cells) == len(present) == 2 ** len(components)


def shapley(values: Floats) -> Floats:
    """(seeds, 2^n) values of the subsets, bit i for component i, to (seeds, n) Shapley values."""
    n = _count(values)
    result = np.zeros((len(values), n))
    for i in range(n):
        for subset in _without(n, 1 << i):
            weight = 1 / (n * comb(n - 1, subset.bit_count()))
            result[:, i] += weight * (values[:, subset | 1 << i] - values[:, subset])
    return result


def alone(values: Floats) -> Floats:
    """(seeds, 2^n) values of the subsets to (seeds, n): each component added to none."""
    n = _count(values)
    return values[:, [1 << i for i in range(n)]] - values[:, :1]


def interactions(values: Floats) -> Floats:
    """(seeds, 2^n) values of the subsets to (seeds, n, n) Shapley-Taylor indices of order two.

    Symmetric, with a diagonal of zero. Positive: the two do more together than one by one.
    """
    n = _count(values)
    result = np.zeros((len(values), n, n))
    for i, j in combinations(range(n), 2):
        first, second = 1 << i, 1 << j
        for subset in _without(n, first | second):
            weight = 2 / (n * comb(n - 1, subset.bit_count()))
            both, neither = values[:, subset | first | second], values[:, subset]
            one = values[:, subset | first] + values[:, subset | second]
            result[:, i, j] += weight * (both - one + neither)
        result[:, j, i] = result[:, i, j]
    return result


def _count(values: Floats) -> int:
    return int(values.shape[1]).bit_length() - 1


def _without(n: int, mask: int) -> Iterator[int]:
    """The subsets of n components that hold none of `mask`."""
    return (subset for subset in range(1 << n) if not subset & mask)


def toggled(rows: Sequence[Row]) -> tuple[str, ...]:
    """The components that the rows switch, in the order in which they bring them in."""
    seen = dict[str, None]()
    for row in rows:
        if row.present is None:
            raise InputError("which components it has is not known", row=row.name)
        seen.update(dict.fromkeys(row.present))
    return tuple(seen)


def _cells(rows: Sequence[Row], components: Sequence[str]) -> list[str]:
    """The variant of every subset, bit i for component i."""
    found = dict[int, str]()
    for row in rows:
        subset = sum(1 << i for i, name in enumerate(components) if name in (row.present or ()))
        if subset in found:
            raise InputError(f"the same components as {found[subset]!r}", row=row.name)
        found[subset] = row.name
    for subset in range(1 << len(components)):
        if subset not in found:
            lacking = [name for i, name in enumerate(components) if subset >> i & 1]
            raise InputError(f"attribution: no row with exactly {', '.join(lacking) or 'nothing'}")
    return [found[subset] for subset in range(1 << len(components))]


def complete(
    variants: Sequence[str], runs: Sequence[RunRecord], seeds: Sequence[int], metric: Metric = TOP1
) -> tuple[tuple[int, ...], Floats]:
    """The seeds that completed in every variant, and their scores (seeds, variants)."""
    scores = {(run.variant, run.seed): run.score(metric) for run in runs}
    table = {seed: [scores.get((name, seed)) for name in variants] for seed in seeds}
    kept = {seed: values for seed, values in table.items() if None not in values}
    return tuple(kept), np.array(list(kept.values()), dtype=np.float64)


def left_out(seeds: Sequence[int], kept: Sequence[int]) -> tuple[int, ...]:
    """The seeds that did not complete in every row."""
    return tuple(seed for seed in seeds if seed not in kept)


def estimate(
    scores: Floats, weights: Floats, images: int | None, metric: Metric = TOP1
) -> EffectSize:
    """The weighted sum of scores (seeds, cells): its mean, and Student's interval if it has one.

    `weights` is (cells,), `images` the size of the test set where scores count its images.
    """
    least = rounding_error(images, weights)
    found = student(scores @ weights, least=least, finest=metric.finest)
    known = bool(np.isfinite(found.low))
    interval = Interval(float(found.low), float(found.high)) if known else None
    own = known and bool(found.error <= found.sd / np.sqrt(found.n))
    return EffectSize(
        float(found.mean), interval, float(found.p) if known else None,
        float(found.sd) if own else None,
    )  # fmt: skip
