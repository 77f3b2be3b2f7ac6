"""One page that holds a whole report and needs nothing else: no network, no other file.

Every text is escaped. Besides, the page's policy lets only its own script run, known by its hash,
and lets nothing be loaded, so that a name that is markup stays a name.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from workbench.report.findings import Findings
from workbench.show.sheet import Cell, Heading, Sheet
from workbench.statistics.facts import PlanFacts, RunRecord


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the page: SVG made by matplotlib, and what it shows."""

    svg: str
    caption: str


def page(
    found: Findings, table: Sheet, pictures: Sequence[Picture], others: Sequence[Sheet]
) -> str:
    """The HTML document."""
    facts = found.facts
    style, script = _resource("page.css"), _resource("page.js")
    sections = [
        f"<h1>{escape(facts.name)}</h1>\n",
        f'<p class="question">{escape(facts.question)}</p>\n' if facts.question else "",
        _section("table", "Table", _tools("table", table) + _table(table) + _notes(table.notes)),
        _section("figures", "Figures", "".join(_figure(one) for one in pictures)),
        *(_section("", sheet.title, _table(sheet) + _notes(sheet.notes)) for sheet in others),
        _section("runs", "Runs", _tools("runs") + "".join(_run(run) for run in found.runs)),
        _section("made", "How it was made", _made(facts)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(facts.name)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"{''.join(sections)}<script>{script}</script>\n</body>\n</html>\n"
    )


def _resource(name: str) -> str:
    return files("workbench.report").joinpath(name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _made(facts: PlanFacts) -> str:
    entries = [
        ("Plan", facts.kind),
        ("Data", facts.dataset),
        ("Recipe", facts.recipe),
        ("Seeds", ", ".join(map(str, facts.seeds))),
        ("Command", facts.command),
        *facts.environment,
    ]
    return f"<details><summary>Plan, command, environment</summary>\n{_facts(entries)}</details>\n"


def _facts(entries: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(text)}</dd>" for key, text in entries if text
    )
    return f'<dl class="facts">{listed}</dl>\n'


def _section(name: str, title: str, body: str) -> str:
    if not body:
        return ""
    mark = f' id="{name}"' if name else ""
    return f"<section{mark}>\n<h2>{escape(title)}</h2>\n{body}</section>\n"


def _tools(scope: str, sheet: Sheet | None = None) -> str:
    """A filter; above a table with columns that are `wide` a box that shows these, too."""
    wide = [heading.title for heading in sheet.headings if heading.wide] if sheet else []
    names = escape(", ".join(wide))
    more = f'<label><input type="checkbox" class="more"> {names}</label>' if wide else ""
    return (
        f'<div class="tools"><input type="search" data-scope="{scope}" placeholder="filter" '
        f'aria-label="filter the {scope}"><output></output>{more}</div>\n'
    )


def _table(sheet: Sheet) -> str:
    heads = "".join(_heading(heading) for heading in sheet.headings)
    rows = "".join(
        f'<tr class="{tone}">'
        + "".join(_cell(c, h) for c, h in zip(row, sheet.headings, strict=True))
        + "</tr>\n"
        for row, tone in zip(sheet.rows, sheet.tones, strict=True)
    )
    return (
        f'<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table></div>\n"
    )


def _heading(heading: Heading) -> str:
    return (
        f'<th scope="col"{_looks(heading)} data-key="{escape(heading.keys[0])}">'
        f'<button type="button">{escape(heading.title)}</button></th>'
    )


def _cell(cell: Cell, heading: Heading) -> str:
    value = "" if cell.values[0] is None else str(cell.values[0])
    return f'<td{_looks(heading)} data-value="{escape(value)}">{escape(cell.text)}</td>'


def _looks(heading: Heading) -> str:
    names = ["right"] * heading.right + ["wide"] * heading.wide
    return f' class="{" ".join(names)}"' if names else ""


def _notes(notes: Sequence[str]) -> str:
    return "".join(f'<p class="notes">{escape(note)}</p>\n' for note in notes)


def _figure(picture: Picture) -> str:
    svg = picture.svg[picture.svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    label = escape(picture.caption)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    return f"<figure>\n{svg}<figcaption>{label}</figcaption>\n</figure>\n"


def _run(run: RunRecord) -> str:
    top1 = "" if run.top1 is None else f", top-1 {run.top1:.2f} %"
    title = f"{run.variant}, seed {run.seed}: {run.outcome}{top1}"
    entries = [
        ("Run", run.run_id),
        ("Reason", run.reason or ""),
        ("Ended at step", "" if run.step is None else str(run.step)),
        ("Seconds", "" if run.seconds is None else f"{run.seconds:.1f}"),
        ("Repeat", run.command),
    ]
    config = f"<pre>{escape(run.config)}</pre>" if run.config else ""
    return (
        f'<details data-text="{escape(title)}"><summary>{escape(title)}</summary>\n'
        f"{_facts(entries)}{config}</details>\n"
    )
