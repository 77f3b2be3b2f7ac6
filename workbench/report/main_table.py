"""The main table of an ablation, for files and for a console."""

from collections.abc import Sequence

from workbench.report.beside_published import same_dataset, short_text, sources
from workbench.report.findings import Findings, RowResult
from workbench.report.notes import console_notes, footnotes
from workbench.report.verdicts import ends, interval_text, mean_text, verdict_text
from workbench.show.console import count_text
from workbench.show.table import Cell, Column, Table, Tone, cell, number, top1_text
from workbench.statistics.facts import Outcome
from workbench.statistics.paired import Comparison, Verdict

COLUMNS = (
    Column("Variant", ("variant",), "name"),
    Column("Changed", ("changed",), "text", rank=4, under="all"),
    Column("Params", ("params",), rank=5),
    Column("MACs", ("macs",), rank=3),
    Column("Top-1, %", ("top1_mean", "top1_std")),
    Column("Seeds", ("completed", "runs"), rank=2),
    Column(
        "Difference",
        ("difference", "difference_low", "difference_high", "difference_std", "pairs"),
        rank=1,
    ),
    Column("Verdict", ("verdict", "takes", "verdict_reason"), "text"),
    Column("Detectable", ("detectable",), rank=6),
    Column(
        "Outcome",
        ("outcome", "diverged", "infeasible", "pruned", "failed", "interrupted", "reasons"),
        "text",
        rank=6,
        under="lost",
    ),
    Column("Images/s, load unknown", ("images_per_second",), files_only=True),
    Column("Compared to", ("compared_to",), "text", files_only=True),
    Column("Bootstrap", ("bootstrap_low", "bootstrap_high"), files_only=True),
    Column("p (Holm)", ("p", "p_holm"), files_only=True),
)
PUBLISHED = Column(
    "Published, %",
    ("published_top1", "published_on", "published_source", "published_confidence"),
    "text",
    rank=7,
)


def main_table(found: Findings) -> Table:
    """The main table of a plan."""
    notes = (*footnotes(found), *_sources(found))
    return _table(found, found.facts.name, found.results, notes, bool(found.published))


def console_table(found: Findings) -> Table:
    """The same for a console: the rows that have runs, and the notes that matter to them.

    Published numbers stand there where they are of the same data set; else in the files alone.
    """
    facts, known = found.facts, found.published
    there = any(same_dataset(facts.dataset, row.dataset) for each in known.values() for row in each)
    begun = [each for each in found.results if each.summary.runs] or found.results
    notes = [*console_notes(found)]
    if waiting := [each.row.name for each in found.results if each not in begun]:
        names, rows = ", ".join(waiting), len(found.rows)
        notes.append(f"{len(waiting)} of {rows} rows have no runs and are left out: {names}.")
    if known:
        where = "" if there else ", of another data set,"
        notes += _sources(found) if there else ()
        notes.append(f"Published numbers{where} are in published.md, with where they were read.")
    title = f"{facts.name}: {facts.question}" if facts.question else facts.name
    return _table(found, title, begun, notes, there)


def _table(
    found: Findings, title: str, results: Sequence[RowResult], notes: Sequence[str], published: bool
) -> Table:
    rows = [
        (*_cells(each), *((_published(found, each.row.name),) if published else ()))
        for each in results
    ]
    columns = (*COLUMNS, PUBLISHED) if published else COLUMNS
    return Table(title, columns, rows, [_tone(each) for each in results], tuple(notes))


def _cells(result: RowResult) -> tuple[Cell, ...]:
    row, summary, compared = result.row, result.summary, result.comparison
    return (
        cell(row.name),
        cell(row.changed),
        cell(count_text(row.params), row.params),
        cell(count_text(row.macs), row.macs),
        cell(top1_text(summary.mean, summary.sd), summary.mean, summary.sd),
        cell(f"{summary.completed}/{summary.runs}", summary.completed, summary.runs),
        *_compared(compared),
        _outcome(result),
        number(summary.images_per_second, ".0f"),
        cell(row.compared_to or "", row.compared_to),
        *_tested(compared),
    )


def _compared(found: Comparison | None) -> tuple[Cell, Cell, Cell]:
    """Difference, verdict and the smallest detectable difference."""
    if found is None:
        return cell("", *[None] * 5), cell("", *[None] * 3), number(None)
    values = (found.mean, *ends(found.interval), found.sd, len(found.seeds))
    difference = cell(mean_text(found.mean, found.interval), *values)
    verdict = cell(verdict_text(found), str(found.verdict), found.takes, found.reason)
    return difference, verdict, number(found.detectable, ".2f")


def _tested(found: Comparison | None) -> tuple[Cell, Cell]:
    """The bootstrap's interval and the p values."""
    if found is None:
        return (cell("", None, None),) * 2
    p = found.p_holm
    text = "" if p is None else "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"
    resampled = cell(interval_text(found.bootstrap), *ends(found.bootstrap))
    return resampled, cell(text, found.p, p)


def _outcome(result: RowResult) -> Cell:
    """The outcome and, where runs were lost, the first reason."""
    ended, reasons = dict(result.summary.ended), result.summary.reasons
    lost = (ended.get(outcome, 0) for outcome in Outcome if outcome is not Outcome.COMPLETED)
    outcome = result.summary.outcome
    text = f"{outcome}: {reasons[0]}" if ended and reasons else outcome
    return cell(text, outcome, *lost, "; ".join(reasons))


def _tone(result: RowResult) -> Tone:
    if result.summary.ended:
        return "lost"
    verdict = result.comparison.verdict if result.comparison else None
    return "good" if verdict is Verdict.HELPS else "bad" if verdict is Verdict.HURTS else ""


def _published(found: Findings, variant: str) -> Cell:
    rows = found.published.get(variant, ())
    top1 = dict.fromkeys(row.top1 for row in rows if row.top1 is not None)
    return cell(
        short_text(rows, found.facts.dataset, sources(found)),
        next(iter(top1)) if len(top1) == 1 else None,  # sources that differ: see the text
        "; ".join(dict.fromkeys(row.dataset for row in rows)) or None,
        "; ".join(dict.fromkeys(row.source for row in rows)) or None,
        "; ".join(dict.fromkeys(row.confidence for row in rows if row.confidence)) or None,
    )


def _sources(found: Findings) -> tuple[str, ...]:
    if not found.published:
        return ()
    listed = [f"[{place}] {source}" for place, source in enumerate(sources(found), 1)]
    return (
        "Published numbers are other people's, with their networks and recipes; on another data "
        f"set only the direction of a difference can be compared. Read in: {'; '.join(listed)}.",
    )
