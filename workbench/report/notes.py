"""The notes below the main table: what its reader has to know, in full sentences."""

from math import sqrt

from workbench.config import MAC
from workbench.report.findings import Findings
from workbench.report.verdicts import difference_unit, further_seeds
from workbench.show.console import plural
from workbench.statistics.comparison import Comparison
from workbench.statistics.facts import PlanFacts
from workbench.statistics.student import rounding_error
from workbench.statistics.tuning import budget

OTHER = "†"  # marks a row with runs of other conditions


def footnotes(found: Findings, for_console: bool = False) -> tuple[str, ...]:
    """What a reader of the table has to know, in full sentences.

    For a console those that what is shown gives cause for; the files have them all.
    """
    facts = found.facts
    compared = found.comparisons
    spread = not for_console or any(each.summary.sd is not None for each in found.results)
    tested = not for_console or any(each.interval is not None for each in compared)
    floored = not for_console or any(_floored(each, facts.test_images) for each in compared)
    judged = _method if facts.method.variance == "own" else _shared
    texts = [
        _about(found, spread),
        judged(found) if tested else "",
        _counted(facts) if floored else "",
        _raced(found),
        *reused(found),
        _unfinished(found),
        _short_of_seeds(found),
        _support(found) if tested else "",
        order_note(facts.kind) if tested and found.other_networks else "",
        budget(facts.tuning) if facts.tuning else "",
        *facts.notes,
    ]
    return tuple(filter(None, texts))


def _floored(found: Comparison, images: int | None) -> bool:
    """Whether the seeds vary by so little that the step of the test set decides."""
    if not found.metric.counts:
        return False
    return found.sd is not None and found.sd / sqrt(len(found.seeds)) < rounding_error(images)


def order_note(kind: str) -> str:
    """Why the order of components matters to what a plan of this kind can say."""
    if kind == "additive":
        return (
            "Each row adds a component to the row before, so a component is credited with what it "
            "brings on top of those before it; another order gives other credits. A full factorial "
            "plan averages over all orders."
        )
    if kind == "leave_one_out":
        return (
            "Each row takes one component from the whole. What two components can do in each "
            "other's place is credited to neither, what they only do together to both: the "
            "differences need not add up. A full factorial plan averages over all orders."
        )
    return ""


def _support(found: Findings) -> str:
    """What stands beside the verdicts without being one."""
    names = [metric.name for metric, declared in found.metrics if not declared]
    if not names:
        return ""
    return (
        f"Beside it, as support: {' and '.join(names)}. The plan did not declare it (metric:), so "
        "its intervals are at 95 % for their own row alone, unadjusted, and no verdict."
    )


def _about(found: Findings, spread: bool) -> str:
    facts = found.facts
    on = f" on {facts.scored_on}" if facts.scored_on else ""
    over = "; mean and sample standard deviation over the completed seeds" if spread else ""
    parts = [
        facts.dataset and f"Data: {facts.dataset}.",
        facts.recipe and f"Recipe: {facts.recipe}.",
        f"{_units(facts)}{on}{over}.",
        f"{MAC}.",
    ]
    return " ".join(part for part in parts if part)


def _units(facts: PlanFacts) -> str:
    """`Top-1 in percent and test loss in nats`."""
    metrics = facts.method.metrics
    units = ["percent" if each.unit == "%" else each.unit for each in metrics]
    names = [metrics[0].first, *(each.name for each in metrics[1:])]
    return " and ".join(f"{name} in {unit}" for name, unit in zip(names, units, strict=True))


def _differences(facts: PlanFacts) -> str:
    """`Differences are in percentage points`."""
    units = dict.fromkeys(map(difference_unit, facts.method.metrics))
    return f"Differences are in {' and '.join(units)}"


def _over(facts: PlanFacts) -> str:
    """What p values are adjusted over."""
    return "the rows and both metrics" if facts.method.several else "the rows"


def _method(found: Findings) -> str:
    facts = found.facts
    if facts.race is None:
        intervals = "with Student's interval"
        tests = f"paired t tests adjusted over {_over(facts)} by Holm's method"
    else:
        intervals = "with a repeated interval that allows for every look"
        tests = (
            f"group-sequential paired t tests (Pocock's, looks from {facts.race.least} to "
            f"{facts.race.most} seeds) adjusted over {_over(facts)} by Holm's method"
        )
    parts = [
        f"{_differences(facts)}, paired by seed, {intervals}.",
        f"Verdicts are by {tests}, at 5 % for the plan, and each interval is at the level of its "
        "verdict.",
        *_power(found),
    ]
    return " ".join(part for part in parts if part)


