"""Names in the figure itself, placed so that they do not overlap."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from workbench.show.figures import DPI, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Spot = tuple[float, float]  # pixels
Box = tuple[float, float, float, float]  # left, bottom, right, top in pixels
SIZE = 8.0  # points
POINT = 72 / DPI  # of a pixel; an SVG has other pixels than the drawing it is made from
LETTER, LINE, MARK = 0.62 * SIZE * DPI / 72, 1.35 * SIZE * DPI / 72, 7.0 * DPI / 72


def label_points(
    axes: "Axes",
    points: Sequence[tuple[str, float, float]],
    colours: Sequence[str],
    blocked: Sequence[Spot],
) -> None:
    """Writes each name near its point (name, x, y), off the other names and `blocked` (x, y).

    Near as possible: right, left, above and below, at growing distances, joined by a thin line
    once it is away from its point.
    """
    assert axes.figure is not None
    axes.figure.canvas.draw()
    frame = axes.get_window_extent()
    taken = [_around(_pixels(axes, *spot)) for spot in blocked]
    for (name, x, y), colour in zip(points, colours, strict=True):
        text = shorten(name, 24)
        at = _pixels(axes, x, y)
        box = _free(text, at, taken, (frame.x0, frame.y0, frame.x1, frame.y1))
        taken.append(box)
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        far = abs(middle[1] - at[1]) > 2.2 * LINE
        axes.annotate(
            text,
            xy=(x, y),
            xytext=((middle[0] - at[0]) * POINT, (middle[1] - at[1]) * POINT),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SIZE,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6} if far else None,
        )


def _pixels(axes: "Axes", x: float, y: float) -> Spot:
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)


def _around(spot: Spot) -> Box:
    x, y = spot
    return x - MARK / 2, y - MARK / 2, x + MARK / 2, y + MARK / 2


def _free(text: str, at: Spot, taken: Sequence[Box], frame: Box) -> Box:
    """The first place that is clear, or the one that overlaps least."""
    wide = LETTER * len(text)
    sideways = (MARK + wide / 2, -MARK - wide / 2, 0.0)
    steps = sorted((step * LINE / 2 for step in range(-16, 17)), key=abs)
    places = [
        (at[0] + dx - wide / 2, at[1] + dy - LINE / 2, at[0] + dx + wide / 2, at[1] + dy + LINE / 2)
        for dy, dx in product(steps, sideways)
    ]
    inside = [box for box in places if _within(box, frame)] or places
    costs = [sum(_shared(box, other) for other in taken) for box in inside]
    return inside[costs.index(min(costs))]


def _within(box: Box, frame: Box) -> bool:
    return frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _shared(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


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
    axes: "Axes", ends: Sequence[tuple[str, float, float, str]], size: float = SIZE
) -> None:
    """Names the right ends (name, x, y, colour) of lines beside the axes, without overlap.

    A name whose end lies outside the axes stands without a line to it.
    """
    low, high = axes.get_ylim()
    box = axes.get_window_extent()
    assert axes.figure is not None
    gap = 1.35 * size / 72 * DPI * (high - low) / max(box.height, 1)
    # From the middle of a name's left side, so that it crosses no name above or below.
    line = {"arrowstyle": "-", "lw": 0.6, "relpos": (0.0, 0.5), "shrinkA": 1, "shrinkB": 0}
    heights = spread([min(max(y, low), high) for _, _, y, _ in ends], gap, low, high)
    for (name, x, y, colour), height in zip(ends, heights, strict=True):
        seen = low <= y <= high and x >= axes.get_xlim()[0]
        axes.annotate(
            shorten(name),
            xy=(x, y),
            xytext=(1.08, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=size,
            color=colour,
            annotation_clip=False,
            arrowprops=line | {"color": colour} if seen else None,
        )
