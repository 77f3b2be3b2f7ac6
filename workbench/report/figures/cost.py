"""Top-1 against cost, with the Pareto front: what no other row beats at its cost or less."""

from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from workbench.report.findings import Findings, RowResult
from workbench.show import figures as style
from workbench.show.labels import along_bar, label_points
from workbench.statistics.comparison import Verdict
from workbench.statistics.metric import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Measure = Literal["macs", "throughput"]
Point = tuple[str, float, float, float]  # name, cost, top-1, its standard deviation or 0
SAME = 1.04  # what rows that are matched to within 2 % of the first one may differ by
ALONG = 30  # places on each piece of the front that names keep clear of


def draw(found: Findings, measure: Measure, width: float = style.PAGE) -> "Figure | None":
    """None where fewer than two rows have both values, or all cost the same; MACs about the same.

    Only throughput that was measured beside no other work has a front.
    """
    points = _points(found.results, measure)
    costs = [x for _, x, _, _ in points]
    same = SAME if measure == "macs" else 1.0
    if len(points) < 2 or max(costs) <= same * min(costs):
        return None
    made = style.figure(width, 0.9 + 0.5 * width)
    axes = made.add_subplot()
    front = _front(found, points, measure)
    beaten = _beaten(found, points, front, measure)
    _line(axes, [points[index] for index in front])
    for index, (_, x, y, sd) in enumerate(points):
        off = index in beaten
        axes.errorbar(
            x, y, yerr=sd or None, fmt="s" if off else "o", markersize=5, capsize=2, elinewidth=0.9,
            color=style.GREY if off else style.BLUE,
            markerfacecolor=None if off or index in front else "white",
        )  # fmt: skip
    _label_axes(axes, measure, width, found.metric, bool(front))
    _names(axes, points, front, beaten)
    return made


def _front(found: Findings, points: Sequence[Point], measure: Measure) -> list[int]:
    alone = {each.row.name for each in found.results if each.summary.alone}
    kept = [at for at, each in enumerate(points) if measure == "macs" or each[0] in alone]
    up = 1 if found.metric.higher else -1
    return [
        kept[at]
        for at in pareto([(points[at][1], up * points[at][2]) for at in kept], measure == "macs")
    ]


def _beaten(
    found: Findings, points: Sequence[Point], front: Sequence[int], measure: Measure
) -> set[int]:
    """The points that a verdict tells from the best of the front at their cost or a better one;
    all where there is none."""
    if not front:
        return set(range(len(points)))
    best = {
        points[index][0]: _best(found, [points[at] for at in front], points[index][1], measure)
        for index in range(len(points))
        if index not in front
    }
    named = {name: to for name, to in best.items() if to}
    verdicts = found.compared(named) if named else {}
    return {
        index
        for index, (name, *_) in enumerate(points)
        if name in best and (best[name] == "" or verdicts[name].verdict is Verdict.HURTS)
    }


def _best(found: Findings, front: Sequence[Point], cost: float, measure: Measure) -> str:
    """The row of the front with the best score at `cost` or a better one; empty without one."""
    sign, up = 1 if measure == "macs" else -1, 1 if found.metric.higher else -1
    there = [each for each in front if sign * each[1] <= sign * cost]
    return max(there, key=lambda each: up * each[2])[0] if there else ""


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


def _line(axes: "Axes", points: Sequence[Point]) -> None:
    xs, ys = [x for _, x, _, _ in points], [y for _, _, y, _ in points]
    axes.plot(xs, ys, color=style.BLUE, linewidth=1, linestyle="--", zorder=1)


def _label_axes(axes: "Axes", measure: Measure, width: float, metric: Metric, front: bool) -> None:
    axes.grid()
    axes.margins(x=0.12, y=0.12)
    axes.set_ylabel(f"{metric.name}, {metric.unit}, mean and SD over seeds")
    if measure == "macs":
        axes.set_xlabel("multiply-adds of one image")
        style.axis_of_counts(axes.xaxis)
    else:
        axes.set_xlabel("training images per second during the sweep")
    title = "Blue, dashes: Pareto front; open circles can't be told from it"
    words = title if front else "No front: measured beside other work, or load unknown"
    axes.set_title(style.wrapped(words, width - 0.6, style.NORMAL), color=style.GREY)
    style.few_ticks(axes, width)


def _names(
    axes: "Axes", points: Sequence[Point], front: Sequence[int], beaten: Container[int]
) -> None:
    blue = [index not in beaten for index in range(len(points))]
    colours = [style.BLUE if each else style.GREY for each in blue]
    blocked = [spot for _, x, y, sd in points for spot in along_bar(x, y, sd)]
    line = [points[index] for index in front]
    for (_, x, y, _), (_, to_x, to_y, _) in pairwise(line):
        steps = (step / ALONG for step in range(1, ALONG))
        blocked += [(x + share * (to_x - x), y + share * (to_y - y)) for share in steps]
    named = [(name, x, y) for name, x, y, _ in points]
    label_points(axes, named, colours, blocked)
