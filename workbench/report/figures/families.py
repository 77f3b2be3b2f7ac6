"""Published top-1 of many networks against a cost, by family, with the Pareto front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.cost.peers import PEERS, Standing
from workbench.report.figures.cost import pareto
from workbench.show import figures as style
from workbench.show.labels import label_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from workbench.cost.speed import Speed

OWN = "one's own"


@dataclass(frozen=True, slots=True)
class Point:
    """A network at a cost, multiply-adds or images per second; `low` and `high` are the least and
    the greatest top-1 printed for it."""

    name: str
    family: str
    cost: float
    top1: float
    low: float
    high: float

    @classmethod
    def of(cls, each: Standing, cost: float) -> "Point":
        """A network as it was published."""
        return cls(each.model, each.counted.family, cost, each.top1, each.low, each.high)

    @classmethod
    def own(cls, name: str, cost: float, top1: float) -> "Point":
        """A network of one's own."""
        return cls(name, OWN, cost, top1, top1, top1)


def points_of(
    found: Sequence[Standing],
    speeds: "Mapping[str, Speed] | None",
    own: Mapping[str, tuple[float, float]],
) -> tuple[list[Point], str]:
    """Those at their MACs, or of `speeds` at their images per second, with one's own by name; and
    what the cost is."""
    mine = [Point.own(name, cost, top1) for name, (cost, top1) in own.items()]
    if speeds is None:
        what = "multiply-adds of one image, counted by one convention (logarithmic)"
        return [*mine, *(Point.of(each, each.counted.macs) for each in found)], what
    kept = [each for each in found if each.counted.network in speeds]
    points = [Point.of(each, speeds[each.counted.network].images_per_second) for each in kept]
    first = next(iter(speeds.values()))
    what = (
        f"images per second on {first.device}, {first.threads} thread(s), batch {first.batch}, "
        "float32 (logarithmic)"
    )
    return mine + points, what


def draw(
    points: Sequence[Point], what: str, less_is_better: bool, width: float = style.WIDTHS["text"]
) -> "Figure":
    """A line, a colour and a marker for each family of `PEERS`; bars span the figures printed.

    `what` names the cost, whose axis is logarithmic. Networks of one's own are stars.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    across = max(int(width / 1.1), 2)
    legend = -(-(len({each.family for each in points}) + 1) // across)
    made = style.figure(width, max(0.6 * width, 2.6) + 0.17 * legend + 0.4)
    axes = made.add_subplot()
    axes.set_xscale("log")
    front = pareto([(each.cost, each.top1) for each in points], less_is_better)
    line = [points[index] for index in front]
    axes.plot(
        [each.cost for each in line],
        [each.top1 for each in line],
        color=style.RULE,
        linewidth=4,
        zorder=1,
        label="Pareto front",
    )
    for index, family in enumerate((*PEERS, OWN)):  # alike in every figure
        _family(axes, [each for each in points if each.family == family], index)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    style.axis_of_counts(axes.xaxis)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid()
    axes.margins(x=0.08, y=0.06)
    axes.set_xlabel(style.wrapped(what, width - 0.6, style.NORMAL))
    axes.set_ylabel("published ImageNet-1k top-1, %")
    made.legend(loc="outside upper center", ncols=across, frameon=False)
    _names(axes, points)
    return made


def _colour(family: str) -> str:
    return style.VERMILION if family == OWN else style.CYCLE[_index(family) % len(style.CYCLE)]


def _index(family: str) -> int:
    return [*PEERS, OWN].index(family)


def _marker(index: int) -> str:
    """Another one for the families that have a colour for the third time."""
    return style.MARKERS[(index + 3 * (index // (2 * len(style.CYCLE)))) % len(style.MARKERS)]


def _family(axes: "Axes", points: Sequence[Point], index: int) -> None:
    if not points:
        return
    points = sorted(points, key=lambda each: each.cost)
    own, colour = points[0].family == OWN, _colour(points[0].family)
    axes.errorbar(
        [each.cost for each in points],
        [each.top1 for each in points],
        yerr=[
            [each.top1 - each.low for each in points],
            [each.high - each.top1 for each in points],
        ],
        fmt="*" if own else _marker(index),
        color=colour,
        markerfacecolor=colour if own or index < len(style.CYCLE) else "white",
        markersize=9 if own else 4,
        elinewidth=0.8,
        linestyle="none" if own else "-",
        linewidth=0.8,
        label=points[0].family,
        zorder=4 if own else 2,
    )


def _names(axes: "Axes", points: Sequence[Point]) -> None:
    """Every network by name, one's own first; all keep their place free."""
    named = sorted(points, key=lambda each: (each.family != OWN, each.cost))
    blocked = [(each.cost, level) for each in points for level in (each.low, each.high)]
    label_points(
        axes,
        [(each.name, each.cost, each.top1) for each in named],
        [_colour(each.family) for each in named],
        blocked,
    )
