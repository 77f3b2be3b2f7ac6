"""The notes below the main table: what its reader has to know, in full sentences."""

from math import sqrt

from workbench.config import MAC
from workbench.report.findings import Findings
from workbench.report.verdicts import further_seeds
from workbench.statistics.facts import PlanFacts
from workbench.statistics.paired import Comparison, rounding_error


def footnotes(found: Findings) -> tuple[str, ...]:
    """What a reader of the table has to know, in full sentences."""
    facts = found.facts
    texts = [
        _about(facts),
        _method(found) if facts.method.variance == "own" else _shared(found),
        _counted(facts),
        _raced(found),
        _unfinished(found),
        _short_of_seeds(found),
        order_note(facts.kind),
        *facts.notes,
    ]
    return tuple(text for text in texts if text)


def console_notes(found: Findings) -> tuple[str, ...]:
    """Those of the footnotes that what is shown gives cause for; the files have them all."""
    facts = found.facts
    compared = [each.comparison for each in found.results if each.comparison is not None]
    tested = any(each.interval is not None for each in compared)
    texts = [
        _about(facts, any(each.summary.sd is not None for each in found.results)),
        (_method(found) if facts.method.variance == "own" else _shared(found)) if tested else "",
        _counted(facts) if any(_floored(each, facts.test_images) for each in compared) else "",
        _raced(found),
        _unfinished(found),
        _short_of_seeds(found),
        order_note(facts.kind) if tested else "",
        *facts.notes,
    ]
    return tuple(text for text in texts if text)


def _floored(found: Comparison, images: int | None) -> bool:
    """Whether the seeds vary by so little that the step of the test set decides."""
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


def _about(facts: PlanFacts, spread: bool = True) -> str:
    on = f" on {facts.scored_on}" if facts.scored_on else ""
    over = "; mean and sample standard deviation over the completed seeds" if spread else ""
    parts = [
        facts.dataset and f"Data: {facts.dataset}.",
        facts.recipe and f"Recipe: {facts.recipe}.",
        f"Top-1 in percent{on}{over}.",
        f"{MAC}.",
    ]
    return " ".join(part for part in parts if part)


def _method(found: Findings) -> str:
    facts = found.facts
    if facts.race is None:
        intervals = "with Student's interval"
        tests = "paired t tests adjusted over the rows by Holm's method"
    else:
        intervals = "with a repeated interval that allows for every look"
        tests = (
            f"group-sequential paired t tests (Pocock's, looks from {facts.race.least} to "
            f"{facts.race.most} seeds) adjusted over the rows by Holm's method"
        )
    parts = [
        f"Differences are in percentage points, paired by seed, {intervals}.",
        f"Verdicts are by {tests}, at 5 % for the plan, and each interval is at the level of its "
        "verdict.",
        *_power(found),
    ]
    return " ".join(part for part in parts if part)


def _shared(found: Findings) -> str:
    """How the shared model judged, what it rests on, and where Student's test differs."""
    facts = found.facts
    compared = [each.comparison for each in found.results if each.comparison is not None]
    loud = dict.fromkeys(name for each in compared for name in each.loud)
    apart = [each.variant for each in compared if each.agrees is False]
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
    margin = facts.method.equivalent
    parts = [
        f"Differences are in percentage points. A row's variance is {known}.",
        f"Verdicts are adjusted over the rows{looks}, at 5 % for the plan, and each interval is at "
        "the level of its verdict.",
        f"Keep their own variance, larger than the model's: {', '.join(loud)}." if loud else "",
        f"Student's paired t test of the row alone, which assumes nothing of other rows, says "
        f"otherwise of: {', '.join(apart)}."
        if apart
        else "Student's paired t test of each row alone, which assumes nothing of others, agrees.",
        f"'Equivalent': the difference is within {margin:g} points, by two one-sided tests."
        if margin is not None
        else "",
        *_power(found),
    ]
    return " ".join(part for part in parts if part)


def _power(found: Findings) -> list[str]:
    """What the words of power mean, where they are used."""
    compared = [each.comparison for each in found.results if each.comparison is not None]
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
    if facts.test_images is None:
        return ""
    images = facts.test_images
    return (
        f"Top-1 counts {images:,} test images, in steps of {100 / images:.2g} points. The standard "
        f"error of a mean difference is taken as no less than step / sqrt(6) = "
        f"{rounding_error(images):.2g} points, for a rounding that all seeds repeat does not "
        "average out."
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
