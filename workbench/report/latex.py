"""The main table as a paper prints it: columns by choice, verdicts as marks with a footnote."""

from collections.abc import Sequence

from workbench.errors import unknown
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.show.formats import (
    COLUMN,
    PAGE,
    breakable,
    escape_latex,
    latex_cell,
    latex_columns,
    latex_float,
    width_of,
)
from workbench.show.table import Cell, Table
from workbench.statistics.comparison import Verdict

CHOICE: tuple[str, ...] = ()  # of columns: those of `DEFAULT`, and what was published
DEFAULT = ("variant", "params", "macs", "score", "difference")  # score: in the first metric
MARKS = {
    Verdict.HELPS: (r"$^{+}$", "helps"),
    Verdict.HURTS: (r"$^{-}$", "hurts"),
    Verdict.EQUIVALENT: (r"$^{=}$", "equivalent"),
    Verdict.UNDECIDED: (r"$^{?}$", "undecided"),
    Verdict.NONE: (r"$^{\circ}$", "no verdict"),
}


def paper_table(found: Findings, columns: Sequence[str] = CHOICE) -> str:
    r"""LaTeX of the main table, with these columns, by the names that `table.csv` has for them.

    Its caption is the question, its label `tab:NAME`. Raises `InputError` for an unknown column.
    """
    columns = columns or _usual(found)
    table = main_table(found)
    shown, compared = _chosen(found, table, columns), [each.comparison for each in found.contrasts]
    marks = [MARKS[each.verdict][0] if each else "" for each in compared]
    marked = next((at for at, each in enumerate(shown.columns) if "difference" in each.keys), None)
    lines = [
        " & ".join(
            (latex_cell(cell.text, column) if cell.text else "") + (mark if at == marked else "")
            for at, (cell, column) in enumerate(zip(row, shown.columns, strict=True))
        )
        + r" \tabularnewline"
        for row, mark in zip(shown.rows, marks, strict=True)
    ]
    head = " & ".join(escape_latex(column.title) for column in shown.columns) + r" \\"
    notes = [_note(found, marks if marked is not None else []), *_lost(found)]
    notes += [
        escape_latex(note) for note in table.notes if "published" in columns and "Read in" in note
    ]
    wide = width_of(shown) > COLUMN
    return latex_float(
        shown.title,
        f"tab:{found.facts.name}",
        "".join(latex_columns(shown, PAGE if wide else COLUMN)),
        [head],
        lines,
        notes,
        wide,
    )


def _usual(found: Findings) -> tuple[str, ...]:
    """The columns where none are named: what rows are compared to where that has to be said."""
    *before, difference = DEFAULT
    several = ("compared_to",) if found.several else ()
    return (*before, *several, difference, *(("published",) if found.published else ()))


def _chosen(found: Findings, table: Table, columns: Sequence[str]) -> Table:
    """The main table with these columns; what a row's further lines repeat is left out of them."""
    shown = table.only(
        _place(table, found.metric.key if each == "score" else each) for each in columns
    )
    rows = list(shown.rows)
    names = [each.row.name for each in found.contrasts]
    for at in range(len(rows) - 1, 0, -1):
        if names[at] == names[at - 1]:
            pairs = zip(rows[at], rows[at - 1], strict=True)
            rows[at] = tuple(Cell("", ()) if one == other else one for one, other in pairs)
    return Table(found.facts.question or found.facts.name, shown.columns, rows)


def _lost(found: Findings) -> list[str]:
    """The rows that lost runs, with how and why."""
    lost = [
        f"{each.row.name}: {each.summary.outcome}, {'; '.join(each.summary.reasons)}"
        for each in found.results
        if each.summary.ended
    ]
    return [f"Lost: {breakable('. '.join(lost))}."] if lost else []


def _place(table: Table, name: str) -> int:
    """The column of a name: its title, or a key of it, with or without `_mean`."""
    names = [
        {column.title.lower(), *column.keys, *(key.removesuffix("_mean") for key in column.keys)}
        for column in table.columns
    ]
    short = {"published": "published_top1"}
    wanted = short.get(name.strip().lower(), name.strip().lower())
    for place, known in enumerate(names):
        if wanted in known:
            return place
    every = [column.keys[0].removesuffix("_mean") for column in table.columns]
    raise unknown("--columns", name, every)


def _note(found: Findings, marks: Sequence[str]) -> str:
    """What the numbers are, and what the marks say."""
    used = [f"{mark} {word}" for mark, word in MARKS.values() if mark in marks]
    seeds, metric = len(found.facts.seeds), found.metric
    parts = [
        f"{metric.first}: mean and standard deviation over {seeds} seeds.",
        f"Differences are in {metric.points}, each to the row it is compared to, with the interval "
        "of its verdict, adjusted over the rows (Holm)."
        if marks
        else "",
        "; ".join(used) + "." if used else "",
    ]
    return " ".join(part for part in parts if part)
