"""Further seeds only to comparisons that are not decided. The method is in `sequential`."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.statistics.comparison import Comparison, Verdict
from workbench.statistics.facts import Method, Race, Row, RunRecord
from workbench.statistics.paired import compare_metrics

FUTILE = 0.15


@dataclass(frozen=True, slots=True)
class Wanted:
    """Seeds that a row should have been run with, and was not yet."""

    variant: str
    seeds: tuple[int, ...]


def next_seeds(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    race: Race,
    images: int | None = None,
    method: Method | None = None,
) -> tuple[Wanted, ...]:
    """What to run next; empty when the race is over. Pure: the same state, the same answer.

    Every row first gets `race.least` seeds. Then each comparison without a verdict (helps, hurts)
    gets one more seed, on both its sides, until it has had `race.most`, or is futile: by what is
    seen so far, its chance of a verdict by then is below FUTILE. Stopping for that can only lower
    the chance of a false verdict. A row of which no run completed gets no more: its outcome is its
    answer. `runs` are those that ended for
    good; `seeds` has at least `race.most` entries; `images` is the size of the test set.
    """
    order = tuple(seeds[: race.most])
    decided = _decided(rows, runs, order, race, images, method)
    share = {row.name: race.least for row in rows}
    for row in rows:
        for other in row.contrasts:
            sides = (row.name, other)
            if sides in decided:
                continue
            if all(_runs_on(side, runs, order[: race.least]) for side in sides):
                had = min(_had(side, runs, order) for side in sides)
                for side in sides:
                    share[side] = max(share[side], had + 1)
    ran = {(run.variant, run.seed) for run in runs}
    missing = (
        (row.name, tuple(s for s in order[: share[row.name]] if (row.name, s) not in ran))
        for row in rows
    )
    return tuple(Wanted(variant, lacking) for variant, lacking in missing if lacking)


def _decided(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    order: Sequence[int],
    race: Race,
    images: int | None,
    method: Method | None,
) -> set[tuple[str, str]]:
    """The pairs of rows that want no further seeds, in any metric."""
    found = compare_metrics(rows, runs, order, race, 0, images, method)
    pairs = [[each for first in of.values() for each in (first, *first.also)] for of in found]
    return {
        (each[0].variant, each[0].compared_to)
        for each in zip(*pairs, strict=True)
        if all(map(_settled, each))
    }


def _settled(found: Comparison) -> bool:
    """Whether there is a verdict, or none to come."""
    over = found.verdict in (Verdict.HELPS, Verdict.HURTS, Verdict.EQUIVALENT)
    return over or (found.chance is not None and found.chance < FUTILE)


def _runs_on(variant: str, runs: Sequence[RunRecord], first: Sequence[int]) -> bool:
    """Whether the row may have further seeds: it had the first ones, and one of them completed."""
    own = {run.seed: run for run in runs if run.variant == variant}
    return all(seed in own for seed in first) and any(
        run.measured is not None for run in own.values()
    )


def _had(variant: str, runs: Sequence[RunRecord], order: Sequence[int]) -> int:
    """How many of the first seeds the row was run with, without a gap."""
    ran = {run.seed for run in runs if run.variant == variant}
    return next((index for index, seed in enumerate(order) if seed not in ran), len(order))
