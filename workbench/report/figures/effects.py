"""Each row's difference to the row it is compared to: every seed, the mean and its interval."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.report.figures.lanes import Lane, Lanes, finish, lanes
from workbench.report.findings import RowResult
from workbench.report.verdicts import difference_unit, mean_text, verdict_text
from workbench.show import figures as style
from workbench.statistics.comparison import Comparison, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS = {
    Verdict.HELPS: ("^", style.BLUE),
    Verdict.HURTS: ("v", style.VERMILION),
    Verdict.EQUIVALENT: ("D", style.GREEN),
    Verdict.UNDECIDED: ("o", style.GREY),
    Verdict.NONE: ("x", style.BLACK),
}
UP, DOWN = 0.045, 0.05  # inches off the middle: the interval, and the seeds below it


def draw(lines: Sequence[RowResult], width: float = style.PAGE, place: int = 0) -> "Figure | None":
    """In the metric of the plan at `place`, of rows that have runs. None where none of them is
    compared to another in it."""
    begun = [line for line in lines if line.summary.runs and len(line.declared) > place]
    compared = [(line, line.declared[place]) for line in begun]
    if not compared:
        return None
    metric = compared[0][1].metric
    made = lanes(
        [_lane(line, found) for line, found in compared],
        width,
        f"difference in {metric.name}, {difference_unit(metric)}; small: each seed",
    )
    for middle, (_, found) in zip(made.middles, compared, strict=True):
        _effect(made, middle, found)
    made.axes.margins(x=0.06)
    return finish(made)


def _lane(line: RowResult, found: Comparison) -> Lane:
    says = verdict_text(found)
    brief = says.replace("(takes ", "(")
    if line.summary.ended:
        says = f"{says}; {line.summary.outcome}"
    return Lane(
        found.variant,
        mean_text(found.mean, found.interval, found.metric),
        f"compared to {found.compared_to}",
        says,
        brief,
        LOOKS[found.verdict][1],
    )


def _effect(made: Lanes, middle: float, found: Comparison) -> None:
    if found.mean is None:
        return
    axes, (marker, colour) = made.axes, LOOKS[found.verdict]
    heights = [middle + DOWN] * len(found.differences)
    axes.plot(found.differences, heights, "o", color=colour, markersize=2.6, alpha=0.55, mew=0)
    if found.interval is not None:
        ends = [found.interval.low, found.interval.high]
        axes.plot(ends, [middle - UP] * 2, color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(found.mean, middle - UP, marker, color=colour, markersize=5.5)
