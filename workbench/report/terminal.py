"""A sheet on the terminal or in a log file: as many columns as fit, the rest named."""

from rich.console import Console, Group, RenderableType
from rich.text import Text

from workbench.show.console import Column, Row, Table
from workbench.show.sheet import Sheet

STYLES = {"good": "green", "bad": "red", "lost": "yellow", "": ""}


def show(sheet: Sheet, console: Console) -> None:
    """Print `sheet` as wide as `console` is."""
    console.print(view(sheet))


def view(sheet: Sheet) -> RenderableType:
    """What rich prints for `sheet`. No column is dropped in silence, but for the `wide` ones."""
    notes = [Text(note, style="dim") for note in sheet.notes]
    title = [Text(sheet.title, style="bold")] if sheet.title else []
    return Group(*title, _table(sheet), *notes)


def _table(sheet: Sheet) -> Table:
    kept = [index for index, heading in enumerate(sheet.headings) if not heading.wide]
    headings = [sheet.headings[index] for index in kept]
    columns = [
        Column(each.title, each.right, each.rank, breaks=not (each.right or each.whole))
        for each in headings
    ]
    rows = []
    for cells, tone in zip(sheet.rows, sheet.tones, strict=True):
        wanted = {"all"} if tone != "lost" else {"all", "lost"}
        below = [place for place, each in enumerate(headings) if each.under in wanted]
        rows.append(Row([cells[index].text for index in kept], STYLES[tone], below))
    return Table(columns, rows)
