"""Tables on a terminal or in a log file: as many columns as fit, the rest named.

A table's first column holds its names: it never shrinks nor breaks. Where the rest has no room,
whole columns go, those of the highest rank first, and a line below says which and what shows them.
Where not even the columns of rank 0 have room, each row is a block of lines. A column that is empty
in every row is not shown. Words are measured and broken by rich.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import measure_renderables
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from workbench.show.console import Command
from workbench.show.table import Column, Printout, Table

GAP = 2
NARROWEST = 12  # of a column whose text may break
LONGEST_WORD = 24  # that such a column keeps whole
UNBROKEN = 10_000  # a width at which no text breaks
STYLES = {"good": "green", "bad": "red", "lost": "yellow", "differs": "yellow", "": ""}


def view(found: Table | Printout) -> RenderableType:
    """What rich prints."""
    if isinstance(found, Table):
        return TableView(found)
    parts: list[RenderableType] = []
    for table in found.tables:
        parts += [TableView(table), *([Text()] if len(found.tables) > 1 else [])]
    says = (each if isinstance(each, Command) else Text(each) for each in found.says)
    return Group(*parts, *_dim(found.notes), *says)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A column with its cells, and the least and the most room that they ask for."""

    column: Column
    cells: tuple[Text, ...]
    least: int
    most: int


class TableView:
    """A table as rich prints it, in lines no longer than there is room for."""

    def __init__(self, table: Table) -> None:
        self.table = table.for_people()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Title, rows and notes."""
        if self.table.title:
            yield Text(self.table.title, style="bold")
        yield from _dim(self.table.about)
        yield from self._fitted(console, options)
        yield from _dim(self.table.notes)

    def _fitted(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        filled = list(self._measured(console, options.update_width(UNBROKEN)))
        for most in sorted({each.column.rank for each in filled}, reverse=True):
            shown = [each for each in filled if each.column.rank <= most]
            if _needs(shown) <= options.max_width:
                yield from self._lines(console, shown, filled, options.max_width)
                yield from self._left_out(shown, filled)
                return
        yield from self._blocks(filled)

    def _measured(self, console: Console, options: ConsoleOptions) -> Iterator[_Measured]:
        rows = self.table.rows
        for place, column in enumerate(self.table.columns):
            cells = tuple(Text(row[place].text, style=row[place].style) for row in rows)
            if place and rows and not any(map(len, cells)):
                continue
            found = measure_renderables(console, options, cells)
            least = found.maximum
            if column.breaks and place:
                least = min(least, max(NARROWEST, min(found.minimum, LONGEST_WORD)))
            title = column.title if self.table.header else ""
            words = map(cell_len, re.split(r" (?!%)", title))
            yield _Measured(column, cells, max(least, *words), max(found.maximum, cell_len(title)))

    def _lines(
        self, console: Console, shown: list[_Measured], filled: list[_Measured], room: int
    ) -> Iterator[RenderableType]:
        widths = _widths(shown, room)
        if self.table.header:
            titles = [Text(each.column.title) for each in shown]
            yield from _laid_out(console, titles, shown, widths, "bold")
        for number, tone in enumerate(self.table.tones):
            cells = [each.cells[number] for each in shown]
            yield from _laid_out(console, cells, shown, widths, STYLES[tone])
            for each in filled:
                if each not in shown and each.cells[number] and _stands_under(each.column, tone):
                    below = Text(each.cells[number].plain, style="dim")
                    yield Padding(below, (0, 0, 0, 2), expand=False)

    def _left_out(self, shown: list[_Measured], filled: list[_Measured]) -> Iterator[Text]:
        tones = self.table.tones or ("",)
        gone = [
            each.column
            for each in filled
            if each not in shown and not all(_stands_under(each.column, tone) for tone in tones)
        ]
        if gone:
            titles = ", ".join(column.title for column in gone)
            most = max(column.rank for column in gone)
            width = _needs([each for each in filled if each.column.rank <= most])
            text = f"No room for {titles}: a width of {width} (COLUMNS) or --json has them."
            yield Text(text, style="dim")

    def _blocks(self, filled: list[_Measured]) -> Iterator[RenderableType]:
        names, *others = filled
        for number, tone in enumerate(self.table.tones):
            block = Grid.grid(padding=(0, 1))
            block.add_column(style="dim", no_wrap=True)
            block.add_column(overflow="fold", style=STYLES[tone])
            for each in others:
                if each.cells[number]:
                    block.add_row(Text(each.column.title), each.cells[number])
            yield Text(names.cells[number].plain, style="bold", overflow="fold")
            yield block


def _dim(lines: Sequence[str]) -> Iterator[Text]:
    return (Text(line, style="dim") for line in lines)


def _stands_under(column: Column, tone: str) -> bool:
    return column.under == "all" or (column.under == "lost" and tone == "lost")


def _needs(shown: list[_Measured]) -> int:
    return sum(each.least for each in shown) + GAP * (len(shown) - 1)


def _widths(shown: list[_Measured], room: int) -> list[int]:
    """The least of each, and the room that is left shared among those that want more."""
    left, widths = room - _needs(shown), [each.least for each in shown]
    wanted = [each.most - each.least for each in shown]
    for done, place in enumerate(sorted(range(len(shown)), key=wanted.__getitem__)):
        given = min(wanted[place], left // (len(shown) - done))
        widths[place] += given
        left -= given
    return widths


def _laid_out(
    console: Console, cells: list[Text], shown: list[_Measured], widths: list[int], style: str
) -> Iterator[Text]:
    """The lines of one row, without spaces at their ends."""
    grid = Grid.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    for each, width in zip(shown, widths, strict=True):
        grid.add_column(
            width=width, justify="right" if each.column.right else "left", overflow="fold"
        )
    grid.add_row(*cells, style=style)
    for segments in console.render_lines(grid, pad=False):
        line = Text.assemble(*((part.text, part.style or "") for part in segments))
        line.rstrip()
        yield line
