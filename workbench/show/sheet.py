"""A table without a look: what every renderer reads."""

from dataclasses import dataclass
from typing import Literal

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: `keys` name its unrounded values; `wide` ones are left out where space is dear.

    On a narrow terminal the columns of the highest `rank` go first, those of rank 0 never. What
    goes stands `under` the row's name instead: in `all` rows, in those that `lost` runs, or not.
    Text may go on on a further line, unless it is to stay `whole`; numbers and names always do.
    """

    title: str
    keys: tuple[str, ...]
    right: bool = True
    wide: bool = False
    whole: bool = False
    rank: int = 0
    under: Literal["", "all", "lost"] = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what people read, and the unrounded values behind it, one for each key."""

    text: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table without a look. `tones` colours a row: `good`, `bad`, `lost` or nothing."""

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    tones: tuple[str, ...]
    notes: tuple[str, ...] = ()


def top1_text(mean: float | None, sd: float | None) -> str:
    """`81.23 ± 0.45`, without the spread where there is one seed, empty where unknown."""
    if mean is None:
        return ""
    return f"{mean:.2f}" if sd is None else f"{mean:.2f} ± {sd:.2f}"
