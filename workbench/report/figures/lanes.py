"""Rows below each other, each with its words above a strip to draw in: legible at any width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.show import figures as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

LINE, STRIP, GAP = 0.145, 0.2, 0.09  # inches: of a line of text, of a strip, below it
SIDE, BOTTOM, TOP = 0.16, 0.27, 0.04  # margins; the bottom without the lines of the label
BAND = "#F2F3F5"


@dataclass(frozen=True, slots=True)
class Lane:
    """The words of a row: a line of name and value, and one below it."""

    name: str
    value: str = ""
    under: str = ""
    says: str = ""
    brief: str = ""  # the same in fewer words, for a narrow figure
    colour: str = style.BLACK  # of what it says


@dataclass(frozen=True, slots=True)
class Lanes:
    """A figure with an empty strip for each row; heights in inches, downwards."""

    figure: "Figure"
    axes: "Axes"
    middles: tuple[float, ...]


def lanes(rows: Sequence[Lane], width: float, label: str) -> Lanes:
    """The strips of `rows` over one axis with this label."""
    lines = 2 if any(row.under or row.says for row in rows) else 1
    each = lines * LINE + STRIP + GAP
    whole = each * len(rows)
    label = style.wrapped(label, width - 0.1, style.NORMAL)
    bottom = BOTTOM + LINE * (label.count("\n") + 1)
    height = whole + bottom + TOP
    made = style.figure(width, height)
    made.set_layout_engine("none")  # all places are known
    axes = made.add_axes((SIDE / width, bottom / height, 1 - 2 * SIDE / width, whole / height))
    axes.set_ylim(whole, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(label, labelpad=2)
    for index, row in enumerate(rows):
        top = index * each
        _line(axes, top + LINE / 2, row.name, row.value, style.BLACK, style.NORMAL)
        if lines == 2:
            _line(axes, top + 1.5 * LINE, row.under, row.says, row.colour, style.SMALL, row.brief)
    middles = tuple(index * each + lines * LINE + STRIP / 2 for index in range(len(rows)))
    for middle in middles:
        axes.axhspan(middle - STRIP / 2, middle + STRIP / 2, color=BAND, linewidth=0, zorder=0)
    return Lanes(made, axes, middles)


def _line(
    axes: "Axes", y: float, left: str, right: str, colour: str, size: float, brief: str = ""
) -> None:
    """Both ends of a line. Where they would touch, the right one is `brief`; then the longer is
    cut."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    width = figure.get_figwidth()
    place, out = axes.get_yaxis_transform(), (SIDE - 0.06) / (width - 2 * SIDE)
    soft = style.GREY if size < style.NORMAL else style.BLACK
    one = axes.text(-out, y, left, transform=place, va="center", size=size, color=soft)
    other = axes.text(
        1 + out,
        y,
        right,
        transform=place,
        va="center",
        ha="right",
        size=size,
        color=style.legible(colour),
    )
    room = (width - 0.2) * style.DPI
    if brief and _wide(one) + _wide(other) > room:
        other.set_text(brief)
    while (over := _wide(one) + _wide(other) - room) > 0:
        longer = max(one, other, key=_wide)
        text = longer.get_text()
        cut = max(int(len(text) * over / _wide(longer)), 1)
        longer.set_text(style.shorten(text, max(len(text) - cut, 1)))


def _wide(text: "Text") -> float:
    """In pixels."""
    return float(text.get_window_extent().width) if text.get_text() else 0.0


def finish(made: Lanes, zero: bool = True) -> "Figure":
    """Rules at the ticks, and at zero, within the strips alone, so that they cross no text."""
    from matplotlib.ticker import MaxNLocator

    axes = made.axes
    axes.xaxis.set_major_locator(MaxNLocator(nbins=max(int(made.figure.get_figwidth() * 1.4), 3)))
    low, high = axes.get_xlim()
    tops = [middle - STRIP / 2 for middle in made.middles]
    bottoms = [middle + STRIP / 2 for middle in made.middles]
    for tick in axes.get_xticks():
        if low <= tick <= high:
            axes.vlines([tick] * len(tops), tops, bottoms, color=style.RULE, lw=0.5, zorder=0.5)
    if zero and low <= 0 <= high:
        axes.vlines([0.0] * len(tops), tops, bottoms, color=style.BLACK, lw=0.8, zorder=1)
    axes.set_xlim(low, high)
    return made.figure
