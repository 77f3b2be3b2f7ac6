"""The surface with what was found on it, and top-1 against cost."""

from collections.abc import Sequence
from math import log
from statistics import stdev
from typing import TYPE_CHECKING

import numpy as np

from workbench.scaling.constants import PAPER, Constants, along_the_ray
from workbench.show import figures as style
from workbench.study.cost_map import CostMap
from workbench.study.summary import ReportedStudy, StudySummary
from workbench.study.trials import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHADES = "cividis"  # even in grey, and for the colour-blind


def draw_map(study: ReportedStudy, trials: Sequence[Trial], summary: StudySummary) -> "Figure":
    """The alpha-beta plane: every point of the study, coloured by top-1, and the paper's."""
    made = style.figure(7.0, 4.8)
    axes = made.add_subplot()
    _edges(axes, study)
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
            cmap=SHADES,
            edgecolors=style.BLACK,
            linewidths=0.4,
            s=42,
            zorder=3,
            label=f"trained, or the same network ({len(known)})",
        )
        made.colorbar(shown, ax=axes, label="top-1, %, mean over seeds")
    if summary.best:
        _ring(axes, summary.best.constants, summary.leader)
    _paper(axes, study)
    _plane(axes)
    return made


def draw_costs(found: CostMap) -> "Figure":
    """The alpha-beta plane: realised growth over what was asked for, after rounding."""
    made = style.figure(7.0, 4.8)
    axes = made.add_subplot()
    built = [each for each in found.candidates if each.scaled is not None]
    misses = [each.scaled.miss * 100 for each in built if each.scaled]
    reach = max(abs(miss) for miss in misses)
    shown = axes.scatter(
        [each.constants.alpha for each in built],
        [each.constants.beta for each in built],
        c=misses,
        cmap="PuOr",
        vmin=-reach,
        vmax=reach,
        s=6,
        linewidths=0,
    )
    made.colorbar(shown, ax=axes, label=f"growth off {found.study.file.growth:g} after rounding, %")
    inside = [each.constants for each in found.feasible]
    share = f"within {found.study.file.tolerance:.0%} ({len(inside)} of {len(found.candidates)})"
    _marks(axes, inside, ".", style.BLACK, share)
    _edges(axes, found.study)
    _paper(axes, found.study)
    _plane(axes)
    return made


def draw_top1(trials: Sequence[Trial], summary: StudySummary) -> "Figure | None":
    """Top-1 against MACs of every network that trained; none where there are none."""
    known = [trial for trial in trials if trial.trained and trial.top1 is not None and trial.macs]
    if not known:
        return None
    made = style.figure(7.0, 4.2)
    axes = made.add_subplot()
    for trial in known:
        seeds = trial.top1_by_seed
        on_front = trial.number in summary.front and len(summary.front) < len(known)
        axes.errorbar(
            trial.macs or 0,
            trial.top1 or 0.0,
            yerr=stdev(seeds) if len(seeds) > 1 else None,
            fmt="o" if on_front else "s",
            color=style.BLUE if on_front else style.GREY,
            markersize=5,
            capsize=2,
            elinewidth=0.8,
        )
    _name(axes, summary.best, summary.leader, style.VERMILION)
    _name(axes, summary.paper, "paper's", style.BLACK)
    axes.grid()
    axes.set_xlabel("multiply-adds of one image")
    axes.set_ylabel("top-1, %, mean and standard deviation over seeds")
    style.axis_of_counts(axes.xaxis)
    axes.margins(x=0.1, y=0.12)
    if len(summary.front) > 1:
        axes.set_title("Blue: no other network is better in all objectives", color=style.GREY)
    return made


# ---------------------------------------------------------------- parts


def _edges(axes: "Axes", study: ReportedStudy) -> None:
    """Where gamma is 1, and lines of equal gamma below."""
    exponents, growth = study.surface.exponents, study.surface.growth
    highest = growth ** (1 / exponents.resolution)
    for gamma in (1.0, 1 + (highest - 1) / 3, 1 + 2 * (highest - 1) / 3):
        left = log(growth) - exponents.resolution * log(gamma)
        alphas = np.linspace(1.0, np.exp(left / exponents.depth), 100)
        betas = np.exp((left - exponents.depth * np.log(alphas)) / exponents.dim)
        axes.plot(alphas, betas, color=style.RULE, linewidth=1.2 if gamma == 1 else 0.8, zorder=1)
        axes.annotate(
            f"gamma {gamma:.2f}",
            (float(alphas[60]), float(betas[60])),
            color=style.GREY,
            fontsize=7,
            xytext=(2, 2),
            textcoords="offset points",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
            zorder=3,
        )


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


def _ring(axes: "Axes", at: Constants, name: str) -> None:
    axes.scatter(
        [at.alpha], [at.beta], s=130, facecolors="none", edgecolors=style.VERMILION,
        linewidths=1.6, zorder=4, label=name,
    )  # fmt: skip


def _paper(axes: "Axes", study: ReportedStudy) -> None:
    at = along_the_ray(PAPER, study.surface.exponents, study.surface.growth)
    axes.scatter(
        [at.alpha], [at.beta], marker="*", s=150, color=style.ORANGE, edgecolors=style.BLACK,
        linewidths=0.6, zorder=5, label=f"the paper's direction, {PAPER}",
    )  # fmt: skip


def _name(axes: "Axes", trial: Trial | None, name: str, colour: str) -> None:
    if trial is None or trial.top1 is None or not trial.macs:
        return
    at = (float(trial.macs), trial.top1)
    axes.annotate(name, at, color=colour, fontsize=8, xytext=(6, 6), textcoords="offset points")


def _plane(axes: "Axes") -> None:
    axes.set_xlabel("alpha (depth)")
    axes.set_ylabel("beta (dimension)")
    axes.set_title("Points of the constraint surface; gamma is solved", color=style.GREY)
    axes.grid()
    axes.legend(fontsize=7, loc="upper right")
