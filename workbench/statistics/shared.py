"""Verdicts from the variance model: every row's mean, and how far it may be off (`variance`).

P values are adjusted over all compared rows by Holm's method, as those of the paired t test. An
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

from workbench.statistics import sequential, variance
from workbench.statistics.comparison import (
    LEVEL,
    RESOLUTION,
    Comparison,
    Interval,
    Verdict,
    holm,
    step_level,
)
from workbench.statistics.facts import Method, Race, Row, RunRecord
from workbench.statistics.power import chance_of_verdict, detectable_t, seeds_needed

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Tests:
    """The tests of all compared rows; arrays are (comparisons,)."""

    contrast: variance.Contrast
    model: variance.Model
    counts: Floats  # seeds of the side that has fewer
    p: Floats
    adjusted: Floats
    level: Floats  # of the interval


def compare_shared(
    rows: Sequence[Row],
    paired: Sequence[Comparison],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    method: Method,
    race: Race | None = None,
    least: float = 0.0,
) -> dict[str, Comparison]:
    """Every compared row by variant, in the order of `paired`, which are the paired t tests.

    `least` is the least standard error of a difference.
    """
    if not paired:
        return {}
    index = {row.name: position for position, row in enumerate(rows)}
    first = np.array([index[each.variant] for each in paired])
    second = np.array([index[each.compared_to] for each in paired])
    values, known = scores(rows, runs, seeds), _known(rows, method)
    tests = _tests(values, known, first, second, race, least, method.equivalent is not None)
    return {
        each.variant: _comparison(each, tests, position, method, race)
        for position, each in enumerate(paired)
    }


def scores(rows: Sequence[Row], runs: Sequence[RunRecord], seeds: Sequence[int]) -> Floats:
    """(rows, seeds) top-1 in percent; NaN where no run completed."""
    found = {(run.variant, run.seed): run.measured for run in runs}
    table = [[found.get((row.name, seed)) for seed in seeds] for row in rows]
    return np.array(table, dtype=np.float64).reshape(len(rows), len(seeds))


def _known(rows: Sequence[Row], method: Method) -> Floats:
    """(rows,) the known parts: of a row with too few runs, which is not tested, that of another."""
    known = method.known or {}
    typical = float(np.median(list(known.values()))) if known else 0.0
    return np.array([known.get(row.name, typical) for row in rows])


def _tests(
    values: Floats,
    known: Floats,
    first: NDArray[np.int_],
    second: NDArray[np.int_],
    race: Race | None,
    least: float,
    equivalence: bool,
) -> _Tests:
    model = variance.fit(_moments(values, known))
    found = variance.contrasts(model, first, second, least=least)
    counts = np.minimum(model.moments.count[first], model.moments.count[second])
    tested = (counts >= (race.least if race else 2)) & (found.error > RESOLUTION)
    p = _looked(values, known, first, second, race, least) if race else found.p()
    p = np.where(tested, p, 1.0)
    comparisons = len(first)
    adjusted = np.minimum(p * comparisons, 1.0) if equivalence else holm(p)
    level = step_level(p, adjusted, comparisons)
    p = np.where(tested, p, np.nan)
    return _Tests(found, model, counts, p, adjusted, level)


def _moments(values: Floats, known: Floats) -> variance.Moments:
    """(rows, seeds) top-1 in percent and the known parts."""
    there = np.isfinite(values)
    mean = np.where(there, values, 0.0).sum(-1) / np.maximum(there.sum(-1), 1)
    scale = variance.level_scale(np.where(there.any(-1), mean, np.nan))
    return variance.moments(values, known, scale)


def _looked(
    values: Floats,
    known: Floats,
    first: NDArray[np.int_],
    second: NDArray[np.int_],
    race: Race,
    least: float,
) -> Floats:
    """Sequential p values: the smallest over the looks, each at the seeds that it had."""
    smallest = np.ones(len(first))
    had = np.isfinite(values).sum(-1)
    for look in range(race.least, values.shape[-1] + 1):
        model = variance.fit(_moments(values[:, :look], known))
        p = variance.contrasts(model, first, second, least=least).p()
        reached = np.minimum(had[first], had[second]) >= look
        smallest = np.where(reached, np.minimum(smallest, p), smallest)
    rows = len(values)
    return np.array([sequential.sequential_p(race, float(p), rows) for p in smallest])


def _comparison(
    paired: Comparison, tests: _Tests, at: int, method: Method, race: Race | None
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
    level = float(tests.level[at])
    nominal = sequential.nominal_level(race, level, rows) if race else level
    half = variance.critical(nominal, freedom, floor) * error
    comparisons = len(tests.p)
    share = LEVEL / comparisons
    share = sequential.nominal_level(race, share, rows) if race else share
    one_sided = variance.critical(min(2 * share, 1), freedom, floor) * error
    verdict = _verdict(mean, one_sided, float(tests.adjusted[at]), method.equivalent)
    loud = zip((paired.variant, paired.compared_to), contrast.loud, strict=True)
    undecided = verdict is Verdict.UNDECIDED
    pooled = 2 if any(flags[at] for flags in contrast.loud) else rows  # whose spread tells
    return paired.replaced(
        mean=mean,
        interval=Interval(mean - half, mean + half),
        p=p,
        p_holm=float(tests.adjusted[at]),
        detectable=detectable_t(error, freedom, floor, share),
        verdict=verdict,
        reason="",
        own_p=paired.p,
        loud=tuple(name for name, flags in loud if flags[at]),
        chance=chance_of_verdict(mean, error, int(tests.counts[at]), race.most, freedom, share)
        if race and undecided
        else None,
        takes=seeds_needed(abs(mean), error**2 * tests.counts[at], pooled, comparisons)
        if undecided
        else None,
    )


def _verdict(mean: float, half: float, adjusted: float, equivalent: float | None) -> Verdict:
    """`half` is half of the interval that both one-sided tests make."""
    if adjusted <= LEVEL:
        return Verdict.HELPS if mean > 0 else Verdict.HURTS
    if equivalent is not None and abs(mean) + half < equivalent:
        return Verdict.EQUIVALENT
    return Verdict.UNDECIDED


def _reason(paired: Comparison, seeds: int, race: Race | None) -> str:
    if paired.reason and seeds < 2:
        return paired.reason
    if race is not None and seeds < race.least:
        return f"{seeds} seeds of the {race.least} that the race begins with"
    return "all seeds differ by the same amount, so the spread is unknown"
