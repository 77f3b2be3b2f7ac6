"""What a sweep shows, found once for its tables, its figures, its page and its notes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from workbench import published
from workbench.published import PublishedRow
from workbench.runs.rows import StoredRun
from workbench.statistics.attribution import Attribution, attribute, full_factorial
from workbench.statistics.comparison import Comparison
from workbench.statistics.effects import Effects, Interactions, main_effects, pair_interactions
from workbench.statistics.facts import Method, PlanFacts, Race, Row, check
from workbench.statistics.metric import OF_TASK, Metric, score_of
from workbench.statistics.paired import Summary, compare_metrics, compare_rows, summarise
from workbench.statistics.racing import Wanted, next_seeds
from workbench.statistics.student import RESAMPLES

if TYPE_CHECKING:
    from workbench.runs.results import Sweep

Shares = Attribution | Effects | Interactions


@dataclass(frozen=True, slots=True)
class RowResult:
    """All that is known of one row."""

    row: Row
    summary: Summary  # in the first metric of the plan
    comparison: Comparison | None
    others: tuple["InMetric", ...] = ()

    def level(self, metric: Metric, first: Metric) -> tuple[float | None, float | None]:
        """Mean and spread in `metric`, where `first` is the first metric of the plan."""
        if metric == first:
            return self.summary.mean, self.summary.sd
        found = next((each for each in self.others if each.metric == metric), None)
        return (found.mean, found.sd) if found else (None, None)

    @property
    def declared(self) -> tuple[Comparison, ...]:
        """Its comparisons that have verdicts, in every metric of the plan."""
        more = (each.comparison for each in self.others if each.declared)
        return tuple(each for each in (self.comparison, *more) if each is not None)

    def against(self, place: int) -> "RowResult":
        """The same, compared to the row of that place in `Row.contrasts`."""
        others = tuple(
            replace(each, comparison=_at(each.comparison, place)) for each in self.others
        )
        return replace(self, comparison=_at(self.comparison, place), others=others)


def _at(found: Comparison | None, place: int) -> Comparison | None:
    return found if found is None or place == 0 else found.also[place - 1]


@dataclass(frozen=True, slots=True)
class InMetric:
    """A row in another metric than the first. One that the plan did not declare stands beside its
    verdicts as support: its comparison is not adjusted, and is no verdict."""

    metric: Metric
    mean: float | None
    sd: float | None
    comparison: Comparison | None
    declared: bool


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
        facts, method = self.facts, self.facts.method
        support = tuple(each for each in OF_TASK[facts.task] if each not in method.metrics)
        beside = replace(method, metrics=support, adjusted=False, equivalent=None)
        found = dict(
            zip(method.metrics, self._compared(method, facts.race, RESAMPLES), strict=True)
        )
        if any(run.score(each) is not None for run in self.runs for each in support):
            found |= dict(zip(support, self._compared(beside, None), strict=True))
        return tuple(self._result(row, found) for row in self.rows)

    @cached_property
    def contrasts(self) -> tuple[RowResult, ...]:
        """The results, with an entry for each comparison of a row that is compared to several."""
        return tuple(
            each.against(place)
            for each in self.results
            for place in range(max(len(each.row.contrasts), 1))
        )

    @property
    def other_networks(self) -> bool:
        """Whether each row that is compared is another network than the one it is compared to, as
        far as sizes tell: else they differ in their training."""
        sizes = {row.name: (row.params, row.macs) for row in self.rows}
        pairs = [(row.name, to) for row in self.rows for to in row.contrasts]
        return all(None in sizes[one] or sizes[one] != sizes[to] for one, to in pairs)

    @cached_property
    def at_values(self) -> Mapping[str, tuple[RowResult, ...]]:
        """In a plan at several values of training the comparisons of each row, as it is written, at
        all values; a row that is compared to several has an entry for each."""
        written = {row.name: row.of for row in self.rows}
        found: dict[str, tuple[RowResult, ...]] = {}
        for each in self.contrasts:
            if each.row.of is not None and each.comparison is not None:
                other = written[each.comparison.compared_to] if each.row.also else None
                name = f"{each.row.of} (against {other})" if other else each.row.of
                found[name] = (*found.get(name, ()), each)
        return found

    @property
    def several(self) -> bool:
        """Whether a row is compared to several others, so that it has to be said to which."""
        return any(row.also for row in self.rows)

    @property
    def comparisons(self) -> list[Comparison]:
        """All that have verdicts, in the order of the table."""
        return [each for result in self.contrasts for each in result.declared]

    @property
    def metric(self) -> Metric:
        """The first of the plan."""
        return self.facts.method.metrics[0]

    @property
    def score(self) -> Metric:
        """What validation chooses by, whatever the verdicts are about."""
        return score_of(self.facts.task)

    @cached_property
    def metrics(self) -> tuple[tuple[Metric, bool], ...]:
        """What is shown of every row, and whether the plan declared it; the first one first."""
        others = self.results[0].others if self.results else ()
        more = ((each.metric, each.declared) for each in others)
        return ((self.metric, True), *more)

    def _compared(
        self, method: Method, race: Race | None, resamples: int = 0
    ) -> tuple[dict[str, Comparison], ...]:
        facts = self.facts
        return compare_metrics(
            self.rows, self.runs, facts.seeds, race, resamples, facts.test_images, method
        )

    def _result(self, row: Row, found: Mapping[Metric, Mapping[str, Comparison]]) -> RowResult:
        declared = self.facts.method.metrics
        summaries = {metric: summarise(row, self.runs, metric) for metric in found}
        others = tuple(
            InMetric(
                metric, summaries[metric].mean, summaries[metric].sd,
                compared.get(row.name), metric in declared,
            )
            for metric, compared in found.items()
            if metric != declared[0]
        )  # fmt: skip
        return RowResult(row, summaries[declared[0]], found[declared[0]].get(row.name), others)

    def compared(self, to: Mapping[str, str]) -> dict[str, Comparison]:
        """Verdicts of rows compared to others than their plan says: `to` has both by variant."""
        facts = self.facts
        rows = [
            row.model_copy(update={"compared_to": to.get(row.name), "also": ()})
            for row in self.rows
        ]
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
        return tell(rows, self.runs, facts.seeds, facts.test_images, self.metric)

    @cached_property
    def wanted(self) -> tuple[Wanted, ...]:
        """The seeds that a race still asks for; none where there is no race."""
        facts = self.facts
        if facts.race is None:
            return ()
        return next_seeds(
            self.rows, self.runs, facts.seeds, facts.race, facts.test_images, facts.method
        )

    @cached_property
    def published(self) -> Mapping[str, tuple[PublishedRow, ...]]:
        """The published rows that the rows stand for, by variant."""
        return {row.name: published.find(row.published) for row in self.rows if row.published}
