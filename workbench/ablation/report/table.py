"""The main table of an ablation: its columns, defined once for all renderers, and its notes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.ablation.racing import next_seeds
from workbench.ablation.records import Outcome, PlanFacts, Row, RunRecord, check
from workbench.ablation.report.sheet import Cell, Heading, Sheet, Value, count_text, top1_text
from workbench.ablation.statistics import (
    Comparison,
    Summary,
    Verdict,
    compare_rows,
    rounding_error,
    summarise,
)


@dataclass(frozen=True, slots=True)
class Line:
    """All that is known of one row."""

    row: Row
    summary: Summary
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, the unrounded values below it and their text."""

    heading: Heading
    values: Callable[[Line], tuple[Value, ...]]
    text: Callable[[Line], str]

    def cell(self, line: Line) -> Cell:
        return Cell(self.text(line), self.values(line))


def ablation_lines(
    facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord]
) -> tuple[Line, ...]:
    """Summary and comparison of every row, in the order of the plan."""
    check(tuple(rows), tuple(runs))
    compared = compare_rows(rows, runs, facts.seeds, facts.race, images=facts.test_images)
    return tuple(Line(row, summarise(row, runs), compared.get(row.variant)) for row in rows)


def ablation_sheet(facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord]) -> Sheet:
    """The main table of a plan."""
    lines = ablation_lines(facts, rows, runs)
    return Sheet(
        title=facts.name,
        headings=tuple(column.heading for column in COLUMNS),
        rows=tuple(tuple(column.cell(line) for column in COLUMNS) for line in lines),
        tones=tuple(tone(line) for line in lines),
        notes=footnotes(facts, lines, _unfinished(facts, rows, runs)),
    )


# ---------------------------------------------------------------- text of values


def difference_text(found: Comparison | None) -> str:
    """`+1.20 [+0.40, +2.00]`; the mean alone where there is no interval."""
    if found is None or found.mean is None:
        return ""
    if found.interval is None:
        return f"{found.mean:+.2f}"
    return f"{found.mean:+.2f} [{found.interval.low:+.2f}, {found.interval.high:+.2f}]"


def verdict_text(found: Comparison | None) -> str:
    """`helps`; `within noise (could have seen 0.81)`; `no verdict: one seed gives no verdict`."""
    if found is None:
        return ""
    if found.verdict is Verdict.NOISE and found.detectable is not None:
        return f"{found.verdict} (could have seen {found.detectable:.2f})"
    return str(found.verdict) if found.verdict is not Verdict.NONE else f"none: {found.reason}"


def outcome_text(line: Line) -> str:
    """The outcome and, where runs were lost, the first reason."""
    if not line.summary.ended or not line.summary.reasons:
        return line.summary.outcome
    return f"{line.summary.outcome}: {line.summary.reasons[0]}"


def tone(line: Line) -> str:
    """How a row is coloured."""
    if line.summary.ended:
        return "lost"
    verdict = line.comparison.verdict if line.comparison else None
    return {Verdict.HELPS: "good", Verdict.HURTS: "bad"}.get(verdict, "") if verdict else ""


def _bootstrap_text(line: Line) -> str:
    found = line.comparison.bootstrap if line.comparison else None
    return f"[{found.low:+.2f}, {found.high:+.2f}]" if found else ""


def _p_text(line: Line) -> str:
    p = line.comparison.p_holm if line.comparison else None
    if p is None:
        return ""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def _difference_values(line: Line) -> tuple[Value, ...]:
    found = line.comparison
    if found is None:
        return (None,) * 5
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    return found.mean, low, high, found.sd, len(found.seeds)


def _bootstrap_values(line: Line) -> tuple[Value, ...]:
    found = line.comparison.bootstrap if line.comparison else None
    return (found.low, found.high) if found else (None, None)


def _p_values(line: Line) -> tuple[Value, ...]:
    return (line.comparison.p, line.comparison.p_holm) if line.comparison else (None, None)


def _verdict_values(line: Line) -> tuple[Value, ...]:
    found = line.comparison
    return (str(found.verdict), found.detectable, found.reason) if found else (None, None, None)


def _outcome_values(line: Line) -> tuple[Value, ...]:
    ended = dict(line.summary.ended)
    lost = (ended.get(outcome, 0) for outcome in Outcome if outcome is not Outcome.COMPLETED)
    return line.summary.outcome, *lost, "; ".join(line.summary.reasons)


