"""One look for all figures: readable in print, in grey and by the colour-blind.

Colours are Okabe and Ito's (Color Universal Design, 2008) without the yellow, which is lost on
paper; markers, line styles and direct labels say the same as the colours.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.whole_file import written_whole

if TYPE_CHECKING:
    from matplotlib.axis import XAxis
    from matplotlib.figure import Figure

BLACK, GREY, RULE = "#000000", "#5F5F5F", "#D0D0D0"
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE = "#56B4E9", "#CC79A7"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
DPI = 160

SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
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
}


@contextmanager
def style() -> Iterator[None]:
    """The settings above, for drawing and saving within."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):  # type: ignore[arg-type]
        yield


def figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches; no pyplot, so no global state and no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(made)
    return made


def save(made: "Figure", folder: Path, stem: str) -> list[Path]:
    """`stem.svg` and `stem.png`, the same bytes for the same figure."""
    svg, png = folder / f"{stem}.svg", folder / f"{stem}.png"
    with written_whole(svg) as half:
        made.savefig(half, metadata={"Date": None, "Creator": None})
    with written_whole(png) as half:
        made.savefig(half, dpi=DPI, metadata={"Software": None})
    return [svg, png]


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


def axis_of_counts(axis: "XAxis") -> None:
    """`10.25 M`: every digit that a tick has, where a table would round."""
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter())


def shorten(name: str, most: int = 28) -> str:
    """A name short enough for a label."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
