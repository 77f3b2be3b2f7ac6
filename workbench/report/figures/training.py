"""Accuracy against a value of training for every row, and effects at several values."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.report.findings import Findings, RowResult
from workbench.report.verdicts import difference_unit
from workbench.show import figures as style
from workbench.statistics.facts import Row
from workbench.statistics.tuning import Range, Tried, Tuning, value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = 1.6  # inches of a name in the legend
LETTERS = 20  # of one
DECADE = 5.0  # values that lie further apart than this, as a ratio, are drawn on a log scale


def tuned(
    tuning: Tuning | None, rows: Sequence[Row], score: str, width: float = style.PAGE
) -> "Figure | None":
    """The validation score of every row against each key; None where nothing was tried."""
    if tuning is None or not any(each.score is not None for each in tuning.tried):
        return None
    keys = tuple(tuning.space)
    made = style.figure(width, 2.6 * len(keys) + _legend_height(rows, width))
    panels = [made.add_subplot(len(keys), 1, place + 1) for place in range(len(keys))]
    for axes, key in zip(panels, keys, strict=True):
        _values_axis(axes, key, tuning.space[key])
        for place, row in enumerate(rows):
            _line(axes, tuning, row.name, key, place)
        axes.set_ylabel(f"validation {score}, %")
    _legend(made, panels[0], width)
    return made


def _legend_height(names: Sequence[object], width: float) -> float:
    return 0.17 * (1 + (len(names) - 1) // _across(width)) + 0.1


def _across(width: float) -> int:
    """Names beside each other below a figure."""
    return max(1, int(width / NAME))


def _legend(made: "Figure", axes: "Axes", width: float) -> None:
    handles, names = axes.get_legend_handles_labels()
    made.legend(
        handles, names, loc="outside lower center", ncols=_across(width), frameon=False,
        fontsize=style.SMALL, columnspacing=1.0, handletextpad=0.4,
    )  # fmt: skip


def _line(axes: "Axes", tuning: Tuning, row: str, key: str, place: int) -> None:
    found = [each for each in tuning.of(row) if each.score is not None]
    points = sorted((_place(tuning, key, each), each.score or 0.0) for each in found)
    colour, dash, marker = _look(place)
    joined = dash if len(tuning.space) == 1 else ""
    axes.plot(
        [x for x, _ in points], [y for _, y in points], linestyle=joined, marker=marker,
        color=colour, markersize=4, linewidth=1.2, label=style.shorten(row, LETTERS),
    )  # fmt: skip
    best = tuning.best(row)
    if best is not None:
        axes.plot(
            _place(tuning, key, best), best.score or 0.0, "o", color=colour, markersize=11,
            markerfacecolor="none", markeredgewidth=1.6,
        )  # fmt: skip


def _look(place: int) -> tuple[str, "str | tuple[int, tuple[int, ...]]", str]:
    count = len(style.CYCLE)
    shift = place // count
    return style.CYCLE[place % count], style.DASHES[shift % count], style.MARKERS[place % count]


def _place(tuning: Tuning, key: str, tried: Tried) -> float:
    """Numbers stand where they are, words by their order."""
    value, values = dict(tried.setting)[key], tuning.space[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return float(values.index(value)) if not isinstance(values, Range) else 0.0


def _values_axis(axes: "Axes", key: str, values: "Sequence[object] | Range") -> None:
    listed = (values.low, values.high) if isinstance(values, Range) else tuple(values)
    numbers = [each for each in listed if isinstance(each, int | float)]
    axes.set_xlabel(key)
    axes.grid(axis="y")
    if len(numbers) < len(listed):
        axes.set_xticks(range(len(listed)), [str(each) for each in listed])
        return
    if min(numbers) > 0 and max(numbers) / min(numbers) >= DECADE:
        axes.set_xscale("log")
    if not isinstance(values, Range):
        axes.set_xticks(numbers, [value_text(each) for each in numbers])
        axes.minorticks_off()


def _mean(result: RowResult) -> float | None:
    return result.comparison.mean if result.comparison else None


def _effects(
    axes: "Axes", name: str, results: Sequence[RowResult], places: Sequence[float], index: int
) -> None:
    """One row at all values."""
    colour, _, marker = _look(index)
    known = [(x, each) for x, each in zip(places, results, strict=True) if _mean(each) is not None]
    means = [_mean(each) or 0.0 for _, each in known]
    axes.plot(
        [x for x, _ in known], means, marker, color=colour, markersize=6,
        label=style.shorten(name, LETTERS),
    )  # fmt: skip
    for x, each in known:
        interval = each.comparison.interval if each.comparison else None
        if interval is not None:
            axes.plot([x, x], [interval.low, interval.high], color=colour, linewidth=1.6)


def robust(found: Findings, width: float = style.PAGE) -> "Figure | None":
    """The effect of every row at every value; None in other plans and before there are any."""
    shown = [
        (name, results)
        for name, results in found.at_values.items()
        if any(_mean(each) is not None for each in results)
    ]
    if not shown:
        return None
    values = list(dict.fromkeys(each.row.at for _, results in shown for each in results))
    made = style.figure(width, 2.8 + _legend_height(shown, width))
    axes = made.add_subplot()
    for place, (name, results) in enumerate(shown):
        offset = (place - (len(shown) - 1) / 2) * min(0.12, 0.6 / len(shown))
        places = [values.index(each.row.at) + offset for each in results]
        _effects(axes, name, results, places, place)
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    axes.set_xticks(range(len(values)), [value_text(value) for value in values])
    axes.set_xlabel(found.facts.robust or "")
    axes.set_ylabel(f"difference in {found.metric.name}, {difference_unit(found.metric)}")
    axes.grid(axis="y")
    _legend(made, axes, width)
    return made