COLUMNS = (
    Column(
        Heading("Variant", ("variant",), right=False),
        lambda line: (line.row.variant,),
        lambda line: line.row.variant,
    ),
    Column(
        Heading("Changed", ("changed",), right=False, rank=4, under="all"),
        lambda line: (line.row.changed,),
        lambda line: line.row.changed,
    ),
    Column(
        Heading("Params", ("params",), rank=5),
        lambda line: (line.row.params,),
        lambda line: count_text(line.row.params),
    ),
    Column(
        Heading("MACs", ("macs",), rank=3),
        lambda line: (line.row.macs,),
        lambda line: count_text(line.row.macs),
    ),
    Column(
        Heading("Top-1, %", ("top1_mean", "top1_std"), rank=1),
        lambda line: (line.summary.mean, line.summary.sd),
        lambda line: top1_text(line.summary.mean, line.summary.sd),
    ),
    Column(
        Heading("Seeds", ("completed", "runs"), rank=2),
        lambda line: (line.summary.completed, line.summary.runs),
        lambda line: f"{line.summary.completed}/{line.summary.runs}",
    ),
    Column(
        Heading(
            "Difference [95 %]",
            (
                "difference",
                "difference_low",
                "difference_high",
                "difference_std",
                "pairs",
            ),
        ),
        _difference_values,
        lambda line: difference_text(line.comparison),
    ),
    Column(
        Heading("Verdict", ("verdict", "detectable", "verdict_reason"), right=False),
        _verdict_values,
        lambda line: verdict_text(line.comparison),
    ),
    Column(
        Heading(
            "Outcome",
            ("outcome", "diverged", "infeasible", "pruned", "failed", "interrupted", "reasons"),
            right=False,
            rank=6,
            under="lost",
        ),
        _outcome_values,
        outcome_text,
    ),
    Column(
        Heading("Images/s", ("images_per_second",), wide=True),
        lambda line: (line.summary.images_per_second,),
        lambda line: (
            f"{line.summary.images_per_second:.0f}" if line.summary.images_per_second else ""
        ),
    ),
    Column(
        Heading("Compared to", ("compared_to",), right=False, wide=True),
        lambda line: (line.row.compared_to,),
        lambda line: line.row.compared_to or "",
    ),
    Column(
        Heading("Bootstrap", ("bootstrap_low", "bootstrap_high"), wide=True),
        _bootstrap_values,
        _bootstrap_text,
    ),
    Column(Heading("p (Holm)", ("p", "p_holm"), wide=True), _p_values, _p_text),
)


# ---------------------------------------------------------------- footnotes


def footnotes(facts: PlanFacts, lines: Sequence[Line], unfinished: str) -> tuple[str, ...]:
    """What a reader of the table has to know, in full sentences."""
    texts = [
        _about(facts),
        _method(facts),
        _counted(facts),
        _raced(facts, lines),
        unfinished,
        _short_of_seeds(lines),
        order_note(facts.kind),
        *facts.notes,
    ]
    return tuple(text for text in texts if text)


def order_note(kind: str) -> str:
    """Why the order of components matters to what a plan of this kind can say."""
    if kind == "additive":
        return (
            "Each row adds a component to the row before, so a component is credited with what it "
            "brings on top of those before it; another order gives other credits. A full factorial "
            "plan averages over all orders."
        )
    if kind == "leave_one_out":
        return (
            "Each row takes one component from the whole. What two components can do in each "
            "other's place is credited to neither, what they only do together to both: the "
            "differences need not add up. A full factorial plan averages over all orders."
        )
    return ""


def _about(facts: PlanFacts) -> str:
    parts = [
        facts.dataset and f"Data: {facts.dataset}.",
        facts.recipe and f"Recipe: {facts.recipe}.",
        "Top-1 in percent, mean and sample standard deviation over the completed seeds; "
        "1 MAC is one multiply-add of one image's forward pass.",
    ]
    return " ".join(part for part in parts if part)


def _method(facts: PlanFacts) -> str:
    if facts.race is None:
        intervals = "with Student's 95 % interval for that row alone"
        adjusted = "paired t tests adjusted over the rows by Holm's method"
    else:
        intervals = "with a repeated 95 % interval that allows for every look"
        adjusted = (
            f"group-sequential paired t tests (Pocock's, looks from {facts.race.least} to "
            f"{facts.race.most} seeds) adjusted over the rows by Holm's method"
        )
    return (
        f"Differences are in percentage points, paired by seed, {intervals}. Verdicts are by "
        f"{adjusted}, at 5 % for the plan; an interval may exclude zero where the verdict is "
        "'within noise'. 'Could have seen' is the smallest true difference that as many seeds "
        "with this spread find at that level in 80 of 100 plans."
    )


def _counted(facts: PlanFacts) -> str:
    if facts.test_images is None:
        return ""
    images = facts.test_images
    return (
        f"Top-1 counts {images:,} test images, in steps of {100 / images:.2g} points. The standard "
        f"error of a mean difference is taken as no less than step / sqrt(6) = "
        f"{rounding_error(images):.2g} points, for a rounding that all seeds repeat does not "
        "average out."
    )


def _raced(facts: PlanFacts, lines: Sequence[Line]) -> str:
    if facts.race is None:
        return ""
    took, most = sum(line.summary.runs for line in lines), facts.race.most * len(lines)
    return (
        f"A race: each comparison without a verdict got a further seed, on both its sides; {took} "
        f"runs in place of {most}."
    )


def _unfinished(facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord]) -> str:
    if facts.race is not None:
        wanted = next_seeds(rows, runs, facts.seeds, facts.race, facts.test_images)
        names = ", ".join(each.variant for each in wanted)
        return f"Not finished: the race goes on for {names}." if wanted else ""
    planned, ended = len(facts.seeds) * len(rows), len(runs)
    return f"Not finished: {ended} of {planned} runs have ended." if ended < planned else ""


def _short_of_seeds(lines: Sequence[Line]) -> str:
    lost = [line.row.variant for line in lines if line.summary.ended and line.summary.completed]
    if not lost:
        return ""
    return (
        f"Not every seed completed for {', '.join(lost)}: mean and difference are of those that "
        "did, which may flatter the variant."
    )
