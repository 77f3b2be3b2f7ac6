"""The main table of an ablation, for files and for a console."""

from collections.abc import Sequence

from workbench.published import same_dataset
from workbench.report.beside_published import (
    nearest_rows,
    published_column,
    short_text,
    sources,
)
from workbench.report.findings import Findings, InMetric, RowResult
from workbench.report.notes import OTHER, footnotes
from workbench.report.verdicts import ends, interval_text, mean_text, verdict_text
from workbench.show.console import count_text
from workbench.show.table import Cell, Column, Table, Tone, cell, number
from workbench.statistics.comparison import Comparison, Verdict
from workbench.statistics.facts import Outcome
from workbench.statistics.metric import Metric
from workbench.statistics.paired import Summary

ROW = (
    Column("Variant", ("variant",), "name"),
    Column("Changed", ("changed",), "text", rank=4, under="all"),
    Column("Params", ("params",), rank=5),
    Column("MACs", ("macs",), rank=3),
)
TUNED = Column("Tuned", ("tuned",), "text", rank=2)
SEEDS = Column("Seeds", ("completed", "runs"), rank=2)
REST = (
    Column(
        "Outcome",
        ("outcome", "diverged", "infeasible", "pruned", "failed", "interrupted", "reasons"),
        "text",
        rank=6,
        under="lost",
    ),
)


def _columns(found: Findings) -> tuple[Column, ...]:
    (first, _), *others = found.metrics
    several = any(declared for _, declared in others)
    more = [each for metric, declared in others for each in _of_other(metric, declared)]
    return (
        *ROW, *([TUNED] if found.facts.tuning else []), _level(first), SEEDS,
        *_compared_columns(first, several), *more, *REST,
        Column(_speed_title(found), ("images_per_second", "measured_alone"), files_only=True),
        Column("Compared to", ("compared_to",), "text", rank=1, files_only=not found.several),
        *_tested_columns(first, several),
        *(
            each
            for metric, declared in others
            if declared
            for each in _tested_columns(metric, True, f"{metric.key}_")
        ),
    )  # fmt: skip


def _speed_title(found: Findings) -> str:
    """What a reader has to know of the machine's load, where all rows are alike in it."""
    loads = {each.summary.alone for each in found.results if each.summary.images_per_second}
    return "Images/s, load unknown" if None in loads else "Images/s"


def _speed(found: Summary) -> Cell:
    beside = ", measured beside other work" if found.alone is False else ""
    speed = found.images_per_second
    if speed is None:
        return cell("", None, None)
    return cell(f"{speed:.0f}{beside}", speed, found.alone)


def _level(metric: Metric, rank: int = 0) -> Column:
    return Column(metric.title, (f"{metric.key}_mean", f"{metric.key}_std"), rank=rank)


def _compared_columns(metric: Metric, named: bool, prefix: str = "") -> tuple[Column, ...]:
    """Difference, verdict and the smallest detectable difference."""
    of = f", {metric.name}" if named else ""
    difference = ("", "_low", "_high", "_std")
    return (
        Column(
            f"Difference{of}",
            (*(f"{prefix}difference{end}" for end in difference), f"{prefix}pairs"),
            rank=1,
        ),
        Column(
            f"Verdict{of}",
            tuple(f"{prefix}{key}" for key in ("verdict", "takes", "verdict_reason")),
            "text",
        ),
        Column(f"Detectable{of}", (f"{prefix}detectable",), rank=6),
    )


def _of_other(metric: Metric, declared: bool) -> tuple[Column, ...]:
    """Of a metric beside the first; what was not declared has no verdict."""
    if declared:
        return _level(metric, 2), *_compared_columns(metric, True, f"{metric.key}_")
    keys = ("difference", "difference_low", "difference_high", "p_unadjusted")
    title = f"Difference of {metric.name}, unadjusted"
    return _level(metric, 8), Column(title, tuple(f"{metric.key}_{key}" for key in keys), rank=8)


def _tested_columns(metric: Metric, named: bool, prefix: str = "") -> tuple[Column, ...]:
    of = f", {metric.name}" if named else ""
    ends = (f"{prefix}bootstrap_low", f"{prefix}bootstrap_high")
    return (
        Column(f"Bootstrap{of}", ends, files_only=True),
        Column(f"p (Holm){of}", (f"{prefix}p", f"{prefix}p_holm"), files_only=True),
    )


