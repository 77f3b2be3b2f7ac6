"""A table without a look: what every command and every report shows, and every format reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from workbench.show.console import Command

Value = str | int | float | None
Kind = Literal["number", "numbers", "text", "name"]
RARE = 8  # rank from which on a column is shown on a page only where it is asked for
Tone = Literal["", "good", "bad", "lost", "differs"]


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; `keys` name the unrounded values below it.

    A `number` stands to the right and keeps to one line; `numbers` may go on on further lines. A
    `text` stands to the left and may go on too, a `name` may not. On a narrow terminal the columns
    of the highest `rank` go first, those of rank 0 never. What goes stands `under` the row's name
    instead: in `all` rows, in those that `lost` runs, or not. Columns of `files_only` are left out
    wherever space is dear.
    """

    title: str
    keys: tuple[str, ...]
    kind: Kind = "number"
    rank: int = 0
    under: Literal["", "all", "lost"] = ""
    files_only: bool = False

    @property
    def right(self) -> bool:
        """Whether it stands to the right."""
        return self.kind in ("number", "numbers")

    @property
    def rare(self) -> bool:
        """Whether a page shows it only where it is asked for."""
        return self.files_only or self.rank >= RARE

    @property
    def breaks(self) -> bool:
        """Whether a cell may go on on further lines."""
        return self.kind in ("numbers", "text")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what people read, the unrounded values behind it, one for each key, and its look
    where colours are shown, as rich names it."""

    text: str
    values: tuple[Value, ...]
    style: str = ""


def cell(text: str, *values: Value, style: str = "") -> Cell:
    """A cell; where no values are given, its text is the only one."""
    return Cell(text, values or (text,), style)


def number(value: float | None, form: str = ",") -> Cell:
    """A number by a format specification; empty where nobody measured it."""
    return Cell("" if value is None else unsigned_zero(format(value, form)), (value,))


def unsigned_zero(text: str) -> str:
    """A number as text; what rounds to zero has no minus sign."""
    return text[1:] if text[:1] == "-" and not text.strip("-0.") else text


def signed(value: float) -> str:
    """`+1.20`; what rounds to zero is `+0.00`, from either side."""
    return f"{value:+z.2f}"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below columns. `about` stands below the title, the notes below the rows.

    `tones` has one word for each row, or is empty.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    tones: Sequence[Tone] = ()
    notes: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    header: bool = True

    def __post_init__(self) -> None:
        if not self.tones:
            object.__setattr__(self, "tones", ("",) * len(self.rows))

    def only(self, places: Iterable[int]) -> "Table":
        """With the columns at these places."""
        kept = tuple(places)
        rows = [tuple(row[place] for place in kept) for row in self.rows]
        return replace(self, columns=tuple(self.columns[place] for place in kept), rows=rows)

    def for_people(self) -> "Table":
        """Without the columns that are for files only."""
        return self.only(at for at, each in enumerate(self.columns) if not each.files_only)


@dataclass(frozen=True, slots=True)
class Printout:
    """What a command prints: tables one below the other, notes, and what is to be read last."""

    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    says: tuple[str | Command, ...] = ()
