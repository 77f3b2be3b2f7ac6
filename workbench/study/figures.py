"""The surface with what was found on it, and top-1 against cost."""

from collections.abc import Collection, Sequence
from math import log
from typing import TYPE_CHECKING

import numpy as np

from workbench.scaling.constants import PAPER, Constants, along_the_ray
from workbench.show import figures as style
from workbench.show.labels import along_bar, label_points
from workbench.study.cost_map import CostMap
from workbench.study.summary import ReportedStudy, StudySummary, not_apart
from workbench.study.trials import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND = 4.5  # inches that a legend of two columns takes


def draw_map(
    study: ReportedStudy,
    trials: Sequence[Trial],
    summary: StudySummary,
    width: float = style.PAGE,
) -> "Figure":
    """The alpha-beta plane: every point of the study, coloured by top-1, and the paper's.

    Rings stand round the points whose network can't be told from the best.
    """
    made, axes = _square(width)
    lines = _edges(axes, study)
    missed = [t.constants for t in trials if t.outcome == "infeasible"]
    lost = [t.constants for t in trials if t.outcome in ("pruned", "diverged")]
    _marks(axes, missed, "x", style.GREY, f"infeasible ({len(missed)})")
    _marks(axes, lost, "v", style.VERMILION, f"pruned or diverged ({len(lost)})")
    known = [trial for trial in trials if trial.outcome == "completed" and trial.top1 is not None]
    if known:
        shown = axes.scatter(
            [t.constants.alpha for t in known],
            [t.constants.beta for t in known],
            c=[t.top1 or 0.0 for t in known],
            cmap=style.SHADES,
            edgecolors=style.BLACK,
            linewidths=0.4,
            s=26,
            zorder=3,
            label=f"trained, or the same network ({len(known)})",
        )
        style.colour_bar(made, shown, "top-1, %, mean over seeds")
    _rings(axes, trials, summary)
    _paper(axes, study, summary.paper)
    _plane(made, axes, width)
    blocked = [(each.constants.alpha, each.constants.beta) for each in trials]
    label_points(axes, lines, [style.GREY] * len(lines), blocked)
    return made


def draw_costs(found: CostMap, width: float = style.PAGE) -> "Figure":
    """The alpha-beta plane: realised growth over what was asked for, after rounding."""
    made, axes = _square(width)
    built = [each for each in found.candidates if each.scaled is not None]
    misses = [each.scaled.miss * 100 for each in built if each.scaled]
    reach = max(abs(miss) for miss in misses)
    shown = axes.scatter(
        [each.constants.alpha for each in built],
        [each.constants.beta for each in built],
        c=misses,
        cmap=style.DIVERGING,
        vmin=-reach,
        vmax=reach,
        s=6,
        linewidths=0,
    )
    label = f"growth off {found.study.file.growth:g} after rounding, %"
    style.colour_bar(made, shown, label)
    inside = [each.constants for each in found.feasible]
    share = f"within {found.study.file.tolerance:.0%} ({len(inside)} of {len(found.candidates)})"
    _marks(axes, inside, ".", style.BLACK, share)
    _in_legend(axes, [name for name, _, _ in _edges(axes, found.study)])
    _paper(axes, found.study, None)
    _plane(made, axes, width)
    return made


def draw_top1(
    trials: Sequence[Trial], summary: StudySummary, width: float = style.PAGE
) -> "Figure | None":
    """Top-1 against MACs of every network that trained; none where there are none.

    Bars are half of what the seeds tell apart, so that two networks whose bars do not touch are
    apart; without it, where there is one seed, there are none.
    """
    known = [trial for trial in trials if trial.scored and trial.macs]
    if not known:
        return None
    made = style.figure(width, 0.9 + 0.5 * width)
    axes = made.add_subplot()
    half = summary.noise.difference / 2 if summary.noise else None
    _bars(axes, known, {trial.number for trial in not_apart(trials, summary)}, half)
    axes.grid()
    axes.set_xlabel("multiply-adds of one image")
    axes.set_ylabel("top-1, %, mean over seeds")
    style.axis_of_counts(axes.xaxis)
    axes.margins(x=0.1, y=0.12)
    style.few_ticks(axes, width)
    if half is not None:
        told = "Blue: not told from the best. Bars that do not touch are apart (Tukey)"
        axes.set_title(style.wrapped(told, width - 0.6, style.NORMAL), color=style.GREY)
    _best_and_paper(axes, known, summary, half)
    return made


