"""Top-1 against cost, with the Pareto front: what no other row beats at its cost or less."""

from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from workbench.report.figures.labels import label_points
from workbench.report.findings import Findings, RowResult
from workbench.show import figures as style
from workbench.statistics.paired import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Measure = Literal["macs", "throughput"]
Point = tuple[str, float, float, float]  # name, cost, top-1, its standard deviation or 0
ALONG = 30  # places on each piece of the front that names keep clear of
ALONG_BAR = 6  # and on each half of an error bar


def draw(found: Findings, measure: Measure) -> "Figure | None":
    """None where fewer than two rows have both values, or all have the same cost.

    Throughput has no front: how much else the machine did beside a run is not recorded.
    """
    points = _points(found.results, measure)
    if len({x for _, x, _, _ in points}) < 2:
        return None
    made = style.figure(7.0, 4.2)
    axes = made.add_subplot()
    front = pareto([(x, y) for _, x, y, _ in points], True) if measure == "macs" else []
    beaten = _beaten(found, points, front)
    _front(axes, [points[index] for index in front])
    for index, (_, x, y, sd) in enumerate(points):
        off = index in beaten or not front
        axes.errorbar(
            x, y, yerr=sd or None, fmt="s" if off else "o", markersize=6, capsize=3,
            color=style.GREY if off else style.BLUE,
            markerfacecolor=None if off or index in front else "white",
        )  # fmt: skip
    _label_axes(axes, measure)
    _names(axes, points, front, beaten)
    return made


def _beaten(found: Findings, points: Sequence[Point], front: Sequence[int]) -> set[int]:
    """The points that a verdict tells from the best of the front at their cost or less."""
    best = {
        points[index][0]: _best(points, front, points[index][1])
        for index in range(len(points))
        if front and index not in front
    }
    verdicts = found.compared(best) if best else {}
    return {
        index
        for index, (name, *_) in enumerate(points)
        if name in verdicts and verdicts[name].verdict is Verdict.HURTS
    }


def _best(points: Sequence[Point], front: Sequence[int], cost: float) -> str:
    """The row of the front with the highest top-1 at `cost` or less."""
    return max((points[at] for at in front if points[at][1] <= cost), key=lambda each: each[2])[0]


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
            found.append((line.row.name, float(x), y, line.summary.sd or 0.0))
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
    title = "Blue and dashes: the Pareto front; open circles can't be told from it"
    axes.set_title(title if measure == "macs" else "No front: load not recorded", color=style.GREY)


def _names(
    axes: "Axes", points: Sequence[Point], front: Sequence[int], beaten: Container[int]
) -> None:
    blue = [bool(front) and index not in beaten for index in range(len(points))]
    colours = [style.BLUE if each else style.GREY for each in blue]
    shares = [step / ALONG_BAR for step in range(-ALONG_BAR, ALONG_BAR + 1)]
    bars = ((x, y + share * sd) for _, x, y, sd in points for share in shares)
    blocked = list(dict.fromkeys(bars))
    line = [points[index] for index in front]
    for (_, x, y, _), (_, to_x, to_y, _) in pairwise(line):
        steps = (step / ALONG for step in range(1, ALONG))
        blocked += [(x + share * (to_x - x), y + share * (to_y - y)) for share in steps]
    named = [(name, x, y) for name, x, y, _ in points]
    label_points(axes, named, colours, blocked)
