"""How commands print: one rule of width, tables that keep to it, counts in words.

A table's first column holds its names: it never shrinks nor breaks. Where the rest has no room,
whole columns go, those of the highest rank first, and a line below says which and what shows them.
"""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

PIPED = 120  # columns of what goes to a file or a pipe, where COLUMNS does not say another number
GAP = 2
NARROWEST = 12  # of a column whose text may break
LONGEST_WORD = 24  # that such a column keeps whole


def make_console(stderr: bool = False) -> Console:
    """The console of a command: as wide as COLUMNS or the terminal says, else `PIPED`."""
    file = sys.stderr if stderr else sys.stdout
    said = file.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(stderr=stderr, width=None if said else PIPED)


def plural(count: int, noun: str) -> str:
    """`1 epoch`, `30 epochs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def say_written(console: Console, count: int, folder: Path, page: Path) -> None:
    """The last line of a command that wrote `count` files: where, and which to open."""
    text = f"{plural(count, 'file')} in {folder}; open {page}"
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def count_text(value: int | None) -> str:
    """9492426 -> `9.49 M`; empty where unknown."""
    if value is None:
        return ""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if value >= size:
            scaled = value / size
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {unit}"
    return str(value)


def exact_text(value: int) -> str:
    """9492426 -> `9,492,426 (9.49 M)`; small numbers as they are."""
    return f"{value:,} ({count_text(value)})" if value >= 10**4 else f"{value:,}"


@dataclass(frozen=True, slots=True)
class Column:
    """A heading. Of too many columns the highest `rank` goes first, rank 0 never.

    The text of a column that `breaks` may go on on further lines, between words.
    """

    title: str
    right: bool = True
    rank: int = 0
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, and the indices of those whose text stands below the row if it has no column."""

    cells: Sequence[str | Text]
    style: str = ""
    below: Sequence[int] = ()


class Table:
    """Columns and rows that fit any console. A column that is empty in every row is not shown.

    Where not even the columns of rank 0 have room, each row is a block of lines.
    """

    def __init__(self, columns: Sequence[Column], rows: Iterable[Row], header: bool = True) -> None:
        self.columns, self.rows, self.header = tuple(columns), tuple(rows), header
        texts = [[_text(cell) for cell in row.cells] for row in self.rows]
        self._cells = [list(column) for column in zip(*texts, strict=True)] or [[] for _ in columns]
        self._filled = [
            index for index, cells in enumerate(self._cells) if not index or any(map(len, cells))
        ] if self.rows else list(range(len(columns)))  # fmt: skip

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lines no longer than `options.max_width`."""
        for most in sorted({column.rank for column in self.columns}, reverse=True):
            shown = [index for index in self._filled if self.columns[index].rank <= most]
            if self._needs(shown) <= options.max_width:
                yield from self._lines(console, shown, options.max_width)
                yield from self._left_out(shown)
                return
        yield from self._blocks()

    def _needs(self, shown: Sequence[int]) -> int:
        return sum(map(self._narrowest, shown)) + GAP * (len(shown) - 1)

    def _narrowest(self, index: int) -> int:
        cells, column = [cell.plain for cell in self._cells[index]], self.columns[index]
        longest = max((cell_len(line) for cell in cells for line in cell.splitlines()), default=0)
        if column.breaks and index:
            word = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
            longest = min(longest, max(NARROWEST, min(word, LONGEST_WORD)))
        words = re.split(r" (?!%)", column.title) if self.header else ()
        return max([longest, *map(cell_len, words)])

    def _widest(self, index: int) -> int:
        lines = (line for cell in self._cells[index] for line in cell.plain.splitlines())
        title = cell_len(self.columns[index].title) if self.header else 0
        return max([title, *map(cell_len, lines)])

    def _widths(self, shown: Sequence[int], room: int) -> list[int]:
        """The narrowest of each, and the room that is left shared among those that want more."""
        widths = {index: self._narrowest(index) for index in shown}
        wanted = {index: self._widest(index) - widths[index] for index in shown}
        left = room - self._needs(shown)
        for done, index in enumerate(sorted(shown, key=lambda index: wanted[index])):
            given = min(wanted[index], left // (len(shown) - done))
            widths[index] += given
            left -= given
        return [widths[index] for index in shown]

    def _lines(self, console: Console, shown: Sequence[int], room: int) -> Iterator[RenderableType]:
        widths = self._widths(shown, room)
        if self.header:
            titles = [Text(self.columns[index].title) for index in shown]
            yield from self._laid_out(console, titles, shown, widths, "bold")
        for number, row in enumerate(self.rows):
            cells = [self._cells[index][number] for index in shown]
            yield from self._laid_out(console, cells, shown, widths, row.style)
            for index in row.below:
                if index not in shown and self._cells[index][number]:
                    below = Text(self._cells[index][number].plain, style="dim")
                    yield Padding(below, (0, 0, 0, 2), expand=False)

    def _laid_out(
        self, console: Console, cells: Sequence[Text], shown: Sequence[int],
        widths: Sequence[int], style: str,
    ) -> Iterator[Text]:  # fmt: skip
        broken = [
            list(cell.wrap(console, width, overflow="fold"))
            for cell, width in zip(cells, widths, strict=True)
        ]
        for parts in zip_longest(*broken):
            line = Text()
            for part, index, width in zip(parts, shown, widths, strict=True):
                cell = Text() if part is None else part
                cell.rstrip()
                cell.align("right" if self.columns[index].right else "left", width)
                line.append(" " * GAP if index != shown[0] else "").append_text(cell)
            line.rstrip()
            line.stylize(style)
            yield line

    def _left_out(self, shown: Sequence[int]) -> Iterator[Text]:
        below = set.intersection(*(set(row.below) for row in self.rows)) if self.rows else set()
        gone = [index for index in self._filled if index not in shown and index not in below]
        if gone:
            titles = ", ".join(self.columns[index].title for index in gone)
            most = max(self.columns[index].rank for index in gone)
            width = self._needs([i for i in self._filled if self.columns[i].rank <= most])
            text = f"No room for {titles}: a width of {width} (COLUMNS) or --json has them."
            yield Text(text, style="dim")

    def _blocks(self) -> Iterator[RenderableType]:
        for number, row in enumerate(self.rows):
            block = Grid.grid(padding=(0, 1))
            block.add_column(style="dim", no_wrap=True)
            block.add_column(overflow="fold", style=row.style)
            for index in self._filled[1:]:
                if self._cells[index][number]:
                    block.add_row(Text(self.columns[index].title), self._cells[index][number])
            yield Text(self._cells[0][number].plain, style="bold", overflow="fold")
            yield block


class Command:
    """A command to paste: where it is longer than a line, it goes on after a backslash."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(map(shlex.quote, words))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lines no longer than `options.max_width`, unless one word is."""
        lines, margin = ["  "], len(r" \ ")
        for word in self.words:
            if len(lines[-1]) + len(word) + margin > options.max_width and lines[-1].strip():
                lines[-1] += "\\"
                lines.append("    ")
            lines[-1] += f"{word} "
        for line in lines:
            yield Text(line.rstrip(), no_wrap=True, overflow="ignore")


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)
