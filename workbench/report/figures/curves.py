"""A score over the epochs: mean over seeds, and a band from the least to the greatest seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from workbench.show import figures as style
from workbench.show.labels import label_ends
from workbench.statistics.facts import Row, RunRecord
from workbench.statistics.metric import TOP1, Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOGETHER = len(style.CYCLE)  # more rows than this are drawn each in a panel of its own
WIDE = 5.0  # inches, from which on the names find room beside the lines
PANEL = 1.4  # inches of a panel at least


@dataclass(frozen=True, slots=True)
class Band:
    """One row's curve, epochs from 1. Every epoch has the seeds that reached it, so lost runs end
    early."""

    variant: str
    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def bands(rows: Sequence[Row], runs: Sequence[RunRecord], metric: Metric = TOP1) -> list[Band]:
    """The rows of which any run was measured within its epochs."""
    found = []
    for row in rows:
        by_epoch: dict[int, list[float]] = {}
        for record in (point for run in runs if run.variant == row.name for point in run.curve):
            value: float | None = getattr(record, metric.field)
            if value is not None and isfinite(value):
                by_epoch.setdefault(record.epoch + 1, []).append(value)
        epochs = tuple(sorted(by_epoch))
        values = [by_epoch[epoch] for epoch in epochs]
        if epochs:
            mean = tuple(sum(value) / len(value) for value in values)
            low, high = tuple(map(min, values)), tuple(map(max, values))
            found.append(Band(row.name, epochs, mean, low, high))
    return found


def draw(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    width: float = style.PAGE,
    metric: Metric = TOP1,
) -> "Figure | None":
    """None where no run has a curve of the metric: one point is none."""
    found, score = bands(rows, runs, metric), f"{metric.name}, {metric.unit}"
    if all(len(band.epochs) < 2 for band in found):
        return None
    together = len(found) <= TOGETHER and width >= WIDE
    return _together(found, width, score) if together else _panels(found, width, score)


def _together(found: list[Band], width: float, score: str) -> "Figure":
    """The whole course, and its last third with the names."""
    made = style.figure(width, 0.48 * width)
    grid = made.add_gridspec(1, 2, width_ratios=(3, 2))
    whole, end = made.add_subplot(grid[0]), made.add_subplot(grid[1])
    last = max(band.epochs[-1] for band in found)
    for axes in (whole, end):
        for index, band in enumerate(found):
            _band(axes, band, index)
        _label_axes(axes)
    whole.set_ylabel(f"{score}, mean and range of the seeds")
    start = last - last // 3
    whole.set_title("All epochs", color=style.GREY)
    end.set_title(f"From epoch {start}, own scale", color=style.GREY)
    _zoom(end, found, start)
    made.canvas.draw()
    label_ends(end, [_end(band, index, start) for index, band in enumerate(found)], most=20)
    return made


def _zoom(axes: "Axes", found: list[Band], start: int) -> None:
    late = [
        value
        for band in found
        for epoch, low, high in zip(band.epochs, band.low, band.high, strict=True)
        for value in (low, high)
        if epoch >= start
    ]
    room = 0.06 * (max(late) - min(late)) or 1.0
    axes.set_xlim(start - 0.3, max(band.epochs[-1] for band in found) + 0.3)
    axes.set_ylim(min(late) - room, max(late) + room)


def _end(band: Band, index: int, start: int) -> tuple[str, float, float, str]:
    ended = "" if band.epochs[-1] >= start else f" (ended at {band.epochs[-1]})"
    return band.variant + ended, band.epochs[-1], band.mean[-1], style.CYCLE[index]


def _panels(found: list[Band], width: float, score: str) -> "Figure":
    """A row in each, over the means of all others."""
    across = min(int(width / PANEL), len(found))
    down = -(-len(found) // across)
    made = style.figure(width, 0.4 + 1.25 * down)
    first = None
    for index, band in enumerate(found):
        first = axes = made.add_subplot(down, across, index + 1, sharex=first, sharey=first)
        for other in found:
            axes.plot(other.epochs, other.mean, color=style.RULE, linewidth=0.7)
        _band(axes, band, 0)
        room = (width - 0.5) / across - 0.15
        axes.set_title(style.wrapped(band.variant, room), fontsize=style.SMALL)
        axes.grid()
        axes.label_outer()
        _whole_epochs(axes, 3)
        axes.locator_params(axis="y", nbins=4)
    made.supxlabel("epoch")
    made.supylabel(f"{score}; range of the seeds")
    return made


def _band(axes: "Axes", band: Band, index: int) -> None:
    colour = style.CYCLE[index]
    axes.fill_between(band.epochs, band.low, band.high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(
        band.epochs,
        band.mean,
        color=colour,
        linestyle=style.DASHES[index],
        marker=style.MARKERS[index],
        markevery=max(len(band.epochs) // 6, 1),
        markersize=3,
        linewidth=1.3,
    )


def _label_axes(axes: "Axes") -> None:
    axes.grid()
    _whole_epochs(axes)
    axes.set_xlabel("epoch")


def _whole_epochs(axes: "Axes", most: int = 6) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=most))
