"""Top-1 against cost, with the Pareto front: what no other row beats at its cost or less."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from workbench.report.figures.labels import label_points
from workbench.report.findings import RowResult
from workbench.show import figures as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Measure = Literal["macs", "throughput"]
Point = tuple[str, float, float, float]  # name, cost, top-1, its standard deviation or 0
ALONG = 30  # places on each piece of the front that names keep clear of
ALONG_BAR = 6  # and on each half of an error bar


def draw(lines: Sequence[RowResult], measure: Measure) -> "Figure | None":
    """None where fewer than two rows have both values."""
    points = _points(lines, measure)
    if len(points) < 2:
        return None
    made = style.figure(7.0, 4.2)
    axes = made.add_subplot()
    front = pareto([(x, y) for _, x, y, _ in points], less_is_better=measure == "macs")
    _front(axes, [points[index] for index in front])
    for index, (_, x, y, sd) in enumerate(points):
        colour = style.BLUE if index in front else style.GREY
        marker = "o" if index in front else "s"
        axes.errorbar(x, y, yerr=sd or None, fmt=marker, color=colour, markersize=6, capsize=3)
    _label_axes(axes, measure)
    _names(axes, points, front)
    return made


def pareto(points: Sequence[tuple[float, float]], less_is_better: bool) -> list[int]:
    """Indices, by rising x, of the points that no other beats in x and y together.

    y is better when it is larger; x when it is smaller, or larger if not `less_is_better`.
    """
    sign = 1 if less_is_better else -1
    order = sorted(range(len(points)), key=lambda i: (sign * points[i][0], -points[i][1]))
    front: list[int] = []
    for index in order:
        best = points[front[-1]] if front else None
        if best is None or points[index][1] > best[1] or points[index] == best:
            front.append(index)
    return sorted(front, key=lambda i: points[i][0])


def _points(lines: Sequence[RowResult], measure: Measure) -> list[Point]:
    cost: Callable[[RowResult], float | None] = (
        (lambda line: line.row.macs)
        if measure == "macs"
        else (lambda line: line.summary.images_per_second)
    )
    found: list[Point] = []
    for line in lines:
        x, y = cost(line), line.summary.mean
        if x and y is not None:
            found.append((line.row.variant, float(x), y, line.summary.sd or 0.0))
    return found


def _front(axes: "Axes", points: Sequence[Point]) -> None:
    xs, ys = [x for _, x, _, _ in points], [y for _, _, y, _ in points]
    axes.plot(xs, ys, color=style.BLUE, linewidth=1, linestyle="--", zorder=1)


def _label_axes(axes: "Axes", measure: Measure) -> None:
    axes.grid()
    axes.margins(x=0.12, y=0.12)
    axes.set_ylabel("top-1, %, mean and standard deviation over seeds")
    if measure == "macs":
        axes.set_xlabel("multiply-adds of one image")
        style.axis_of_counts(axes.xaxis)
    else:
        axes.set_xlabel(
            "training images per second, as measured during the sweep;\n"
            "other work on the machine counts against it"
        )
    axes.set_title("Blue circles and dashes: the Pareto front", color=style.GREY)


def _names(axes: "Axes", points: Sequence[Point], front: Sequence[int]) -> None:
    colours = [style.BLUE if index in front else style.GREY for index in range(len(points))]
    shares = [step / ALONG_BAR for step in range(-ALONG_BAR, ALONG_BAR + 1)]
    bars = ((x, y + share * sd) for _, x, y, sd in points for share in shares)
    blocked = list(dict.fromkeys(bars))
    line = [points[index] for index in front]
    for (_, x, y, _), (_, to_x, to_y, _) in pairwise(line):
        steps = (step / ALONG for step in range(1, ALONG))
        blocked += [(x + share * (to_x - x), y + share * (to_y - y)) for share in steps]
    named = [(name, x, y) for name, x, y, _ in points]
    label_points(axes, named, colours, blocked)
