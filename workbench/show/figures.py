"""One look for all figures: readable in print, in grey and by the colour-blind.

Colours are Okabe and Ito's (Color Universal Design, 2008) without the yellow, which is lost on
paper; markers, line styles and direct labels say the same as the colours.
"""

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from workbench.errors import InputError, unknown, visible
from workbench.whole_file import writing, written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

BLACK, GREY, RULE = "#000000", "#5F5F5F", "#D0D0D0"
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE = "#56B4E9", "#CC79A7"
SHADES, DIVERGING = "cividis", "PuOr"  # even in grey, and for the colour-blind
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
DPI = 160
Item = TypeVar("Item")
SMALL, NORMAL = 7.0, 8.0  # points of all text, at the width that a figure is drawn for
WIDTHS = {"column": 3.25, "1.5": 5.0, "text": 6.75}  # inches, as in two-column papers
PAGE = 4.25  # read on a phone, and three beside each other on a laptop
TALLEST = 9.0  # inches: what a page of print has room for
NARROW, WIDE = 2.5, 12.0
INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
FORMATS = ("pdf", "svg", "png")

SETTINGS: "dict[RcKeyType, object]" = {
    "font.family": "DejaVu Sans",
    "font.size": NORMAL,
    "figure.titlesize": NORMAL,
    "figure.labelsize": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.labelsize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.parse_math": False,  # a variant's name may hold a dollar sign
    "svg.hashsalt": "workbench",
    "svg.fonttype": "path",  # the same on every machine
    "pdf.fonttype": 42,  # TrueType, whole and embedded: publishers refuse type 3
    "pdf.use14corefonts": False,
}


@dataclass(frozen=True, slots=True)
class Output:
    """How figures are written: their width in inches, and the forms of their files."""

    width: float = PAGE
    formats: tuple[str, ...] = ("svg", "png")


def parse_width(text: str) -> float:
    """`column`, `1.5` or `text`, or a length such as 3.25in, 82mm or 234pt; in inches.

    Raises `InputError` for any other, and for one that no figure fits.
    """
    if text in WIDTHS:
        return WIDTHS[text]
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(in|cm|mm|pt)", text.strip())
    if not found:
        names = ", ".join(WIDTHS)
        raise InputError(
            f"{text!r} is no width; choose from: {names}, or a length such as 3.25in or 82mm",
            key="--width",
        )
    width = float(found[1]) * INCHES[found[2]]
    if not NARROW <= width <= WIDE:
        raise InputError(f"{text} is refused: from {NARROW:g}in to {WIDE:g}in", key="--width")
    return width


def parse_formats(text: str) -> tuple[str, ...]:
    """`pdf,svg,png`, or some of them. Raises `InputError` for any other."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise unknown("--format", name, FORMATS)
    return names


@contextmanager
def style() -> Iterator[None]:
    """The settings above, for drawing and saving within."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):
        yield


def heaviest(items: Sequence[Item], count: int, weight: Callable[[Item], float]) -> list[Item]:
    """The `count` of the greatest weight that a page has room for, in the order of `items`."""
    ranked = sorted(range(len(items)), key=lambda at: -weight(items[at]))
    return [items[at] for at in sorted(ranked[:count])]


def figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches; no pyplot, so no global state and no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(made)
    return made


METADATA: dict[str, dict[str, None]] = {  # nothing that changes from one drawing to the next
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def save(
    made: "Figure", folder: Path, stem: str, formats: Sequence[str] = ("svg", "png")
) -> list[Path]:
    """`stem.svg` and so on, the same bytes for the same figure."""
    from matplotlib.text import Text

    for text in made.findobj(Text):  # no XML holds a control character
        assert isinstance(text, Text)
        text.set_text(visible(text.get_text()))
    paths = [folder / f"{stem}.{form}" for form in formats]
    for path, form in zip(paths, formats, strict=True):
        with written_whole(path) as half:
            made.savefig(half, format=form, dpi=DPI, metadata=METADATA[form])
    return paths


def save_all(
    drawn: "Mapping[str, Figure | None]", folder: Path, formats: Sequence[str] = ("svg", "png")
) -> list[Path]:
    """Those that there are, in `folder`. Raises `InputError` where that can't be written."""
    with style(), writing(folder, "results"):
        folder.mkdir(parents=True, exist_ok=True)
        return [
            path
            for stem, made in drawn.items()
            if made is not None
            for path in save(made, folder, stem, formats)
        ]


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of an RGB or RGBA colour of 0 to 1 (WCAG 2.1)."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in colour[:3]
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ink(ground: tuple[float, ...]) -> str:
    """Black or white, whichever stands out more from `ground`."""
    light = luminance(ground) + 0.05  # contrasts are 1.05 / light and light / 0.05
    return BLACK if light**2 > 1.05 * 0.05 else "white"


def legible(colour: str) -> str:
    """The same hue, dark enough for letters on white: 4.5 to 1, as WCAG 2.1 asks."""
    shade = tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    while 1.05 / (luminance(shade) + 0.05) < 4.5:
        shade = tuple(0.95 * each for each in shade)
    return "#" + "".join(f"{round(255 * each):02X}" for each in shade)


def axis_of_counts(axis: "XAxis") -> None:
    """`10.25 M`: every digit that a tick has, where a table would round."""
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter())


def colour_bar(made: "Figure", shown: "ScalarMappable", label: str) -> None:
    """The scale of `shown` beside the only axes, in lines: as pixels it is lost in a web page."""
    bar = made.colorbar(shown, ax=made.axes[0], label=label, shrink=0.9)
    if bar.solids is not None:
        bar.solids.set_rasterized(False)
        bar.solids.set_edgecolor("face")  # else thin white lines between the colours


def without_frame(axes: "Axes") -> None:
    """For a picture: no ticks and no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def few_ticks(axes: "Axes", width: float) -> None:
    """As many ticks on a linear axis as their labels have room for."""
    axes.locator_params(axis="x", nbins=max(int(width * 1.1), 3))
    axes.locator_params(axis="y", nbins=6)


def shorten(name: str, most: int = 28) -> str:
    """A name short enough for a label."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def wrapped(text: str, inches: float, size: float = SMALL, lines: int = 2) -> str:
    """Text on so many lines at most, none wider than `inches`."""
    most = letters(inches, size)
    return "\n".join(textwrap.wrap(text, most, max_lines=lines, placeholder="…")) or text[:most]


def letters(inches: float, size: float = SMALL) -> int:
    """How many letters of a usual text fit."""
    return max(int(inches * 72 / (0.61 * size)), 4)
