"""Two results side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import special

from workbench.errors import InputError
from workbench.published import same_dataset
from workbench.report.findings import Findings
from workbench.report.verdicts import ends, mean_text
from workbench.show.console import count_text, plural
from workbench.show.table import Cell, Column, Table, cell
from workbench.statistics.comparison import LEVEL, RESOLUTION, Interval
from workbench.statistics.facts import PlanFacts, scores
from workbench.statistics.metric import Metric
from workbench.statistics.paired import summarise


def load_side(path: str | Path, plan: str | None = None) -> Findings:
    """A results folder, a ledger or its URL, as one side of a comparison; `plan` is the one of
    several in a database."""
    from workbench.runs.results import load_sweep

    return Findings.of(load_sweep(path, plan), str(path))


def compare(a: Findings, b: Findings) -> Table:
    """Every variant of either: its cost, score and outcome in both, and the difference of B to A.

    The score is the first metric of A's plan. Raises `InputError` where B's runs have none such.
    The runs were not made together, so differences are not paired: the interval is Welch's
    (Biometrika 34, 1947), for one row alone, and there is no verdict. On different data sets
    there is no difference at all.
    """
    names = dict.fromkeys(row.name for row in (*a.rows, *b.rows))
    metric = _metric(a, b)
    rows = [
        (cell(n), *_cells(n, a, metric), *_cells(n, b, metric), _difference(n, a, b, metric))
        for n in names
    ]
    one, other = a.facts.name, b.facts.name
    if one == other:  # the same plan twice: its folders tell them apart
        one, other = a.where or one, b.where or other
    title = f"{one} (A) and {other} (B)"
    notes = _same_runs(a, b, metric) or _notes(a.facts, b.facts)
    return Table(title, _columns(metric), rows, notes=notes)


def _metric(a: Findings, b: Findings) -> Metric:
    if a.facts.task != b.facts.task:
        raise InputError(
            f"{a.where or a.facts.name} is scored by {a.score.name}, {b.where or b.facts.name} by "
            f"{b.score.name}; only runs of one task compare",
            key="compare",
        )
    return a.metric


def _same_runs(a: Findings, b: Findings, metric: Metric) -> tuple[str, ...]:
    """What there is to say where both hold the same runs with the same numbers."""
    one, other = (
        {(run.id, run.outcome, run.score(metric), run.step) for run in side.runs} for side in (a, b)
    )
    if not one or one != other or not same_dataset(a.facts.dataset, b.facts.dataset):
        return ()
    return (
        f"A and B are identical: the same {plural(len(one), 'run')}, by id, with the same outcomes "
        f"and the same {metric.name}.",
    )


def welch(a: Sequence[float], b: Sequence[float], level: float = LEVEL) -> Interval | None:
    """Welch's interval for the mean of `b` less that of `a`; None where the spread is unknown."""
    if len(a) < 2 or len(b) < 2:
        return None
    shares = [float(np.var(values, ddof=1)) / len(values) for values in (a, b)]
    error = float(np.sqrt(sum(shares)))
    if error <= RESOLUTION:
        return None
    freedom = sum(shares) ** 2 / sum(
        share**2 / (len(values) - 1) for share, values in zip(shares, (a, b), strict=True)
    )
    half = float(special.stdtrit(freedom, 1 - level / 2)) * error
    middle = float(np.mean(b) - np.mean(a))
    return Interval(middle - half, middle + half)


def _side(letter: str, metric: Metric) -> tuple[Column, ...]:
    low = letter.lower()
    return (
        Column(f"Params {letter}", (f"params_{low}",), rank=5),
        Column(f"MACs {letter}", (f"macs_{low}",), rank=4),
        Column(
            f"{metric.first} {letter}, {metric.unit}",
            (f"{metric.key}_mean_{low}", f"{metric.key}_std_{low}"),
        ),
        Column(f"Seeds {letter}", (f"completed_{low}", f"runs_{low}"), rank=2),
        Column(f"Outcome {letter}", (f"outcome_{low}",), "text", rank=3, under="lost"),
    )


def _columns(metric: Metric) -> tuple[Column, ...]:
    ends = ("difference", "difference_low", "difference_high")
    return (
        Column("Variant", ("variant",), "name"),
        *_side("A", metric),
        *_side("B", metric),
        Column("B compared to A [95 %]", ends, rank=1),
    )


def _cells(name: str, side: Findings, metric: Metric) -> tuple[Cell, ...]:
    row = next((row for row in side.rows if row.name == name), None)
    if row is None:
        return (*(cell("", *[None] * n) for n in (1, 1, 2, 2)), cell("not in the plan", None))
    found = summarise(row, side.runs, metric)
    return (
        cell(count_text(row.params), row.params),
        cell(count_text(row.macs), row.macs),
        cell(metric.text(found.mean, found.sd), found.mean, found.sd),
        cell(f"{found.completed}/{found.runs}", found.completed, found.runs),
        cell("" if found.completed == found.runs else found.outcome, found.outcome),
    )


def _difference(name: str, a: Findings, b: Findings, metric: Metric) -> Cell:
    one, other = (scores(side.runs, name, metric) for side in (a, b))
    if not (one and other and same_dataset(a.facts.dataset, b.facts.dataset)):
        return cell("", None, None, None)
    mean, interval = float(np.mean(other) - np.mean(one)), welch(one, other)
    return cell(mean_text(mean, interval, metric), mean, *ends(interval))


def _notes(a: PlanFacts, b: PlanFacts) -> tuple[str, ...]:
    sides = (
        f"{letter}: {'; '.join(part for part in (facts.dataset, facts.recipe) if part)}."
        for letter, facts in (("A", a), ("B", b))
    )
    last = (
        "The runs were not made together: differences are not paired, intervals are Welch's, for "
        "one row alone, and there is no verdict."
        if same_dataset(a.dataset, b.dataset)
        else "The data sets differ, so no difference is taken."
    )
    return (*sides, last)
