"""What the tables and figures of an ablation read: each row with its summary and comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.ablation.records import PlanFacts, Row, RunRecord, check
from workbench.ablation.statistics import Comparison, Summary, compare_rows, summarise


@dataclass(frozen=True, slots=True)
class Line:
    """All that is known of one row."""

    row: Row
    summary: Summary
    comparison: Comparison | None


def ablation_lines(
    facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord]
) -> tuple[Line, ...]:
    """Summary and comparison of every row, in the order of the plan."""
    check(tuple(rows), tuple(runs))
    compared = compare_rows(rows, runs, facts.seeds, facts.race, images=facts.test_images)
    return tuple(Line(row, summarise(row, runs), compared.get(row.variant)) for row in rows)
