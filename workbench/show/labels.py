"""Names in the figure itself, placed so that they do not overlap."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.show.figures import DPI, NORMAL, SMALL, legible, letters, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Spot = tuple[float, float]  # pixels, or values of the axes
Spots = NDArray[np.float64]  # one (2,) or several (n, 2), in pixels
Boxes = NDArray[np.float64]  # (n, 4): left, bottom, right, top in pixels
SIZE = SMALL  # points
POINT = 72 / DPI  # of a pixel; an SVG has other pixels than the drawing it is made from
LINE, MARK = 1.35 * SIZE * DPI / 72, 7.0 * DPI / 72
ROOM = 1.6 * MARK  # of a marker, into which no line to another one goes
ALONG, THIN = 12, 1.0  # small boxes along a line, and half of their sides in pixels
ALONG_BAR = 6  # places on each half of an error bar
MANY = 16  # names, from which on some may stand on lines: so many numbers tell less
HARD, SOFT = 100.0, 0.1  # what a name on a name costs, and one with a line, by one on a line
NEARER = 2.0  # pixels by which a name without a line is nearer to its point than to any other
LOOSE = 1.5  # pixels that two names may share: a box is a little larger than its letters


def along_bar(x: float, y: float, half: float) -> list[Spot]:
    """Places on a bar that reaches `half` up and down from a point, for names to keep clear of."""
    shares = (step / ALONG_BAR for step in range(-ALONG_BAR, ALONG_BAR + 1))
    return list(dict.fromkeys((x, y + share * half) for share in shares))


def label_points(
    axes: "Axes",
    points: Sequence[tuple[str, float, float]],
    colours: Sequence[str],
    blocked: Sequence[Spot],
) -> None:
    """Names every point (name, x, y), off the other names and `blocked` (x, y).

    By its name beside it, joined by a thin line once it is away from its point. Where these do not
    all fit, by numbers, whose names then stand below the axis.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()
    placed = _place(axes, [(shorten(name, 24), x, y) for name, x, y in points], blocked)
    if not placed[1]:
        numbers = [(str(index), x, y) for index, (_, x, y) in enumerate(points, 1)]
        _key(axes, [name for name, _, _ in points])
        figure.canvas.draw()
        placed = _place(axes, numbers, blocked)
        points = numbers
    figure.set_layout_engine("none")  # names stay where they are
    spots = _spots(axes, points)
    for index, ((text, box), colour) in enumerate(zip(placed[0], colours, strict=True)):
        line = bool(_joined(box[None], spots[index], np.delete(spots, index, 0))[0])
        _write(axes, points[index][1:], text, box, colour, line)


def _key(axes: "Axes", names: Sequence[str]) -> None:
    """The numbered names, as further lines of the label of the axis, which the figure has room
    for."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    most = letters(figure.get_figwidth() - 0.3, NORMAL)
    lines = [""]
    for index, name in enumerate(names, 1):
        entry = f"{index} {shorten(name, most - 4)}"
        if lines[-1] and len(lines[-1]) + len(entry) + 3 > most:
            lines.append("")
        lines[-1] += ("   " if lines[-1] else "") + entry
    axes.set_xlabel(axes.get_xlabel() + "\n" + "\n".join(lines))
    height = figure.get_figheight() + len(lines) * 1.35 * NORMAL / 72
    figure.set_figheight(height)


def _write(
    axes: "Axes", point: Spot, text: str, box: NDArray[np.float64], colour: str, line: bool
) -> None:
    at = _pixels(axes, *point)
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    axes.annotate(
        text,
        xy=point,
        xytext=((middle[0] - at[0]) * POINT, (middle[1] - at[1]) * POINT),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=SIZE,
        color=legible(colour),
        arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkA": 0, "shrinkB": 3}
        if line
        else None,
    )


def _joined(boxes: Boxes, at: Spots, others: Spots) -> NDArray[np.bool_]:
    """Which places of a name need a line to its point: those far from it, and those about as near
    to another point."""
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    near = np.minimum(abs(boxes[:, 0] - at[0]), abs(boxes[:, 2] - at[0]))
    near = np.where((boxes[:, 0] < at[0]) & (at[0] < boxes[:, 2]), 0, near)
    far = np.maximum(abs(middle - at[1]) - LINE, near - MARK) > 0.7 * LINE
    other = np.min([np.full(len(boxes), np.inf), *(_away(boxes, spot) for spot in others)], 0)
    return np.asarray(far | (other < _away(boxes, at) + NEARER))


def _away(boxes: Boxes, spot: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each box is from a point."""
    sides = np.maximum(boxes[:, :2] - spot, spot - boxes[:, 2:])
    return np.asarray(np.hypot(*np.maximum(sides, 0).T))


