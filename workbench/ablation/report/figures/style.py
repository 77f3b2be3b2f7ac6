"""One look for all figures: readable in print, in grey and by the colour-blind.

Colours are Okabe and Ito's (Color Universal Design, 2008) without the yellow, which is lost on
paper; markers, line styles and direct labels say the same as the colours.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
    paths = [folder / f"{stem}.svg", folder / f"{stem}.png"]
    made.savefig(paths[0], metadata={"Date": None, "Creator": None})
    made.savefig(paths[1], dpi=DPI, metadata={"Software": None})
    return paths


def shorten(name: str, most: int = 28) -> str:
    """A name short enough for a label."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as near to `wanted` as they can be with `gap` between neighbours, in [low, high].

    Blocks of neighbours that would touch are merged around their mean (pool adjacent violators).
    Where all do not fit, they are spaced evenly.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks: list[list[int]] = []
    for index in order:
        blocks.append([index])
        while len(blocks) > 1 and _top(blocks[-2], wanted, gap, low, high) + gap > _bottom(
            blocks[-1], wanted, gap, low, high
        ):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    placed = [0.0] * len(wanted)
    for block in blocks:
        bottom = _bottom(block, wanted, gap, low, high)
        for step, index in enumerate(block):
            placed[index] = bottom + step * gap
    return placed


def _bottom(
    block: list[int], wanted: Sequence[float], gap: float, low: float, high: float
) -> float:
    height = (len(block) - 1) * gap
    middle = sum(wanted[index] for index in block) / len(block)
    return min(max(middle - height / 2, low), high - height)


def _top(block: list[int], wanted: Sequence[float], gap: float, low: float, high: float) -> float:
    return _bottom(block, wanted, gap, low, high) + (len(block) - 1) * gap


def label_ends(
    axes: "Axes", ends: Sequence[tuple[str, float, float, str]], size: float = 8
) -> None:
    """Names the right ends (name, x, y, colour) of lines beside the axes, without overlap."""
    low, high = axes.get_ylim()
    box = axes.get_window_extent()
    assert axes.figure is not None
    gap = 1.35 * size / 72 * DPI * (high - low) / max(box.height, 1)
    heights = spread([y for _, _, y, _ in ends], gap, low, high)
    for (name, x, y, colour), height in zip(ends, heights, strict=True):
        axes.annotate(
            shorten(name),
            xy=(x, y),
            xytext=(1.03, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=size,
            color=colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkA": 0, "shrinkB": 2},
        )
