"""A sheet on the terminal: a table where it fits, else one block for each row."""

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.ablation.report.sheet import Sheet

STYLES = {"good": "green", "bad": "red", "lost": "yellow", "": ""}
NARROWEST = 12  # of a column whose text may break
UNBOUNDED = 10_000


def terminal(sheet: Sheet, width: int) -> RenderableType:
    """What rich prints for `sheet` on `width` columns. No column is ever dropped silently."""
    table = _table(sheet)
    fits = Console(width=UNBOUNDED).measure(table).minimum <= width
    notes = [Text(note, style="dim") for note in sheet.notes]
    title = Text(sheet.title, style="bold")
    return Group(title, table if fits else _blocks(sheet), *notes)


def _table(sheet: Sheet) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    kept = [index for index, heading in enumerate(sheet.headings) if not heading.wide]
    for index in kept:
        heading = sheet.headings[index]
        longest = max([len(row[index].text) for row in sheet.rows], default=0)
        table.add_column(
            Text(heading.title),
            justify="right" if heading.right else "left",
            no_wrap=heading.right,
            overflow="fold",
            min_width=longest if heading.right else min(longest, NARROWEST),
        )
    for row, tone in zip(sheet.rows, sheet.tones, strict=True):
        table.add_row(*(Text(row[index].text) for index in kept), style=STYLES[tone])
    return table


def _blocks(sheet: Sheet) -> Group:
    blocks: list[RenderableType] = []
    for row, tone in zip(sheet.rows, sheet.tones, strict=True):
        block = Table.grid(padding=(0, 1))
        block.add_column(style="dim", no_wrap=True)
        block.add_column(overflow="fold", style=STYLES[tone])
        for heading, cell in zip(sheet.headings[1:], row[1:], strict=True):
            if cell.text and not heading.wide:
                block.add_row(Text(heading.title), Text(cell.text))
        blocks += [Text(row[0].text, style="bold", overflow="fold"), block]
    return Group(*blocks)
