"""Shapley values as bars, and the interactions of pairs as a map."""

from typing import TYPE_CHECKING

from workbench.report.verdicts import interval_text, mean_text
from workbench.show import figures as style
from workbench.show.table import signed
from workbench.statistics.attribution import Attribution, Estimate
from workbench.statistics.effects import Interactions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = (style.VERMILION, "#F7F7F7", style.BLUE)


def bars(found: Attribution) -> "Figure":
    """Each component's Shapley value, and the whole difference that they add up to."""
    shown = [*zip(found.components, found.shapley, strict=True), ("together", found.whole)]
    made = style.figure(7.0, 1.1 + 0.36 * len(shown))
    axes = made.add_subplot()
    for height, (name, estimate) in enumerate(shown):
        _bar(axes, height, estimate, whole=name == "together" and height == len(shown) - 1)
    axes.axvline(0, color=style.BLACK, linewidth=0.8)
    axes.axhline(len(shown) - 1.5, color=style.GREY, linewidth=0.6)
    axes.set_yticks(range(len(shown)), [style.shorten(name) for name, _ in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_xlabel("share of the difference in top-1, percentage points, with 95 % interval")
    return made


def _bar(axes: "Axes", height: int, estimate: Estimate, whole: bool) -> None:
    colour = style.GREY if whole else style.BLUE if estimate.mean >= 0 else style.VERMILION
    axes.barh(height, estimate.mean, height=0.55, color=colour, alpha=0.75)
    if estimate.interval is not None:
        ends = [estimate.interval.low, estimate.interval.high]
        axes.plot(ends, [height, height], color=style.BLACK, linewidth=1.2, marker="|")
    axes.annotate(
        estimate_text(estimate),
        (1.02, height),
        xycoords=axes.get_yaxis_transform(),
        va="center",
        fontsize=8,
        annotation_clip=False,
    )


def estimate_text(estimate: Estimate) -> str:
    """`+1.20 [+0.40, +2.00]`."""
    return mean_text(estimate.mean, estimate.interval)


def interaction_map(found: Attribution | Interactions) -> "Figure":
    """The interactions of pairs; on the diagonal what each component is worth by itself."""
    from matplotlib.colors import LinearSegmentedColormap

    n = len(found.components)
    made = style.figure(2.4 + 0.95 * n, 1.9 + 0.72 * n)
    axes = made.add_subplot()
    cells = _cells(found)
    reach = max(abs(cell.mean) for row in cells for cell in row) or 1.0
    colours = LinearSegmentedColormap.from_list("interaction", list(STEPS))
    means = [[cell.mean for cell in row] for row in cells]
    # Cells, not an image: they stay lines in the SVG, and the page loads no images.
    axes.pcolormesh(means, cmap=colours, vmin=-reach, vmax=reach, edgecolors="white", linewidth=2)
    axes.invert_yaxis()
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            _number(axes, i + 0.5, j + 0.5, cell, style.ink(colours((cell.mean / reach + 1) / 2)))
    names = [style.shorten(name, 16) for name in found.components]
    middles = [index + 0.5 for index in range(n)]
    axes.set_xticks(middles, names, rotation=30, ha="right")
    axes.set_yticks(middles, names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    last = isinstance(found, Interactions) and found.removed
    title = (
        f"Points of top-1. Diagonal: {'added last' if last else 'alone'};\n"
        "elsewhere: interaction of the pair"
    )
    axes.set_title(title, color=style.GREY, fontsize=8)
    return made


def _cells(found: Attribution | Interactions) -> list[list[Estimate]]:
    pairs = {frozenset((one, other)): estimate for one, other, estimate in found.pairs}
    return [
        [
            found.alone[i] if i == j else pairs[frozenset((one, other))]
            for j, other in enumerate(found.components)
        ]
        for i, one in enumerate(found.components)
    ]


def _number(axes: "Axes", i: float, j: float, cell: Estimate, colour: str) -> None:
    """The mean, and its interval below; bold where the interval leaves zero out."""
    clear = cell.interval is not None and (cell.interval.low > 0 or cell.interval.high < 0)
    axes.text(
        j,
        i - 0.12,
        signed(cell.mean),
        ha="center",
        va="center",
        color=colour,
        fontweight="bold" if clear else "normal",
    )
    if cell.interval is not None:
        text = interval_text(cell.interval)
        axes.text(j, i + 0.2, text, ha="center", va="center", color=colour, fontsize=6)
