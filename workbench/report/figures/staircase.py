"""Top-1 step by step, as the rows of an additive plan stand on each other."""

from itertools import pairwise
from typing import TYPE_CHECKING

from workbench.published import PublishedRow, same_dataset
from workbench.report.figures.lanes import STRIP, Lane, Lanes, finish, lanes
from workbench.report.findings import Findings, RowResult
from workbench.show import figures as style
from workbench.show.console import count_text
from workbench.statistics.facts import scores
from workbench.statistics.metric import TOP1

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR = 0.11  # inches


def draw(found: Findings, width: float = style.PAGE) -> "Figure | None":
    """A bar for each row with its MACs, its step and what was published for it.

    None where the plan is not additive, or fewer than two rows were measured.
    """
    results = [each for each in found.results if each.summary.mean is not None]
    if found.facts.kind != "additive" or len(results) < 2:
        return None
    low, high = _reach(found, results)
    made = lanes([_lane(found, each) for each in results], width, _label(found, low))
    made.axes.set_xlim(low, high)
    for middle, each in zip(made.middles, results, strict=True):
        _bar(made, middle, each, found, low)
    for (middle, each), (lower, _) in pairwise(zip(made.middles, results, strict=True)):
        end = each.summary.mean or 0.0
        above, below = lower - STRIP / 2, lower + STRIP / 2
        made.axes.vlines(end, above, below, color=style.GREY, lw=0.8, ls=(0, (2, 2)), zorder=4)
        made.axes.vlines(end, middle + BAR / 2, middle + STRIP / 2, color=style.GREY, lw=0.8)
    return finish(made, zero=False)


def _label(found: Findings, low: float) -> str:
    metric = found.metric
    begins = "" if low == 0 else f"; the axis begins at {low:g}"
    known = [row for rows in found.published.values() for row in rows if row.top1 is not None]
    places = ", ".join(dict.fromkeys(row.dataset for row in known))
    elsewhere = f"; published: {places}" if places else ""
    return f"{metric.name}, {metric.unit}; small: each seed{begins}{elsewhere}"


def _reach(found: Findings, results: list[RowResult]) -> tuple[float, float]:
    """Bars begin at a round number below all; at zero where that is no waste of room."""
    values = [score for run in found.runs if (score := run.score(found.metric)) is not None]
    values += [row.top1 for each in results for row in _published(found, each) if row.top1]
    room = max(values) - min(values) or 1.0
    low = min(values) - 0.25 * room
    step = next(
        step
        for step in (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
        if step * 8 >= room or step == 20
    )
    return max(low // step * step, 0.0), max(values) + 0.06 * room


def _published(found: Findings, each: RowResult) -> list[PublishedRow]:
    """Those of the same data set: others stand on another scale."""
    known = found.published.get(each.row.name, ())
    if found.metric != TOP1:
        return []
    return [row for row in known if same_dataset(found.facts.dataset, row.dataset)]


def _lane(found: Findings, each: RowResult) -> Lane:
    compared, metric = each.comparison, found.metric
    step = "" if compared is None or compared.mean is None else f"{metric.signed(compared.mean)}, "
    return Lane(
        each.row.name,
        f"{metric.text(each.summary.mean, each.summary.sd)} {metric.unit}",
        " ".join(text for text in (_macs(each), _elsewhere(found, each)) if text),
        "" if compared is None else step + str(compared.verdict),
    )


def _macs(each: RowResult) -> str:
    return "" if each.row.macs is None else f"{count_text(each.row.macs)} MACs"


def _elsewhere(found: Findings, each: RowResult) -> str:
    """`(published 81.8)`, each value once; the axis says of which data set."""
    known = [row for row in found.published.get(each.row.name, ()) if row.top1 is not None]
    values = " or ".join(dict.fromkeys(f"{row.top1:g}" for row in known))
    return f"(published {values})" if values else ""


def _bar(made: Lanes, middle: float, each: RowResult, found: Findings, low: float) -> None:
    axes, mean = made.axes, each.summary.mean or 0.0
    axes.barh(middle, mean - low, height=BAR, left=low, color=style.SKY, zorder=2)
    seeds = scores(found.runs, each.row.name, found.metric)
    axes.plot(seeds, [middle] * len(seeds), "o", color=style.BLACK, ms=2.4, mew=0, zorder=5)
    for row in _published(found, each):
        if row.top1 is not None:
            axes.plot(row.top1, middle, "D", color=style.VERMILION, ms=4, mfc="white", zorder=6)
