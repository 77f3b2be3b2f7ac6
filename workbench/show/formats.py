"""A table as CSV, JSON, Markdown and LaTeX. The first two are unrounded."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import groupby
from typing import Any

from workbench.show.table import Column, Printout, Table, Value


class Form(StrEnum):
    """How a command may print its tables."""

    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"
    JSON = "json"


LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    '"': r"\textquotedbl{}",
    "±": r"\ensuremath{\pm}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "→": r"\ensuremath{\rightarrow}",
    "Δ": r"\ensuremath{\Delta}",
    "-": "-{}",  # two of them would become a dash
    "`": r"\textasciigrave{}",
    "–": "--",
    "—": "---",
    "’": "'",
}


def records(table: Table) -> list[dict[str, Value]]:
    """Each row as its unrounded values by key."""
    return [
        dict(zip(_keys(table), (value for cell in row for value in cell.values), strict=True))
        for row in table.rows
    ]


def _keys(table: Table) -> tuple[str, ...]:
    return tuple(key for column in table.columns for key in column.keys)


def as_csv(*tables: Table) -> str:
    """Unrounded values, one column for each key; a cell that nobody measured is empty.

    Tables with the same keys have one heading; others stand below an empty line.
    """
    text = io.StringIO()
    for keys, alike in groupby(tables, key=_keys):
        text.write("\n" if text.tell() else "")
        writer = csv.DictWriter(text, keys, lineterminator="\n")
        writer.writeheader()
        for table in alike:
            writer.writerows(records(table))
    return text.getvalue()


def as_data(table: Table) -> dict[str, Any]:
    """`{"title", "rows", "notes"}`, values unrounded, None where nobody measured."""
    return {"title": table.title, "rows": records(table), "notes": list(table.notes)}


def as_json(table: Table) -> str:
    """The same as text."""
    return json_text(as_data(table)) + "\n"


def json_text(data: Any) -> str:
    """Data as every command prints it; refused where a number is none."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)


def printed(found: Table | Printout, form: Form) -> str:
    """What a command prints, as Markdown with titles, LaTeX or CSV."""
    tables = (found,) if isinstance(found, Table) else found.tables
    if form is Form.CSV:
        return as_csv(*tables)
    if isinstance(found, Printout):
        last = (*tables[-1].notes, *found.notes, *map(str, found.says))
        tables = (*tables[:-1], replace(tables[-1], notes=last))
    if form is Form.LATEX:
        return "\n".join(as_latex(table) for table in tables)
    titles = [f"**{escape_markdown(table.title)}**\n\n" if table.title else "" for table in tables]
    texts = (as_markdown(table.for_people()) for table in tables)
    return "\n".join(title + text for title, text in zip(titles, texts, strict=True))


def as_markdown(table: Table) -> str:
    """A pipe table and its notes."""
    rule = ["---:" if column.right else ":---" for column in table.columns]
    lines = [
        _pipes([escape_markdown(column.title) for column in table.columns]),
        _pipes(rule),
        *(_pipes([escape_markdown(cell.text) for cell in row]) for row in table.rows),
    ]
    notes = "".join(f"\n{escape_markdown(note)}\n" for note in (*table.about, *table.notes))
    return "\n".join(lines) + "\n" + notes


def _pipes(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape_markdown(text: str) -> str:
    """Text that Markdown prints as it stands, on one line."""
    for sign in "\\`*_[]<>|~$":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def as_latex(table: Table) -> str:
    r"""A `table` in booktabs style; the document needs `\usepackage{booktabs}`."""
    table = table.for_people()
    columns, notes = table.columns, (*table.about, *table.notes)
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering\scriptsize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{escape_latex(table.title)}}}",
        rf"\begin{{tabular}}{{@{{}}{''.join(_latex_column(c, columns) for c in columns)}@{{}}}}",
        r"\toprule",
        _latex_row([column.title for column in columns], columns),
        r"\midrule",
        *(_latex_row([cell.text for cell in row], columns) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\smallskip\parbox{{\linewidth}}{{{escape_latex(note)}}}" for note in notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_column(column: Column, columns: Sequence[Column]) -> str:
    """Numbers as wide as they are; texts share 0.45 of the line and break."""
    if column.right:
        return "r"
    share = 0.45 / sum(not other.right for other in columns)
    return rf"p{{{share:.3f}\linewidth}}"


def _latex_row(cells: Sequence[str], columns: Sequence[Column]) -> str:
    shown = (
        escape_latex(cell.replace("-", "−"))  # a minus sign before a number
        if column.right
        else rf"\raggedright {escape_latex(cell)}"
        for cell, column in zip(cells, columns, strict=True)
    )
    return " & ".join(shown) + r" \tabularnewline"


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it stands; what its fonts lack becomes its code point."""
    return "".join(_latex_character(sign) for sign in " ".join(text.split()))


def _latex_character(sign: str) -> str:
    if sign in LATEX:
        return LATEX[sign]
    if sign.isascii() or (sign.isalpha() and ord(sign) < 0x180):
        return sign if sign.isprintable() else ""
    return f"[U+{ord(sign):04X}]"
