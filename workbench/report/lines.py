"""What the tables and figures of an ablation read: each row with its summary and comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.statistics.facts import PlanFacts, Row, RunRecord, check
from workbench.statistics.paired import Comparison, Summary, Verdict, compare_rows, summarise


@dataclass(frozen=True, slots=True)
class Line:
    """All that is known of one row."""

    row: Row
    summary: Summary
    comparison: Comparison | None


def lost_to_adjustment(found: Comparison | None) -> bool:
    """Whether the interval, of this row alone, leaves zero out where the verdict does not."""
    if found is None or found.interval is None or found.verdict is not Verdict.NOISE:
        return False
    return found.interval.low > 0 or found.interval.high < 0


def verdict_words(found: Comparison) -> str:
    """The verdict, as people read it: `within noise once adjusted` where that is what decided."""
    return f"{found.verdict} once adjusted" if lost_to_adjustment(found) else str(found.verdict)


def ablation_lines(
    facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord]
) -> tuple[Line, ...]:
    """Summary and comparison of every row, in the order of the plan."""
    check(tuple(rows), tuple(runs))
    compared = compare_rows(rows, runs, facts.seeds, facts.race, images=facts.test_images)
    return tuple(Line(row, summarise(row, runs), compared.get(row.variant)) for row in rows)
