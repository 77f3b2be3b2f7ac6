"""Two results side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import special

from workbench.report.beside_published import same_dataset
from workbench.report.findings import Findings
from workbench.show.console import count_text
from workbench.show.sheet import Cell, Heading, Sheet, Value, top1_text
from workbench.statistics.facts import PlanFacts
from workbench.statistics.paired import LEVEL, RESOLUTION, Interval, Summary, summarise


def load_side(path: str | Path) -> Findings:
    """A results folder, a ledger or its URL, as one side of a comparison."""
    from workbench.runs.results import load_sweep

    return Findings.of(load_sweep(path), str(path))


def compare(a: Findings, b: Findings) -> Sheet:
    """Every variant of either: its cost, top-1 and outcome in both, and B less A.

    The runs were not made together, so differences are not paired: the interval is Welch's
    (Biometrika 34, 1947), for one row alone, and there is no verdict. On different data sets
    there is no difference at all.
    """
    same = same_dataset(a.facts.dataset, b.facts.dataset)
    names = dict.fromkeys(row.variant for row in (*a.rows, *b.rows))
    rows = tuple(_row(name, a, b, same) for name in names)
    one, other = a.facts.name, b.facts.name
    if one == other:  # the same plan twice: its folders tell them apart
        one, other = a.where or one, b.where or other
    title = f"{one} (A) and {other} (B)"
    return Sheet(title, HEADINGS, rows, ("",) * len(rows), _notes(a.facts, b.facts, same))


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


def _side(letter: str) -> tuple[Heading, ...]:
    low = letter.lower()
    return (
        Heading(f"Params {letter}", (f"params_{low}",), rank=5),
        Heading(f"MACs {letter}", (f"macs_{low}",), rank=4),
        Heading(f"Top-1 {letter}, %", (f"top1_mean_{low}", f"top1_std_{low}")),
        Heading(f"Seeds {letter}", (f"completed_{low}", f"runs_{low}"), rank=2),
        Heading(f"Outcome {letter}", (f"outcome_{low}",), right=False, rank=3, under="lost"),
    )


HEADINGS = (
    Heading("Variant", ("variant",), right=False),
    *_side("A"),
    *_side("B"),
    Heading("B less A [95 %]", ("difference", "difference_low", "difference_high"), rank=1),
)


def _row(name: str, a: Findings, b: Findings, same: bool) -> tuple[Cell, ...]:
    difference = _difference(_top1(name, a), _top1(name, b)) if same else Cell("", (None,) * 3)
    return Cell(name, (name,)), *_cells(name, a), *_cells(name, b), difference


def _cells(name: str, results: Findings) -> tuple[Cell, ...]:
    row = next((row for row in results.rows if row.variant == name), None)
    if row is None:
        empty: tuple[Value, ...] = (None,)
        return (*(Cell("", empty * n) for n in (1, 1, 2, 2)), Cell("not in the plan", empty))
    found: Summary = summarise(row, results.runs)
    return (
        Cell(count_text(row.params), (row.params,)),
        Cell(count_text(row.macs), (row.macs,)),
        Cell(top1_text(found.mean, found.sd), (found.mean, found.sd)),
        Cell(f"{found.completed}/{found.runs}", (found.completed, found.runs)),
        Cell("" if found.completed == found.runs else found.outcome, (found.outcome,)),
    )


def _top1(name: str, results: Findings) -> list[float]:
    own = (run.measured for run in results.runs if run.variant == name)
    return [value for value in own if value is not None]


def _difference(a: list[float], b: list[float]) -> Cell:
    if not a or not b:
        return Cell("", (None,) * 3)
    mean, found = float(np.mean(b) - np.mean(a)), welch(a, b)
    if found is None:
        return Cell(f"{mean:+.2f}", (mean, None, None))
    text = f"{mean:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"
    return Cell(text, (mean, found.low, found.high))


def _notes(a: PlanFacts, b: PlanFacts, same: bool) -> tuple[str, ...]:
    sides = (
        f"{letter}: {'; '.join(part for part in (facts.dataset, facts.recipe) if part)}."
        for letter, facts in (("A", a), ("B", b))
    )
    last = (
        "The runs were not made together: differences are not paired, intervals are Welch's, for "
        "one row alone, and there is no verdict."
        if same
        else "The data sets differ, so no difference is taken."
    )
    return (*sides, last)
