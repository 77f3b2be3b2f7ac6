"""A sheet on the terminal: as many columns as fit, the rest named; in a log file all of them."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.ablation.report.sheet import Cell, Sheet

STYLES = {"good": "green", "bad": "red", "lost": "yellow", "": ""}
NARROWEST = 12  # of a column whose text may break
UNBOUNDED = 10_000
WIDEST = 240  # of a table in a log file; longer texts break


def show(sheet: Sheet, console: Console) -> None:
    """Print `sheet`: to the width of a terminal, or as wide as it is where there is none."""
    if console.is_terminal:
        console.print(terminal(sheet, console.width))
        return
    table = _table(sheet, _kept(sheet))
    width = Console(width=UNBOUNDED).measure(table).maximum
    wide = Console(file=console.file, width=max(console.width, min(width, WIDEST)))
    wide.print(Group(Text(sheet.title), table, *map(Text, sheet.notes)))


def terminal(sheet: Sheet, width: int) -> RenderableType:
    """What rich prints for `sheet` on `width` columns. No column is dropped in silence."""
    notes = [Text(note, style="dim") for note in sheet.notes]
    title, kept = Text(sheet.title, style="bold"), _kept(sheet)
    ranks = sorted({heading.rank for heading in sheet.headings}, reverse=True)
    for most in ranks:
        shown = [index for index in kept if sheet.headings[index].rank <= most]
        table = _table(sheet, shown)
        if Console(width=UNBOUNDED).measure(table).minimum <= width:
            return Group(title, table, *_left_out(sheet, kept, shown), *notes)
    return Group(title, _blocks(sheet), *notes)


def _kept(sheet: Sheet) -> list[int]:
    return [index for index, heading in enumerate(sheet.headings) if not heading.wide]


def _left_out(sheet: Sheet, kept: Sequence[int], shown: Sequence[int]) -> list[Text]:
    missing = (sheet.headings[index] for index in kept if index not in shown)
    gone = [heading.title for heading in missing if heading.under != "all"]
    if not gone:
        return []
    text = f"No room for {', '.join(gone)}: a wider terminal, --json and the files have them."
    return [Text(text, style="dim")]


def _table(sheet: Sheet, shown: Sequence[int]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index in shown:
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
        cells = [Text(row[index].text) for index in shown]
        if cells:
            cells[0] += _under(sheet, row, tone, shown)
        table.add_row(*cells, style=STYLES[tone])
    return table


def _under(sheet: Sheet, row: Sequence[Cell], tone: str, shown: Sequence[int]) -> Text:
    """What has no column of its own, below the row's name."""
    below = Text()
    for index, (heading, cell) in enumerate(zip(sheet.headings, row, strict=True)):
        if index in shown or not cell.text or not heading.under:
            continue
        if heading.under == "all" or tone == "lost":
            below.append(f"\n  {cell.text}", style="dim")
    return below


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
