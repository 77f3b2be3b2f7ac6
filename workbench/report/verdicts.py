"""Differences and verdicts in words, alike in tables and figures."""

from workbench.statistics.paired import Comparison, Verdict


def difference_text(found: Comparison | None) -> str:
    """`+1.20 [+0.40, +2.00]`; the mean alone where there is no interval."""
    if found is None or found.mean is None:
        return ""
    if found.interval is None:
        return f"{found.mean:+.2f}"
    return f"{found.mean:+.2f} [{found.interval.low:+.2f}, {found.interval.high:+.2f}]"


def verdict_text(found: Comparison | None) -> str:
    """`helps`; `undecided (could have seen 0.81)`; `none: one seed gives no verdict`."""
    if found is None:
        return ""
    if found.verdict is Verdict.UNDECIDED and found.detectable is not None:
        return f"{verdict_words(found)} (could have seen {found.detectable:.2f})"
    return verdict_words(found) if found.verdict is not Verdict.NONE else f"none: {found.reason}"


def verdict_words(found: Comparison) -> str:
    """The verdict: `undecided once adjusted` where that is what decided."""
    return f"{found.verdict} once adjusted" if lost_to_adjustment(found) else str(found.verdict)


def lost_to_adjustment(found: Comparison | None) -> bool:
    """Whether the interval, of this row alone, leaves zero out where the verdict does not."""
    if found is None or found.interval is None or found.verdict is not Verdict.UNDECIDED:
        return False
    return found.interval.low > 0 or found.interval.high < 0