def _bars(axes: "Axes", known: Sequence[Trial], alike: Collection[int], half: float | None) -> None:
    """Each network with its bar; those of `alike` can't be told from the best."""
    for trial in known:
        level = not alike or trial.number in alike
        axes.errorbar(
            trial.macs or 0, trial.top1 or 0.0, yerr=half, fmt="o" if level else "s", markersize=4,
            color=style.BLUE if level else style.GREY, capsize=2, elinewidth=0.8,
        )  # fmt: skip


def _best_and_paper(
    axes: "Axes", known: Sequence[Trial], summary: StudySummary, half: float | None
) -> None:
    """Their names, clear of all bars."""
    named = {summary.leader: summary.best, "paper's": summary.paper}
    points = [
        (name, float(each.macs), each.top1)
        for name, each in named.items()
        if each is not None and each.top1 is not None and each.macs
    ]
    blocked = [
        spot
        for each in known
        for spot in along_bar(float(each.macs or 0), each.top1 or 0.0, half or 0.0)
    ]
    label_points(axes, points, [style.BLACK] * len(points), blocked)


# ---------------------------------------------------------------- parts


def _edges(axes: "Axes", study: ReportedStudy) -> list[tuple[str, float, float]]:
    """Where gamma is 1, and lines of equal gamma below; their names, and where these belong."""
    exponents, growth = study.surface.exponents, study.surface.growth
    highest = growth ** (1 / exponents.resolution)
    names = []
    for gamma in (1.0, 1 + (highest - 1) / 3, 1 + 2 * (highest - 1) / 3):
        left = log(growth) - exponents.resolution * log(gamma)
        alphas = np.linspace(1.0, np.exp(left / exponents.depth), 100)
        betas = np.exp((left - exponents.depth * np.log(alphas)) / exponents.dim)
        name, thick = f"gamma {gamma:.2f}", 1.2 if gamma == 1 else 0.8
        axes.plot(alphas, betas, color=style.RULE, linewidth=thick, zorder=1)
        names.append((name, float(alphas[75]), float(betas[75])))
    return names


def _in_legend(axes: "Axes", names: Sequence[str]) -> None:
    """The lines of equal gamma by their dashes: points are everywhere, and leave a name no room."""
    for line, name, dash in zip(axes.lines, names, style.DASHES, strict=False):
        line.set(label=name, linestyle=dash, color=style.BLACK, linewidth=1.0, zorder=4)


def _marks(axes: "Axes", points: Sequence[Constants], marker: str, colour: str, label: str) -> None:
    if points:
        axes.scatter(
            [point.alpha for point in points],
            [point.beta for point in points],
            marker=marker,
            color=colour,
            s=9 if marker == "." else 20,
            linewidths=0.8 if marker != "." else 0,
            label=label,
            zorder=2,
        )


def _rings(axes: "Axes", trials: Sequence[Trial], summary: StudySummary) -> None:
    alike = not_apart(trials, summary)
    if not alike:
        return
    axes.scatter(
        [each.constants.alpha for each in alike],
        [each.constants.beta for each in alike],
        s=70,
        facecolors="none",
        edgecolors=style.VERMILION,
        linewidths=1.1,
        zorder=4,
        label=f"not told from the best ({len(alike)} networks)",
    )


def _paper(axes: "Axes", study: ReportedStudy, trained: Trial | None) -> None:
    at = along_the_ray(PAPER, study.surface.exponents, study.surface.growth)
    top1 = trained.top1 if trained else None
    axes.scatter(
        [at.alpha],
        [at.beta],
        marker="*",
        s=110,
        color=style.ORANGE,
        edgecolors=style.BLACK,
        linewidths=0.6,
        zorder=5,
        label="the paper's" + (f", top-1 {top1:.2f} %" if top1 is not None else f", {PAPER}"),
    )


def _square(width: float) -> "tuple[Figure, Axes]":
    made = style.figure(width, 0.85 * width + 0.5)
    return made, made.add_subplot()


def _plane(made: "Figure", axes: "Axes", width: float) -> None:
    axes.set_xlabel("alpha (depth)")
    axes.set_ylabel("beta (dimension)")
    axes.grid()
    style.few_ticks(axes, width)
    made.legend(loc="outside lower center", ncols=2 if width > LEGEND else 1, frameon=False)