def main_table(found: Findings) -> Table:
    """The main table of a plan."""
    notes = (*footnotes(found), *_sources(found))
    return _table(found, found.facts.name, found.contrasts, notes, bool(found.published))


def console_table(found: Findings) -> Table:
    """The same for a console: the rows that have runs, and the notes that matter to them.

    Published numbers stand there where they are of the same data set; else in the files alone.
    """
    facts, known = found.facts, found.published
    there = any(same_dataset(facts.dataset, row.dataset) for each in known.values() for row in each)
    begun = [each for each in found.contrasts if each.summary.runs] or found.contrasts
    notes = [*footnotes(found, for_console=True)]
    runs = any(each.summary.runs for each in found.results)
    if waiting := [each.row.name for each in found.results if not each.summary.runs and runs]:
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
    mixed = {run.variant for run in found.runs if run.reused_despite}
    rows = [
        (
            *_cells(found, each, each.row.name in mixed),
            *((_published(found, each.row.name),) if published else ()),
        )
        for each in results
    ]
    columns = (*_columns(found), published_column(found)) if published else _columns(found)
    return Table(title, columns, rows, [_tone(each) for each in results], tuple(notes))


def _cells(found: Findings, result: RowResult, mixed: bool) -> tuple[Cell, ...]:
    row, summary, compared = result.row, result.summary, result.comparison
    mark = f" {OTHER}" if mixed else ""
    to = compared.compared_to if compared else row.compared_to
    return (
        cell(row.name),
        cell(row.changed),
        cell(count_text(row.params), row.params),
        cell(count_text(row.macs), row.macs),
        *([cell(row.tuned or "", row.tuned)] if found.facts.tuning else []),
        cell(found.metric.text(summary.mean, summary.sd), summary.mean, summary.sd),
        cell(f"{summary.completed}/{summary.runs}{mark}", summary.completed, summary.runs),
        *_compared(compared),
        *(each for other in result.others for each in _other(other)),
        _outcome(result),
        _speed(summary),
        cell(to or "", to),
        *_tested(compared),
        *(each for other in result.others if other.declared for each in _tested(other.comparison)),
    )


def _other(found: InMetric) -> tuple[Cell, ...]:
    """In another metric; what was not declared stands there with its interval alone."""
    metric, compared = found.metric, found.comparison
    level = cell(metric.text(found.mean, found.sd), found.mean, found.sd)
    if found.declared:
        return level, *_compared(compared)
    if compared is None:
        return level, cell("", *[None] * 4)
    text = mean_text(compared.mean, compared.interval, metric)
    return level, cell(text, compared.mean, *ends(compared.interval), compared.p)


def _compared(found: Comparison | None) -> tuple[Cell, Cell, Cell]:
    """Difference, verdict and the smallest detectable difference."""
    if found is None:
        return cell("", *[None] * 5), cell("", *[None] * 3), number(None)
    values = (found.mean, *ends(found.interval), found.sd, len(found.seeds))
    difference = cell(mean_text(found.mean, found.interval, found.metric), *values)
    verdict = cell(verdict_text(found), str(found.verdict), found.takes, found.reason)
    return difference, verdict, number(found.detectable, f".{found.metric.digits}f")


def _tested(found: Comparison | None) -> tuple[Cell, Cell]:
    """The bootstrap's interval and the p values."""
    if found is None:
        return (cell("", None, None),) * 2
    p = found.p_holm
    text = "" if p is None else "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"
    resampled = cell(interval_text(found.bootstrap, found.metric), *ends(found.bootstrap))
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
    verdicts = {each.verdict for each in result.declared}
    helps, hurts = Verdict.HELPS in verdicts, Verdict.HURTS in verdicts
    return "" if helps is hurts else "good" if helps else "bad"


def _published(found: Findings, variant: str) -> Cell:
    rows = nearest_rows(found, variant)
    top1 = dict.fromkeys(row.top1 for row in rows if row.top1 is not None)
    return cell(
        short_text(found, variant),
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
