"""The main table of an ablation: its columns, defined once for all renderers, and its notes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.report.beside_published import same_dataset, short_text
from workbench.report.findings import Findings, RowResult
from workbench.report.notes import console_notes, footnotes
from workbench.report.verdicts import difference_text, verdict_text
from workbench.show.console import count_text
from workbench.show.sheet import Cell, Heading, Sheet, Value, top1_text
from workbench.statistics.facts import Outcome
from workbench.statistics.paired import Verdict


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, the unrounded values below it and their text."""

    heading: Heading
    values: Callable[[RowResult], tuple[Value, ...]]
    text: Callable[[RowResult], str]

    def cell(self, line: RowResult) -> Cell:
        return Cell(self.text(line), self.values(line))


def ablation_sheet(found: Findings) -> Sheet:
    """The main table of a plan."""
    columns = (*COLUMNS, _published_column(found)) if found.published else COLUMNS
    return _sheet(found.facts.name, columns, found.results, footnotes(found) + _sources(found))


def console_sheet(found: Findings) -> Sheet:
    """The same for a console: the rows that have runs, and the notes that matter to them.

    Published numbers stand there where they are of the same data set; else in the files alone.
    """
    facts, known = found.facts, found.published
    there = any(same_dataset(facts.dataset, row.dataset) for each in known.values() for row in each)
    columns = (*COLUMNS, _published_column(found)) if there else COLUMNS
    begun = [each for each in found.results if each.summary.runs] or found.results
    notes = [*console_notes(found)]
    if waiting := [each.row.variant for each in found.results if each not in begun]:
        names, rows = ", ".join(waiting), len(found.rows)
        notes.append(f"{len(waiting)} of {rows} rows have no runs and are left out: {names}.")
    if known:
        where = "" if there else ", of another data set,"
        notes.append(f"Published numbers{where} are in published.md, with where they were read.")
    title = f"{facts.name}: {facts.question}" if facts.question else facts.name
    return _sheet(title, columns, begun, notes)


def _sheet(
    title: str, columns: Sequence[Column], results: Sequence[RowResult], notes: Sequence[str]
) -> Sheet:
    return Sheet(
        title=title,
        headings=tuple(column.heading for column in columns),
        rows=tuple(tuple(column.cell(each) for column in columns) for each in results),
        tones=tuple(tone(each) for each in results),
        notes=tuple(notes),
    )


# ---------------------------------------------------------------- published numbers


def _published_column(found: Findings) -> Column:
    keys = ("published_top1", "published_on", "published_source")

    def values(line: RowResult) -> tuple[Value, ...]:
        rows = found.published.get(line.row.variant, ())
        top1 = dict.fromkeys(row.top1 for row in rows if row.top1 is not None)
        return (
            next(iter(top1)) if len(top1) == 1 else None,  # sources that differ: see the text
            "; ".join(dict.fromkeys(row.dataset for row in rows)) or None,
            "; ".join(dict.fromkeys(row.source for row in rows)) or None,
        )

    return Column(
        Heading("Published, %", keys, right=False, rank=7),
        values,
        lambda line: short_text(found.published.get(line.row.variant, ()), found.facts.dataset),
    )


def _sources(found: Findings) -> tuple[str, ...]:
    if not found.published:
        return ()
    listed = dict.fromkeys(row.source for rows in found.published.values() for row in rows)
    return (
        "Published numbers are other people's, with their networks and recipes; on another data "
        f"set only the direction of a difference can be compared. Read in: {'; '.join(listed)}.",
    )


# ---------------------------------------------------------------- text of values


def outcome_text(line: RowResult) -> str:
    """The outcome and, where runs were lost, the first reason."""
    if not line.summary.ended or not line.summary.reasons:
        return line.summary.outcome
    return f"{line.summary.outcome}: {line.summary.reasons[0]}"


def tone(line: RowResult) -> str:
    """How a row is coloured."""
    if line.summary.ended:
        return "lost"
    verdict = line.comparison.verdict if line.comparison else None
    return {Verdict.HELPS: "good", Verdict.HURTS: "bad"}.get(verdict, "") if verdict else ""


def _bootstrap_text(line: RowResult) -> str:
    found = line.comparison.bootstrap if line.comparison else None
    return f"[{found.low:+.2f}, {found.high:+.2f}]" if found else ""


def _p_text(line: RowResult) -> str:
    p = line.comparison.p_holm if line.comparison else None
    if p is None:
        return ""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def _difference_values(line: RowResult) -> tuple[Value, ...]:
    found = line.comparison
    if found is None:
        return (None,) * 5
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    return found.mean, low, high, found.sd, len(found.seeds)


def _bootstrap_values(line: RowResult) -> tuple[Value, ...]:
    found = line.comparison.bootstrap if line.comparison else None
    return (found.low, found.high) if found else (None, None)


def _p_values(line: RowResult) -> tuple[Value, ...]:
    return (line.comparison.p, line.comparison.p_holm) if line.comparison else (None, None)


def _verdict_values(line: RowResult) -> tuple[Value, ...]:
    found = line.comparison
    return (str(found.verdict), found.detectable, found.reason) if found else (None, None, None)


def _outcome_values(line: RowResult) -> tuple[Value, ...]:
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
        Heading("Top-1, %", ("top1_mean", "top1_std")),
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
            rank=1,
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
