"""A table as CSV, JSON, Markdown and LaTeX. The first two are unrounded."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import groupby

from workbench.errors import CONTROL, visible
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
    '"': "''",
    "±": r"\ensuremath{\pm}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "→": r"\ensuremath{\rightarrow}",
    "Δ": r"\ensuremath{\Delta}",
    "≠": r"\ensuremath{\neq}",
    "†": r"\textdagger{}",
    "`": r"\textasciigrave{}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
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
    return "\n".join(
        csv_text(keys, ([each[key] for key in keys] for table in alike for each in records(table)))
        for keys, alike in groupby(tables, key=_keys)
    )


def csv_text(heading: Sequence[object], rows: Iterable[Iterable[object]]) -> str:
    """Unrounded values below a heading; None is empty."""
    text = io.StringIO()
    lines = ([csv_value(value) for value in row] for row in (heading, *rows))
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


# How what a spreadsheet computes begins: `-2+3` as well, but no number.
FORMULA = re.compile(r"[=+@\t\r]|-(?!\d*\.?\d+([eE][-+]?\d+)?$)")


def csv_value(value: object) -> object:
    """With a quotation mark before a text that a spreadsheet would take for a formula."""
    if not isinstance(value, str):
        return value
    return visible(f"'{value}" if FORMULA.match(value) else value)


def as_data(table: Table) -> dict[str, object]:
    """`{"title", "rows", "notes"}`, values unrounded, None where nobody measured."""
    return {"title": table.title, "rows": records(table), "notes": list(table.notes)}


def as_json(table: Table) -> str:
    """The same as text."""
    return json_text(as_data(table)) + "\n"


def json_text(data: object) -> str:
    """Data as every command prints it; refused where a number is none."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # which JSON leaves


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
    return " ".join(visible(text).split())


def as_latex(table: Table, label: str = "") -> str:
    r"""A `table` in booktabs style; the document needs `\usepackage{booktabs}`.

    As wide as a column of a two-column paper where it fits there, else as both. Columns that both
    have no room for go, those of the highest rank first, as on a narrow terminal.
    """
    table = _that_fit(table.for_people())
    columns = table.columns
    wide = width_of(table) > COLUMN
    return latex_float(
        table.title,
        label,
        "".join(latex_columns(table, PAGE if wide else COLUMN)),
        [latex_row([column.title for column in columns], columns)],
        [latex_row([cell.text for cell in row], columns) for row in table.rows],
        [escape_latex(note) for note in (*table.about, *table.notes)],
        wide,
    )


COLUMN, PAGE = 3.2, 6.8  # inches of a column of a two-column paper, and of both
LETTER, BETWEEN = 0.054, 0.085  # inches of a letter in scriptsize, and between columns


def _widths(table: Table) -> list[float]:
    """Inches of every column without breaks."""
    return [
        LETTER * max(len(column.title), *(len(row[place].text) for row in table.rows), 1)
        for place, column in enumerate(table.columns)
    ]


def width_of(table: Table) -> float:
    """Inches of a table without breaks."""
    return sum(each + BETWEEN for each in _widths(table))


def latex_columns(table: Table, room: float) -> list[str]:
    """Numbers as wide as they are; texts too where all fit in `room` inches, else they break."""
    widths, least = _widths(table), _least(table)
    if sum(widths) + BETWEEN * len(widths) <= room:
        return ["r" if column.right else "l" for column in table.columns]
    rest = max(room - BETWEEN * len(widths) - sum(least), 0.0)
    more = [max(wide - word, 0.0) ** 0.5 for wide, word in zip(widths, least, strict=True)]
    return [
        "r" if column.right else f"p{{{word + rest * share / (sum(more) or 1.0):.2f}in}}"
        for column, word, share in zip(table.columns, least, more, strict=True)
    ]


def _that_fit(table: Table) -> Table:
    """Without the columns for which a page has no room, however texts are broken."""
    while sum(each + BETWEEN for each in _least(table)) > PAGE:
        rank = max(column.rank for column in table.columns)
        if rank == 0:
            break
        table = table.only(at for at, each in enumerate(table.columns) if each.rank < rank)
    return table


def _least(table: Table) -> list[float]:
    """Inches of every column whose texts are broken wherever they can be."""
    return [
        wide if column.right else _longest_word(table, place)
        for place, (column, wide) in enumerate(zip(table.columns, _widths(table), strict=True))
    ]


def _longest_word(table: Table, place: int) -> float:
    """Inches of the longest word of a column that is not broken."""
    texts = [table.columns[place].title, *(row[place].text for row in table.rows)]
    words = (word for text in texts for word in text.split())
    return LETTER * min(max(map(len, words), default=1), LONG)


def latex_float(
    caption: str,
    label: str,
    columns: str,
    head: Sequence[str],
    body: Sequence[str],
    notes: Sequence[str],
    wide: bool,
) -> str:
    """The float round a `tabular` in LaTeX: caption, label and notes."""
    name = "table*" if wide else "table"
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{{name}}}",
        r"\centering\scriptsize\setlength{\tabcolsep}{3pt}",
        *([rf"\caption{{{escape_latex(caption)}}}"] if caption else []),
        *([rf"\label{{{label}}}"] if label else []),
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        *head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\smallskip\parbox{{\linewidth}}{{{note}}}" for note in notes),
        rf"\end{{{name}}}",
    ]
    return "\n".join(lines) + "\n"


def latex_row(cells: Sequence[str], columns: Sequence[Column]) -> str:
    """A line of a `tabular`."""
    shown = (latex_cell(*each) for each in zip(cells, columns, strict=True))
    return " & ".join(shown) + r" \tabularnewline"


def latex_cell(text: str, column: Column) -> str:
    """A cell of a `tabular`: a number, or text that may go on on further lines."""
    return latex_number(text) if column.right else rf"\raggedright {breakable(text)}"


LONG = 12  # letters of a word that may be broken
PIECE = re.compile(rf"[^\x00-\u024f]|[^/.:_\u0250-\U0010ffff-]{{1,{LONG}}}[/.:_-]*|[/.:_-]+")


def breakable(text: str) -> str:
    """For LaTeX, with places to break long words: names of files, addresses."""
    words = (PIECE.findall(word) if len(word) > LONG else [word] for word in text.split())
    return " ".join(r"\allowbreak{}".join(map(escape_latex, word)) for word in words)


def latex_number(text: str) -> str:
    """With a minus sign before a number, and a hyphen within a word."""
    return escape_latex(re.sub(r"(?<!\w)-(?=[\d.])", "−", text))


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it stands; what its fonts lack becomes its code point."""
    plain = "".join(_latex_character(sign) for sign in " ".join(text.split()))
    return re.sub("-(?=-)", "-{}", plain)  # two of them would become a dash


def _latex_character(sign: str) -> str:
    if sign in LATEX:
        return LATEX[sign]
    if sign.isascii() or (sign.isalpha() and ord(sign) < 0x180):
        return sign if sign.isprintable() else ""
    return f"[U+{ord(sign):04X}]"
