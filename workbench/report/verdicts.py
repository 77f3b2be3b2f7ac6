"""Differences and verdicts in words, alike in tables and figures."""

from workbench.show.console import plural
from workbench.statistics.comparison import Comparison, Interval, Verdict
from workbench.statistics.metric import TOP1, Metric
from workbench.statistics.power import MOST_SEEDS


def mean_text(mean: float | None, interval: Interval | None, metric: Metric = TOP1) -> str:
    """`+1.20 [+0.40, +2.00]`; the mean alone where there is no interval, empty without one."""
    text = "" if mean is None else metric.signed(mean)
    return f"{text} {interval_text(interval, metric)}".strip()


def difference_unit(metric: Metric) -> str:
    """The unit of a difference, in full."""
    return "percentage points" if metric.unit == "%" else metric.unit


def interval_text(found: Interval | None, metric: Metric = TOP1) -> str:
    """`[+0.40, +2.00]`; empty where there is none."""
    return f"[{metric.signed(found.low)}, {metric.signed(found.high)}]" if found else ""


def ends(found: Interval | None) -> tuple[float | None, float | None]:
    """Both ends, unrounded."""
    return (found.low, found.high) if found else (None, None)


def verdict_text(found: Comparison) -> str:
    """`helps`; `undecided (takes 12 more seeds)`; `none: one seed gives no verdict`.

    Over 1,000 seeds is also what no number of seeds decides, since the test set is too small.
    """
    if found.verdict is Verdict.NONE:
        return f"none: {found.reason}"
    if found.verdict is not Verdict.UNDECIDED or found.mean is None:
        return str(found.verdict)
    more = further_seeds(found)
    seeds = plural(more, "more seed") if more else f"over {MOST_SEEDS:,} seeds"
    return f"{found.verdict} (takes {seeds})"


def further_seeds(found: Comparison) -> int | None:
    """How many more an undecided row would take; None where that is not known."""
    if found.verdict is not Verdict.UNDECIDED or found.takes is None:
        return None
    return max(found.takes - len(found.seeds), 1)
