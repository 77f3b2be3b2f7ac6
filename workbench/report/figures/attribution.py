"""Shapley values as bars, and the interactions of pairs as a triangle."""

from typing import TYPE_CHECKING

from workbench.report.figures.lanes import Lane, finish, lanes
from workbench.report.verdicts import interval_text, mean_text
from workbench.show import figures as style
from workbench.show.table import signed
from workbench.statistics.attribution import Attribution, EffectSize, real
from workbench.statistics.effects import Interactions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure

STEPS = (style.VERMILION, "#F7F7F7", style.BLUE)
SCALE, LINEAR = 100.0, 1.0  # of every map alike: linear within a point, then by powers of ten


def bars(found: Attribution, width: float = style.PAGE) -> "Figure":
    """Each component's Shapley value, and the whole difference that they add up to."""
    metric = found.metric
    shown = [*zip(found.components, found.shapley, strict=True), ("all together", found.whole)]
    made = lanes(
        [Lane(name, mean_text(each.mean, each.interval, metric)) for name, each in shown],
        width,
        f"share of the difference in {metric.name}, {metric.points}, with 95 % interval",
    )
    for middle, (_, estimate) in zip(made.middles, shown, strict=True):
        whole = estimate is found.whole
        colour = style.GREY if whole else style.BLUE if estimate.mean >= 0 else style.VERMILION
        made.axes.barh(middle, estimate.mean, height=0.12, color=colour, alpha=0.75)
        if estimate.interval is not None:
            ends = [estimate.interval.low, estimate.interval.high]
            made.axes.plot(ends, [middle] * 2, color=style.BLACK, lw=1.2, marker="|", ms=5)
    made.axes.margins(x=0.06)
    return finish(made)


def interaction_map(found: Attribution | Interactions, width: float = style.PAGE) -> "Figure":
    """The interactions of pairs; on the diagonal what each component is worth by itself.

    The colours are on one scale in every figure. A star: real, adjusted over the pairs.
    """
    from matplotlib.colors import LinearSegmentedColormap, SymLogNorm

    n = len(found.components)
    left = min(0.3 + 0.062 * max(map(len, found.components)), 0.32 * width)
    side = min((width - left - 0.75) / n, 0.9)
    made = style.figure(width, n * min(side, 0.5) + left + 0.35)
    axes = made.add_subplot()
    colours = LinearSegmentedColormap.from_list("interaction", list(STEPS))
    norm = SymLogNorm(LINEAR, vmin=-SCALE, vmax=SCALE)
    cells = _cells(found)
    grid = [[cell.mean if cell else float("nan") for cell in row] for row in cells]
    # Cells, not an image: they stay lines in the SVG, and the page loads no images.
    drawn = axes.pcolormesh(grid, cmap=colours, norm=norm, edgecolors="white", linewidth=2)
    axes.invert_yaxis()
    marked = _marked(found)
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            if cell:
                ground = colours(float(norm(cell.mean)))
                _number(axes, (j, i), cell, style.ink(ground), side, (i, j) in marked)
    names = [style.shorten(name, style.letters(left)) for name in found.components]
    middles = [index + 0.5 for index in range(n)]
    axes.set_xticks(middles, names, rotation=90)
    axes.set_yticks(middles, names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _scale(made.colorbar(drawn, ax=axes, ticks=[-100, -10, -1, 0, 1, 10, 100], aspect=24))
    last = isinstance(found, Interactions) and found.removed
    unit = f"{found.metric.points.capitalize()} of {found.metric.name}"
    title = f"{unit}; diagonal: {'added last' if last else 'alone'}; * real (Holm)"
    made.suptitle(
        style.wrapped(title, width - 0.2, style.NORMAL), x=0.01, ha="left", color=style.GREY
    )
    return made


def _scale(bar: "Colorbar") -> None:
    bar.ax.set_yticklabels(["−100", "−10", "−1", "0", "+1", "+10", "+100"])
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_rasterized(False)


def _cells(found: Attribution | Interactions) -> list[list[EffectSize | None]]:
    """The lower triangle, with the diagonal."""
    pairs = {frozenset((one, other)): estimate for one, other, estimate in found.pairs}
    names = found.components
    return [
        [
            found.alone[i] if i == j else pairs[frozenset((one, other))] if j < i else None
            for j, other in enumerate(names)
        ]
        for i, one in enumerate(names)
    ]


def _marked(found: Attribution | Interactions) -> set[tuple[int, int]]:
    """The cells that are real: those of the diagonal among themselves, and the pairs."""
    place = {name: index for index, name in enumerate(found.components)}
    marked = {(i, i) for i, yes in enumerate(real(found.alone)) if yes}
    sizes = [size for _, _, size in found.pairs]
    for (one, other, _), yes in zip(found.pairs, real(sizes), strict=True):
        if yes:
            marked.add((max(place[one], place[other]), min(place[one], place[other])))
    return marked


def _number(
    axes: "Axes", at: tuple[int, int], cell: EffectSize, colour: str, side: float, marked: bool
) -> None:
    """The mean, and its interval below where there is room."""
    x, y = at[0] + 0.5, at[1] + 0.5
    text = _short(cell.mean, side) + "*" * marked
    whole = interval_text(cell.interval)
    room = cell.interval is not None and style.letters(side) > len(whole)
    axes.text(
        x, y - 0.16 * room, text, ha="center", va="center", color=colour, fontsize=style.SMALL
    )
    if room:
        axes.text(x, y + 0.2, whole, ha="center", va="center", color=colour, fontsize=style.SMALL)


def _short(mean: float, side: float) -> str:
    """With as many digits as a cell of `side` inches holds beside its star; at least none."""
    most = style.letters(side) - 1
    forms = (signed(mean), f"{mean:+z.1f}", f"{mean:+z.0f}")
    return next((form for form in forms if len(form) <= most), "")
