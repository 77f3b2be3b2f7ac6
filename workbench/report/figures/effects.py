"""Each row's difference to the row it is compared to, and its interval."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.report.findings import RowResult
from workbench.report.verdicts import mean_text, verdict_text
from workbench.show import figures as style
from workbench.statistics.paired import Comparison, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = {
    Verdict.HELPS: ("^", style.BLUE),
    Verdict.HURTS: ("v", style.VERMILION),
    Verdict.UNDECIDED: ("o", style.GREY),
    Verdict.NONE: ("x", style.BLACK),
}


def draw(lines: Sequence[RowResult]) -> "Figure | None":
    """None where no row is compared to another."""
    compared = [line for line in lines if line.comparison is not None]
    if not compared:
        return None
    panels = len(compared[0].declared)
    made = style.figure(7.5, panels * (1.1 + 0.38 * len(compared)))
    for panel in range(panels):
        _panel(made.add_subplot(panels, 1, panel + 1), compared, panel)
    return made


def _panel(axes: "Axes", compared: Sequence[RowResult], panel: int) -> None:
    """All rows in one metric of the plan."""
    metric = compared[0].declared[panel].metric
    for height, line in enumerate(compared):
        _effect(axes, height, line, line.declared[panel])
    axes.axvline(0, color=style.BLACK, linewidth=0.8)
    axes.set_yticks(range(len(compared)), [_name(line) for line in compared])
    axes.set_ylim(len(compared) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    unit = "percentage points" if metric.unit == "%" else metric.unit
    axes.set_xlabel(f"difference in {metric.name}, {unit}, with the interval of its verdict")
    axes.margins(x=0.08)


def _name(line: RowResult) -> str:
    against = line.row.compared_to or ""
    return f"{style.shorten(line.row.name, 24)}\ncompared to {style.shorten(against, 24)}"


def _effect(axes: "Axes", height: int, line: RowResult, found: Comparison) -> None:
    marker, colour = LOOKS[found.verdict]
    if found.mean is not None:
        if found.interval is not None:
            ends = [found.interval.low, found.interval.high]
            axes.plot(ends, [height, height], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot(found.mean, height, marker, color=colour, markersize=7)
    axes.annotate(
        _label(found, line),
        (1.02, height),
        xycoords=axes.get_yaxis_transform(),
        va="center",
        fontsize=8,
        color=colour,
        annotation_clip=False,
    )


def _label(found: Comparison, line: RowResult) -> str:
    words = verdict_text(found)
    if line.summary.ended:
        words = f"{words}; {line.summary.outcome}"
    return f"{mean_text(found.mean, found.interval, found.metric)}\n{words}".strip()
