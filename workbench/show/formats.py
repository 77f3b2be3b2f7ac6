"""A sheet as CSV, JSON, Markdown and LaTeX. The first two are unrounded."""

import csv
import io
import json

from workbench.show.sheet import Heading, Sheet, Value

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


def records(sheet: Sheet) -> list[dict[str, Value]]:
    """Each row as its unrounded values by key."""
    keys = [key for heading in sheet.headings for key in heading.keys]
    return [
        dict(zip(keys, (value for cell in row for value in cell.values), strict=True))
        for row in sheet.rows
    ]


def as_csv(sheet: Sheet) -> str:
    """Unrounded values, one column for each key; a cell that nobody measured is empty."""
    keys = [key for heading in sheet.headings for key in heading.keys]
    text = io.StringIO()
    writer = csv.DictWriter(text, keys, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(sheet))
    return text.getvalue()


def as_json(sheet: Sheet) -> str:
    """`{"title", "rows", "notes"}`, values unrounded, null where nobody measured."""
    data = {"title": sheet.title, "rows": records(sheet), "notes": list(sheet.notes)}
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_markdown(sheet: Sheet) -> str:
    """A pipe table and its notes."""
    rule = ["---:" if heading.right else ":---" for heading in sheet.headings]
    lines = [
        _pipes([_markdown(heading.title) for heading in sheet.headings]),
        _pipes(rule),
        *(_pipes([_markdown(cell.text) for cell in row]) for row in sheet.rows),
    ]
    notes = "".join(f"\n{_markdown(note)}\n" for note in sheet.notes)
    return "\n".join(lines) + "\n" + notes


def _pipes(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    for sign in "\\`*_[]<>|~$":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def as_latex(sheet: Sheet) -> str:
    r"""A `table` in booktabs style; the document needs `\usepackage{booktabs}`."""
    kept = [index for index, heading in enumerate(sheet.headings) if not heading.wide]
    headings = [sheet.headings[index] for index in kept]
    rows = [[row[index].text for index in kept] for row in sheet.rows]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering\scriptsize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{escape_latex(sheet.title)}}}",
        rf"\begin{{tabular}}{{@{{}}{''.join(_latex_column(h, headings) for h in headings)}@{{}}}}",
        r"\toprule",
        _latex_row([heading.title for heading in headings], headings),
        r"\midrule",
        *(_latex_row(row, headings) for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\smallskip\parbox{{\linewidth}}{{{escape_latex(n)}}}" for n in sheet.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_column(heading: Heading, headings: list[Heading]) -> str:
    """Numbers as wide as they are; texts share 0.45 of the line and break."""
    if heading.right:
        return "r"
    share = 0.45 / sum(not other.right for other in headings)
    return rf"p{{{share:.3f}\linewidth}}"


def _latex_row(cells: list[str], headings: list[Heading]) -> str:
    shown = (
        escape_latex(cell.replace("-", "−"))  # a minus sign before a number
        if heading.right
        else rf"\raggedright {escape_latex(cell)}"
        for cell, heading in zip(cells, headings, strict=True)
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
