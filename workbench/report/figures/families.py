"""Published top-1 against a cost, by family, with the Pareto front."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.cost.peers import PEERS, Standing
from workbench.report.figures.cost import pareto
from workbench.report.figures.labels import label_points
from workbench.show import figures as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Point:
    """A network at a cost of its own, multiply-adds or images per second."""

    standing: Standing
    cost: float


def draw(points: Sequence[Point], what: str, less_is_better: bool) -> "Figure":
    """One colour and marker for each family of `PEERS`; bars span the figures printed.

    `what` names the cost, whose axis is logarithmic.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    made = style.figure(9.0, 5.6)
    axes = made.add_subplot()
    axes.set_xscale("log")
    front = pareto([(each.cost, each.standing.top1) for each in points], less_is_better)
    line = [points[index] for index in front]
    axes.plot(
        [each.cost for each in line],
        [each.standing.top1 for each in line],
        color=style.RULE,
        linewidth=2.5,
        zorder=1,
        label="Pareto front",
    )
    families = list(PEERS)  # so that a family looks the same in every figure
    for index, family in enumerate(families):
        _family(axes, [p for p in points if p.standing.counted.family == family], index)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    style.axis_of_counts(axes.xaxis)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid()
    axes.margins(x=0.08, y=0.06)
    axes.set_xlabel(what)
    axes.set_ylabel("published ImageNet-1k top-1, %")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    _names(axes, line, families, points)
    return made


def _family(axes: "Axes", points: Sequence[Point], index: int) -> None:
    if not points:
        return
    filled = index < len(style.CYCLE)
    colour = style.CYCLE[index % len(style.CYCLE)]
    axes.errorbar(
        [each.cost for each in points],
        [each.standing.top1 for each in points],
        yerr=[
            [each.standing.top1 - each.standing.low for each in points],
            [each.standing.high - each.standing.top1 for each in points],
        ],
        fmt=style.MARKERS[index % len(style.MARKERS)],
        color=colour,
        markerfacecolor=colour if filled else "white",
        markersize=6,
        elinewidth=0.8,
        linestyle="none",
        label=points[0].standing.counted.family,
    )


def _names(
    axes: "Axes", line: Sequence[Point], families: Sequence[str], points: Sequence[Point]
) -> None:
    """Those on the front by name; all others keep their place free."""
    named = [(each.standing.model, each.cost, each.standing.top1) for each in line]
    colours = [
        style.CYCLE[families.index(each.standing.counted.family) % len(style.CYCLE)]
        for each in line
    ]
    blocked = [
        (each.cost, level)
        for each in points
        for level in (each.standing.low, each.standing.top1, each.standing.high)
    ]
    label_points(axes, named, colours, blocked)