def _lines(boxes: Boxes, at: Spots, joined: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, ALONG, 4): small boxes along the line from the middle of each place to its point; where
    there is no line, nowhere."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    shares = (np.arange(ALONG) + 0.5)[None, :, None] / ALONG
    along = middles[:, None] + shares * (at - middles)[:, None]
    found = np.concatenate([along - THIN, along + THIN], 2)
    found[~joined] = np.inf
    return found


def _place(
    axes: "Axes", points: Sequence[tuple[str, float, float]], blocked: Sequence[Spot]
) -> tuple[list[tuple[str, NDArray[np.float64]]], bool]:
    """The box of every name, and whether all are clear of each other and of what is blocked."""
    frame = axes.get_window_extent()
    inside = np.array([frame.x0, frame.y0, frame.x1, frame.y1])
    spots = _spots(axes, points)
    barred = np.array([_pixels(axes, *spot) for spot in blocked]).reshape(-1, 2)
    taken = _marks(np.vstack([barred, spots]))
    found, clear = [], True
    names = lines = np.empty((0, 4))
    for index, (text, _, _) in enumerate(points):
        at, others = spots[index], np.delete(spots, index, 0)
        wide = _width(axes, text)
        box, shared, crossed = _free(wide, at, others, taken, names, lines, inside)
        clear = clear and shared == 0 and (crossed == 0 or len(points) > MANY)
        line = _lines(box[None], at, _joined(box[None], at, others))[0]
        taken, names = np.vstack([taken, box]), np.vstack([names, box])
        lines = np.vstack([lines, line[np.isfinite(line).all(1)]])
        found.append((text, box))
    return found, clear


def _spots(axes: "Axes", points: Sequence[tuple[str, float, float]]) -> Spots:
    return np.array([_pixels(axes, x, y) for _, x, y in points]).reshape(-1, 2)


def _marks(spots: Spots, side: float = MARK) -> Boxes:
    """The boxes of markers."""
    return np.hstack([spots - side / 2, spots + side / 2])


def _width(axes: "Axes", text: str) -> float:
    """Of a name, in pixels."""
    drawn = axes.text(0, 0, text, fontsize=SIZE)
    width = float(drawn.get_window_extent().width)
    drawn.remove()
    return width


def _pixels(axes: "Axes", x: float, y: float) -> Spot:
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)


def _free(
    wide: float,
    at: Spots,
    others: Spots,
    taken: Boxes,
    names: Boxes,
    lines: Boxes,
    frame: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float, float]:
    """The first place that is clear, or the one that overlaps least; by how much, and how much of
    lines to points lies on names and on the marks of `others`."""
    steps = sorted((step * LINE / 2 for step in range(-16, 17)), key=abs)
    near = (MARK + wide / 2, -MARK - wide / 2, 0.0)
    away = (2.5 * MARK + wide / 2, -2.5 * MARK - wide / 2)
    order = [*product(steps, near), *product(steps, away)]
    middles = at + np.array([(dx, dy) for dy, dx in order])
    half = np.array([wide / 2 + 1, LINE / 2])
    boxes = np.hstack([middles - half, middles + half])
    fits = (boxes[:, :2] >= frame[:2]).all(1) & (boxes[:, 2:] <= frame[2:]).all(1)
    boxes = boxes[fits] if fits.any() else boxes
    shared = _shared(boxes, taken, LOOSE)
    joined = _joined(boxes, at, others)
    own = _lines(boxes, at, joined).reshape(-1, 4)
    apart = others[np.hypot(*(others - at).T) > ROOM]  # no line can keep clear of nearer ones
    under = np.vstack([names, _marks(apart, ROOM)])
    crossed = _shared(own, under).reshape(len(boxes), ALONG).sum(1) + _shared(boxes, lines)
    best = int((HARD * shared + crossed + SOFT * joined).argmin())
    return boxes[best], float(shared[best]) + (0.0 if fits.any() else 1.0), float(crossed[best])


def _shared(boxes: Boxes, others: Boxes, loose: float = 0.0) -> NDArray[np.float64]:
    """How much of each box lies in the others, in squared pixels."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    with np.errstate(invalid="ignore"):  # a line that is nowhere
        sides = np.nan_to_num(high - low, nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(np.clip(sides - loose, 0, None).prod(2).sum(1))


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
    axes: "Axes",
    ends: Sequence[tuple[str, float, float, str]],
    size: float = SIZE,
    most: int = 28,
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
            shorten(name, most),
            xy=(x, y),
            xytext=(1.08, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=size,
            color=colour,
            annotation_clip=False,
            arrowprops=line | {"color": colour} if seen else None,
        )
