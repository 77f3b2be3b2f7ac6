"""Differences and verdicts in words, alike in tables and figures."""

from workbench.statistics.paired import Comparison, Interval, Verdict


def mean_text(mean: float | None, interval: Interval | None) -> str:
    """`+1.20 [+0.40, +2.00]`; the mean alone where there is no interval, empty without one."""
    return " ".join(["" if mean is None else f"{mean:+.2f}", interval_text(interval)]).strip()


def interval_text(found: Interval | None) -> str:
    """`[+0.40, +2.00]`; empty where there is none."""
    return f"[{found.low:+.2f}, {found.high:+.2f}]" if found else ""


def ends(found: Interval | None) -> tuple[float | None, float | None]:
    """Both ends, unrounded."""
    return (found.low, found.high) if found else (None, None)


def verdict_text(found: Comparison) -> str:
    """`helps`; `undecided (could have seen 0.81)`; `none: one seed gives no verdict`."""
    if found.verdict is Verdict.UNDECIDED and found.detectable is not None:
        return f"{verdict_words(found)} (could have seen {found.detectable:.2f})"
    return verdict_words(found) if found.verdict is not Verdict.NONE else f"none: {found.reason}"


def verdict_words(found: Comparison) -> str:
    """The verdict: `undecided once adjusted` where that is what decided."""
    return f"{found.verdict} once adjusted" if lost_to_adjustment(found) else str(found.verdict)


def lost_to_adjustment(found: Comparison) -> bool:
    """Whether the interval, of this row alone, leaves zero out where the verdict does not."""
    if found.interval is None or found.verdict is not Verdict.UNDECIDED:
        return False
    return found.interval.low > 0 or found.interval.high < 0
