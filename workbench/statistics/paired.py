"""Whether a difference is real: differences paired by seed, and a verdict in words.

The test of a row is the paired t test (Student, Biometrika 6, 1908) of its score less that of the
row it is compared to, seed by seed. P values are adjusted over all compared rows and all metrics of
the plan by Holm's method (Scandinavian Journal of Statistics 6, 1979), which holds the chance of
any false verdict in a plan at 5 % whatever rows and metrics have in common. Every compared row
counts in the adjustment, also one that could not be tested: a verdict must not come easier where
runs fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from workbench.statistics import sequential
from workbench.statistics.comparison import (
    LEVEL,
    Comparison,
    Interval,
    Verdict,
    adjust,
    step_level,
)
from workbench.statistics.facts import Method, Outcome, Race, Row, RunRecord, scores
from workbench.statistics.metric import TOP1, Metric
from workbench.statistics.power import seeds_needed
from workbench.statistics.shared import compare_shared
from workbench.statistics.student import (
    RESAMPLES,
    Student,
    bootstrap,
    detectable,
    rounding_error,
    student,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """A row over its seeds. Runs that did not complete are counted by outcome, never averaged."""

    variant: str
    runs: int
    completed: int
    mean: float | None
    sd: float | None
    images_per_second: float | None
    alone: bool | None  # whether all that was measured beside no other work; None: not known
    ended: tuple[tuple[Outcome, int], ...]  # what did not complete
    reasons: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """`completed`, `3 of 3 diverged`, `1 of 3 diverged, 1 of 3 failed`; empty without runs."""
        if not self.ended:
            return str(Outcome.COMPLETED) if self.runs else ""
        return ", ".join(f"{count} of {self.runs} {outcome}" for outcome, count in self.ended)


def summarise(row: Row, runs: Sequence[RunRecord], metric: Metric = TOP1) -> Summary:
    """The runs of one row; mean and sample standard deviation are over those that completed."""
    own = [run for run in runs if run.variant == row.name]
    found = scores(runs, row.name, metric)
    done = [run for run in own if run.outcome is Outcome.COMPLETED]
    timed = [run for run in done if run.images_per_second]
    speed = [run.images_per_second for run in timed if run.images_per_second]
    loads = {run.alone for run in timed}
    counts = [
        (outcome, sum(run.outcome is outcome for run in own))
        for outcome in Outcome
        if outcome is not Outcome.COMPLETED
    ]
    return Summary(
        variant=row.name,
        runs=len(own),
        completed=len(done),
        mean=float(np.mean(found)) if found else None,
        sd=float(np.std(found, ddof=1)) if len(found) > 1 else None,
        images_per_second=float(np.mean(speed)) if speed else None,
        alone=False if False in loads else None if None in loads or not timed else True,
        ended=tuple((outcome, count) for outcome, count in counts if count),
        reasons=tuple(dict.fromkeys(run.reason for run in own if run.reason)),
    )


def compare_rows(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    race: Race | None = None,
    resamples: int = RESAMPLES,
    images: int | None = None,
    method: Method | None = None,
) -> dict[str, Comparison]:
    """Every row that is compared to another, by variant, in the first metric of the method.

    All comparisons of a plan are one family of tests. Of a row that is compared to several, the
    further ones are `also` in the first.

    `seeds` is the order they were run in, which the sequential method of a `race` needs; `images`
    is the size of the test set. Without a `method`, each row has its own variance.
    """
    return compare_metrics(rows, runs, seeds, race, resamples, images, method)[0]


def compare_metrics(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    race: Race | None = None,
    resamples: int = RESAMPLES,
    images: int | None = None,
    method: Method | None = None,
) -> tuple[dict[str, Comparison], ...]:
    """`compare_rows` in every metric of the method; they share one adjustment."""
    method = method or Method()
    found = _compare_own(rows, runs, seeds, race, resamples, images, method)
    if method.variance == "shared":
        least = rounding_error(images)
        found = compare_shared(rows, found, runs, seeds, method, race, least)
    return tuple(_by_row(compared) for compared in found)


def _by_row(compared: Sequence[Comparison]) -> dict[str, Comparison]:
    by_row: dict[str, list[Comparison]] = {}
    for each in compared:
        by_row.setdefault(each.variant, []).append(each)
    return {name: own[0].replaced(also=tuple(own[1:])) for name, own in by_row.items()}


def _compare_own(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    race: Race | None,
    resamples: int,
    images: int | None,
    method: Method,
) -> tuple[list[Comparison], ...]:
    compared = [
        row.model_copy(update={"compared_to": other}) for row in rows for other in row.contrasts
    ]
    cells = [(metric, row) for metric in method.metrics for row in compared]
    pairs = [paired(row, runs, seeds, metric) for metric, row in cells]
    tests = [
        _test(list(found.values()), race, rounding_error(images) * metric.counts, metric.finest)
        for found, (metric, _) in zip(pairs, cells, strict=True)
    ]
    adjusted = adjust([1.0 if test is None else float(test.p) for test in tests], method)
    family = method.tests(len(compared))
    found: dict[str, list[Comparison]] = {metric.key: [] for metric in method.metrics}
    for (metric, row), pair, test, p in zip(cells, pairs, tests, adjusted, strict=True):
        found[metric.key].append(
            _comparison(row, metric, pair, test, float(p), family, race, resamples)
        )
    return tuple(found.values())


def paired(
    row: Row, runs: Sequence[RunRecord], seeds: Sequence[int], metric: Metric = TOP1
) -> dict[int, float]:
    """Seed to difference, for the seeds that both rows completed, in the order of `seeds`."""
    own, other = (
        {run.seed: run.score(metric) for run in runs if run.variant == name}
        for name in (row.name, row.compared_to)
    )
    found = dict[int, float]()
    for seed in seeds:
        mine, theirs = own.get(seed), other.get(seed)
        if mine is not None and theirs is not None:
            found[seed] = mine - theirs
    return found


def _test(
    differences: list[float], race: Race | None, least: float, finest: float
) -> Student | None:
    """The test of one row; none where there are too few pairs or their spread is unknown."""
    if len(differences) < (2 if race is None else race.least):
        return None
    if race is None:
        found = student(differences, least=least, finest=finest)
    else:
        counts = range(race.least, len(differences) + 1)
        looks = (student(differences[:n], least=least, finest=finest).p for n in counts)
        p = sequential.sequential_p(race, min(float(look) for look in looks))
        found = replace(student(differences, least=least, finest=finest), p=np.asarray(p))
    return found if np.isfinite(found.low) else None


def _comparison(
    row: Row,
    metric: Metric,
    found: dict[int, float],
    test: Student | None,
    p_holm: float,
    comparisons: int,
    race: Race | None,
    resamples: int,
) -> Comparison:
    differences = tuple(found.values())
    share = LEVEL / comparisons
    level = share if race is None else sequential.nominal_level(race, share)
    verdict = _verdict(test, p_holm, metric)
    drawn = resamples if test else 0
    return Comparison(
        variant=row.name,
        compared_to=row.compared_to or "",
        seeds=tuple(found),
        differences=differences,
        mean=float(np.mean(differences)) if differences else None,
        sd=float(np.std(differences, ddof=1)) if len(differences) > 1 else None,
        interval=_interval(test, p_holm, comparisons, race) if test else None,
        bootstrap=bootstrap(differences, resamples=drawn, finest=metric.finest) if drawn else None,
        p=float(test.p) if test else None,
        p_holm=p_holm if test else None,
        detectable=detectable(float(test.error), test.n, level) if test else None,
        verdict=verdict,
        reason="" if test else _reason(len(differences), race),
        takes=_takes(test, comparisons) if test and verdict is Verdict.UNDECIDED else None,
        metric=metric,
    )


def _interval(test: Student, p_holm: float, comparisons: int, race: Race | None) -> Interval:
    """At the level of the verdict: it leaves zero out just where that is helps or hurts."""
    level = float(step_level(test.p, p_holm, comparisons))
    nominal = level if race is None else sequential.nominal_level(race, level)
    half = float(special.stdtrit(test.n - 1, 1 - nominal / 2) * test.error)
    return Interval(float(test.mean) - half, float(test.mean) + half)


def _takes(test: Student, comparisons: int) -> int | None:
    """None, too, where the step of the test set decides, which no number of seeds makes finer."""
    if test.error > test.sd / np.sqrt(test.n):
        return None
    return seeds_needed(abs(float(test.mean)), float(test.sd) ** 2, 2, comparisons)


def _verdict(test: Student | None, p_holm: float, metric: Metric) -> Verdict:
    if test is None:
        return Verdict.NONE
    if p_holm > LEVEL:
        return Verdict.UNDECIDED
    return Verdict.HELPS if metric.better(float(test.mean)) else Verdict.HURTS


def _reason(pairs: int, race: Race | None) -> str:
    if pairs == 0:
        return "no seed completed on both sides"
    if pairs == 1:
        return "one seed gives no verdict"
    if race is not None and pairs < race.least:
        return f"{pairs} paired seeds of the {race.least} that the race begins with"
    return f"all {pairs} seeds differ by the same amount, so the spread is unknown"