def _shared(found: Findings) -> str:
    """How the shared model judged, what it rests on, and where Student's test differs."""
    facts = found.facts
    loud = dict.fromkeys(name for each in found.comparisons for name in each.loud)
    known = (
        "what its test images explain, from the evidence of every run, and a part that all rows "
        "share"
        if facts.method.known
        else "one part, which all rows share; runs kept no evidence of what the images explain"
    )
    looks = (
        f", at every look from {facts.race.least} to {facts.race.most} seeds (Pocock's)"
        if facts.race
        else ""
    )
    margin, earlier = facts.method.equivalent, facts.method.earlier
    parts = [
        f"{_differences(facts)}. A row's variance is {known}.",
        f"{earlier.runs} earlier runs of {earlier.plan}, with the same data and recipe, tell of "
        "what rows share, too."
        if earlier
        else "",
        f"Verdicts are adjusted over {_over(facts)}{looks}, at 5 % for the plan, and each interval "
        "is at the level of its verdict.",
        f"Judged by their own seeds, whose spread the model does not explain: {', '.join(loud)}."
        if loud
        else "",
        _by_student(found),
        f"'Equivalent': the difference is within {margin:g} {found.metric.points}, by "
        "two one-sided tests."
        if margin is not None
        else "",
        *_power(found),
    ]
    return " ".join(part for part in parts if part)


def _by_student(found: Findings) -> str:
    """Whether the test that takes each row alone says the same."""
    several = found.facts.method.several
    apart = [
        f"{each.variant} ({each.metric.name})" if several else each.variant
        for each in found.comparisons
        if each.agrees is False
    ]
    if not apart:
        return "Student's paired t test of each row alone, which assumes nothing of others, agrees."
    return (
        "Student's paired t test of the row alone, which assumes nothing of other rows, says "
        f"otherwise of: {', '.join(apart)}."
    )


def _power(found: Findings) -> list[str]:
    """What the words of power mean, where they are used."""
    compared = found.comparisons
    texts = []
    if any(each.detectable is not None for each in compared):
        texts.append(
            "'Detectable' is the smallest detectable difference: the smallest true one that as "
            "many seeds with this spread find at that level in 80 of 100 plans."
        )
    if any(further_seeds(each) for each in compared):
        texts.append(
            "'Takes more seeds': so many would find a true difference as large as the one observed "
            "in 80 of 100 plans."
        )
    return texts


def _counted(facts: PlanFacts) -> str:
    counts = [each for each in facts.method.metrics if each.counts]
    if facts.test_images is None or not counts:
        return ""
    images = facts.test_images
    return (
        f"{counts[0].first} counts {images:,} test images, in steps of "
        f"{100 / images:.2g} points. The standard error of a mean difference is taken as no less "
        f"than step / sqrt(6) = {rounding_error(images):.2g} points, for a rounding that all seeds "
        "repeat does not average out."
    )


def _raced(found: Findings) -> str:
    if found.facts.race is None:
        return ""
    took = sum(each.summary.runs for each in found.results)
    most = found.facts.race.most * len(found.rows)
    return (
        f"A race: each comparison without a verdict got a further seed, on both its sides; {took} "
        f"runs in place of {most}."
    )


def reused(found: Findings) -> list[str]:
    """Which runs were trained for another plan, and what was other there."""
    taken = [run for run in found.runs if run.reused_from is not None]
    if not taken:
        return []
    places = ", ".join(dict.fromkeys(str(run.reused_from) for run in taken))
    verb = "was" if len(taken) == 1 else "were"
    texts = [f"{len(taken)} of {plural(len(found.runs), 'run')} {verb} taken over from {places}."]
    if despite := dict.fromkeys(run.reused_despite for run in taken if run.reused_despite):
        texts.append(f"{OTHER} Some of its runs ran with {'; '.join(map(str, despite))}.")
    return texts


def _unfinished(found: Findings) -> str:
    if found.facts.race is not None:
        names = ", ".join(each.variant for each in found.wanted)
        return f"Not finished: the race goes on for {names}." if names else ""
    planned, ended = len(found.facts.seeds) * len(found.rows), len(found.runs)
    return f"Not finished: {ended} of {planned} runs have ended." if ended < planned else ""


def _short_of_seeds(found: Findings) -> str:
    lost = [
        each.row.name for each in found.results if each.summary.ended and each.summary.completed
    ]
    if not lost:
        return ""
    return (
        f"Not every seed completed for {', '.join(lost)}: mean and difference are of those that "
        "did, which may flatter the variant."
    )
