"""Verdicts from the variance model: every row's mean, and how far it may be off (`variance`).

Each metric has a model of its own. P values are adjusted over all compared rows and all metrics by
Holm's method, as those of the paired t test. An
interval is at the level of its row's step of that adjustment, so that it leaves zero out just where
the verdict does. Beside each verdict stands what Student's paired t test, which assumes nothing of
other rows, makes of the same row.

`equivalent: x` asks two one-sided tests as well (Schuirmann, Journal of Pharmacokinetics and
Biopharmaceutics 15, 1987): is the difference above -x, and below x? For each row either "there is
no difference" or "the difference is x or more" is false, so of the two families of tests no more
hypotheses hold than there are rows (Shaffer, Journal of the American Statistical Association 81,
1986): each test is at 5 % over the number of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.statistics import difference, sequential, variance
from workbench.statistics.comparison import (
    LEVEL,
    Comparison,
    Interval,
    Verdict,
    adjust,
    step_level,
)
from workbench.statistics.facts import EarlierRuns, Method, Race, Row, RunRecord
from workbench.statistics.metric import TOP1, Metric
from workbench.statistics.power import chance_of_verdict, detectable_t, seeds_needed

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Tests:
    """The tests of all compared rows in one metric; arrays are (comparisons,)."""

    contrast: difference.Contrast
    model: variance.Model
    counts: Floats  # seeds of the side that has fewer
    p: Floats  # NaN where there is no test
    family: int  # over how many tests p values are adjusted


def compare_shared(
    rows: Sequence[Row],
    paired: Sequence[Sequence[Comparison]],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    method: Method,
    race: Race | None = None,
    least: float = 0.0,
) -> tuple[list[Comparison], ...]:
    """For every metric, each comparison in the order of `paired`, which are the paired t tests.

    `least` is the least standard error of a difference of shares of the test images.
    """
    compared = paired[0]
    if not compared:
        return tuple([] for _ in paired)
    index = {row.name: position for position, row in enumerate(rows)}
    first = np.array([index[each.variant] for each in compared])
    second = np.array([index[each.compared_to] for each in compared])
    tests = [
        _tests(
            _scored(rows, runs, seeds, metric, method), first, second, race,
            least * metric.counts, method.tests(len(first)),
        )
        for metric in method.metrics
    ]  # fmt: skip
    p = np.concatenate([np.nan_to_num(each.p, nan=1.0) for each in tests])
    margins = method.equivalent is not None
    adjusted = np.minimum(p * tests[0].family, 1.0) if margins else adjust(p, method)
    level = step_level(p, adjusted, tests[0].family)
    return tuple(
        [
            _comparison(
                each, tests[place], position, method, race,
                *(float(of[place * len(first) + position]) for of in (adjusted, level)),
            )
            for position, each in enumerate(found)
        ]
        for place, found in enumerate(paired)
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Scored:
    """(rows, seeds) scores of one metric, and (rows,) the known parts of their variance."""

    values: Floats
    known: Floats
    together: variance.Together | None
    metric: Metric

    def fit(self, look: int | None = None) -> variance.Model:
        """The model of the first seeds, or of all."""
        values = self.values[:, :look]
        there = np.isfinite(values)
        mean = np.where(there, values, 0.0).sum(-1) / np.maximum(there.sum(-1), 1)
        levels = np.where(there.any(-1), mean, np.nan)
        scale = variance.level_scale(levels) if self.metric.counts else 1.0
        return variance.fit(variance.moments(values, self.known, scale, self.together))


def _scored(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    metric: Metric,
    method: Method,
) -> _Scored:
    own, known = scores(rows, runs, seeds, metric), _known(rows, method, metric)
    more_rows = len(method.earlier.rows) if method.earlier else 0
    together = _together(rows, method, metric, more_rows)
    if method.earlier is None:
        return _Scored(own, known, together, metric)
    values, more = _earlier(method.earlier, seeds, metric)
    wide = np.full((len(own), values.shape[1]), np.nan)
    wide[:, : len(seeds)] = own
    more = np.where(np.isfinite(more), more, np.median(known) if len(known) else 0.0)
    known = np.concatenate([known, more])
    return _Scored(np.concatenate([wide, values]), known, together, metric)


def _earlier(found: EarlierRuns, seeds: Sequence[int], metric: Metric) -> tuple[Floats, Floats]:
    """(rows, seeds) scores of earlier runs and (rows,) known parts, NaN where there is none.

    They are rows that nothing is compared to. The plan's own seeds come first.
    """
    order = [*seeds, *(seed for seed in found.seeds if seed not in seeds)]
    values = np.full((len(found.rows), len(order)), np.nan)
    for at, row in enumerate(found.rows):
        for seed, score in zip(found.seeds, row.scores.get(metric.key, ()), strict=False):
            values[at, order.index(seed)] = np.nan if score is None else score
    return values, np.array([row.known.get(metric.key, np.nan) for row in found.rows])


def fit_rows(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    metric: Metric,
    method: Method,
) -> variance.Model:
    """The model of the rows in one metric."""
    return _scored(rows, runs, seeds, metric, method).fit()


def scores(
    rows: Sequence[Row], runs: Sequence[RunRecord], seeds: Sequence[int], metric: Metric = TOP1
) -> Floats:
    """(rows, seeds) in the unit of the metric; NaN where no run completed."""
    found = {(run.variant, run.seed): run.score(metric) for run in runs}
    table = [[found.get((row.name, seed)) for seed in seeds] for row in rows]
    return np.array(table, dtype=np.float64).reshape(len(rows), len(seeds))


def _known(rows: Sequence[Row], method: Method, metric: Metric) -> Floats:
    """(rows,) the known parts: of a row with too few runs, which is not tested, that of another."""
    noise = (method.known or {}).get(metric.key)
    if noise is None or not noise.rows:
        return np.zeros(len(rows))
    typical = float(np.median(list(noise.rows.values())))
    return np.array([noise.rows.get(row.name, typical) for row in rows])


def _together(
    rows: Sequence[Row], method: Method, metric: Metric, more: int
) -> variance.Together | None:
    """What images say of every two rows; `more` rows of earlier runs follow, of which they say
    nothing. None where they say nothing of any."""
    noise = (method.known or {}).get(metric.key)
    if noise is None or not noise.pairs:
        return None
    index = {row.name: at for at, row in enumerate(rows)}
    pairs = {pair: told for pair, told in noise.pairs.items() if set(pair) <= index.keys()}
    told = np.zeros((2, len(rows) + more, len(rows) + more))
    for (first, second), values in pairs.items():
        a, b = index[first], index[second]
        told[:, a, b] = told[:, b, a] = values
    return variance.Together(told[0], told[1])


def _tests(
    scored: _Scored,
    first: NDArray[np.int_],
    second: NDArray[np.int_],
    race: Race | None,
    least: float,
    family: int,
) -> _Tests:
    model = scored.fit()
    found = difference.contrasts(model, first, second, least=least)
    counts = np.minimum(model.moments.count[first], model.moments.count[second])
    tested = (counts >= (race.least if race else 2)) & (found.error > scored.metric.finest)
    p = _looked(scored, first, second, race, least) if race else found.p()
    return _Tests(found, model, counts, np.where(tested, p, np.nan), family)


def _looked(
    scored: _Scored,
    first: NDArray[np.int_],
    second: NDArray[np.int_],
    race: Race,
    least: float,
) -> Floats:
    """Sequential p values: the smallest over the looks, each at the seeds that it had."""
    smallest = np.ones(len(first))
    rows, looks = scored.values.shape
    had = np.isfinite(scored.values).sum(-1)
    for look in range(race.least, looks + 1):
        p = difference.contrasts(scored.fit(look), first, second, least=least).p()
        reached = np.minimum(had[first], had[second]) >= look
        smallest = np.where(reached, np.minimum(smallest, p), smallest)
    return np.array([sequential.sequential_p(race, float(p), rows) for p in smallest])


def _comparison(
    paired: Comparison,
    tests: _Tests,
    at: int,
    method: Method,
    race: Race | None,
    adjusted: float,
    level: float,
) -> Comparison:
    contrast, model = tests.contrast, tests.model
    p = float(tests.p[at])
    mean, error = float(contrast.mean[at]), float(contrast.error[at])
    if not np.isfinite(p):
        return paired.replaced(
            interval=None, p=None, p_holm=None, detectable=None, takes=None,
            own_p=paired.p, verdict=Verdict.NONE,
            reason=_reason(paired, int(tests.counts[at]), race),
        )  # fmt: skip
    freedom, floor = float(contrast.freedom[at]), float(contrast.floor[at])
    rows = len(model.known)
    nominal = sequential.nominal_level(race, level, rows) if race else level
    half = difference.critical(nominal, freedom, floor) * error
    share = LEVEL / tests.family
    share = sequential.nominal_level(race, share, rows) if race else share
    one_sided = difference.critical(min(2 * share, 1), freedom, floor) * error
    margin = method.equivalent if paired.metric == method.metrics[0] else None
    verdict = _verdict(mean, one_sided, adjusted, margin, paired.metric)
    loud = zip((paired.variant, paired.compared_to), contrast.loud, strict=True)
    undecided = verdict is Verdict.UNDECIDED
    pooled = 2 if any(flags[at] for flags in contrast.loud) else rows  # whose spread tells
    return paired.replaced(
        mean=mean,
        interval=Interval(mean - half, mean + half),
        p=p,
        p_holm=adjusted,
        detectable=detectable_t(error, freedom, floor, share),
        verdict=verdict,
        reason="",
        own_p=paired.p,
        loud=tuple(name for name, flags in loud if flags[at]),
        chance=float(
            chance_of_verdict(mean, error, float(tests.counts[at]), race.most, freedom, share)
        )
        if race and undecided
        else None,
        takes=seeds_needed(abs(mean), error**2 * tests.counts[at], pooled, tests.family)
        if undecided
        else None,
    )


def _verdict(
    mean: float, half: float, adjusted: float, equivalent: float | None, metric: Metric
) -> Verdict:
    """`half` is half of the interval that both one-sided tests make."""
    if adjusted <= LEVEL:
        return Verdict.HELPS if metric.better(mean) else Verdict.HURTS
    if equivalent is not None and abs(mean) + half < equivalent:
        return Verdict.EQUIVALENT
    return Verdict.UNDECIDED


def _reason(paired: Comparison, seeds: int, race: Race | None) -> str:
    if paired.reason and seeds < 2:
        return paired.reason
    if race is not None and seeds < race.least:
        return f"{seeds} seeds of the {race.least} that the race begins with"
    return "all seeds differ by the same amount, so the spread is unknown"
