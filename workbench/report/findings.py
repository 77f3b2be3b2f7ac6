"""What a sweep shows, found once for its tables, its figures, its page and its notes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from workbench import published
from workbench.published import PublishedRow
from workbench.runs.rows import StoredRun
from workbench.statistics.attribution import Attribution, attribute, full_factorial
from workbench.statistics.effects import Effects, Interactions, main_effects, pair_interactions
from workbench.statistics.facts import PlanFacts, Row, check
from workbench.statistics.paired import Comparison, Summary, compare_rows, summarise
from workbench.statistics.racing import Wanted, next_seeds

if TYPE_CHECKING:
    from workbench.runs.results import Sweep

Shares = Attribution | Effects | Interactions


@dataclass(frozen=True, slots=True)
class RowResult:
    """All that is known of one row."""

    row: Row
    summary: Summary
    comparison: Comparison | None


@dataclass(frozen=True)
class Findings:
    """A plan, its rows, the runs that have ended, and what they show.

    What has to be computed is computed when it is first read, and then kept. Raises `InputError`
    for rows and runs that would be counted wrongly.
    """

    facts: PlanFacts
    rows: tuple[Row, ...]
    runs: tuple[StoredRun, ...]
    where: str = ""  # the folder or ledger that was read, as it was asked for

    def __post_init__(self) -> None:
        check(self.rows, self.runs)

    @classmethod
    def of(cls, sweep: "Sweep", where: str = "") -> "Findings":
        """Those of a sweep that was read."""
        return cls(sweep.facts(), sweep.rows(), sweep.records(), where)

    @cached_property
    def results(self) -> tuple[RowResult, ...]:
        """Summary and comparison of every row, in the order of the plan."""
        facts = self.facts
        compared = compare_rows(
            self.rows,
            self.runs,
            facts.seeds,
            facts.race,
            images=facts.test_images,
            method=facts.method,
        )
        return tuple(
            RowResult(row, summarise(row, self.runs), compared.get(row.name)) for row in self.rows
        )

    def compared(self, to: Mapping[str, str]) -> dict[str, Comparison]:
        """Verdicts of rows compared to others than their plan says: `to` has both by variant."""
        facts = self.facts
        rows = [row.model_copy(update={"compared_to": to.get(row.name)}) for row in self.rows]
        return compare_rows(
            rows, self.runs, facts.seeds, facts.race, 0, facts.test_images, facts.method
        )

    @cached_property
    def shares(self) -> Shares | None:
        """What the plan can tell of its components; None where its kind or its runs can't."""
        facts, rows = self.facts, self.rows
        kinds: dict[str, Callable[..., Shares | None]]
        kinds = {"factorial": main_effects, "pairs": pair_interactions}
        tell = attribute if full_factorial(rows) else kinds.get(facts.kind)
        if tell is None or any(row.present is None for row in rows):
            return None
        return tell(rows, self.runs, facts.seeds, facts.test_images)

    @cached_property
    def wanted(self) -> tuple[Wanted, ...]:
        """The seeds that a race still asks for; none where there is no race."""
        facts = self.facts
        if facts.race is None:
            return ()
        # As the race itself goes on: without what the images say, which it does not wait for.
        method = replace(facts.method, known=None)
        return next_seeds(self.rows, self.runs, facts.seeds, facts.race, facts.test_images, method)

    @cached_property
    def published(self) -> Mapping[str, tuple[PublishedRow, ...]]:
        """The published rows that the rows stand for, by variant."""
        return {row.name: published.find(row.published) for row in self.rows if row.published}
