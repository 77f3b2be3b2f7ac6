"""What components are worth, as a sheet: by attribution, by main effects, or in pairs."""

from collections.abc import Sequence

from workbench.report.findings import Shares
from workbench.show.sheet import Cell, Heading, Sheet
from workbench.statistics.attribution import Attribution, Estimate
from workbench.statistics.effects import Effects, Interactions

HEADINGS = (
    Heading("Component", ("component", "with"), right=False),
    Heading("What", ("index",), right=False),
    Heading("Points of top-1 [95 %]", ("mean", "low", "high")),
)


def shares_sheet(found: Shares) -> Sheet:
    """The sheet of whichever the plan can tell."""
    if isinstance(found, Attribution):
        return attribution_sheet(found)
    return effects_sheet(found) if isinstance(found, Effects) else pairs_sheet(found)


def attribution_sheet(found: Attribution) -> Sheet:
    """Shapley values, then what each adds alone, then the interactions of pairs."""
    together = _row("all together", None, "whole", found.whole)
    values = [
        _row(name, None, "Shapley value", estimate)
        for name, estimate in zip(found.components, found.shapley, strict=True)
    ]
    alone = [
        _row(name, None, "alone", estimate)
        for name, estimate in zip(found.components, found.alone, strict=True)
    ]
    pairs = [_row(one, other, "interaction", estimate) for one, other, estimate in found.pairs]
    rows = (*values, together, *alone, *pairs)
    return Sheet("Attribution", HEADINGS, rows, ("",) * len(rows), _notes(found))


def effects_sheet(found: Effects) -> Sheet:
    """The effects of a fraction; those that can't be told apart stand in one line."""
    rows = tuple(
        _row(effect.label, None, ("main effect", "interaction")[len(effect.words[0][1]) - 1],
             effect.size)
        for effect in found.effects
    )  # fmt: skip
    notes = [
        "A main effect is the mean top-1 of the rows with a component less that of the rows "
        "without it; an interaction of two is half of what the one's effect changes by when the "
        "other is there. Effects joined by 'or' can't be told apart in this fraction; interactions "
        f"of three and more are taken as nil. {_intervals(found.seeds)}",
    ]
    return Sheet("Effects", HEADINGS, rows, ("",) * len(rows), (*notes, *_left_out(found.left_out)))


def pairs_sheet(found: Interactions) -> Sheet:
    """What each component is worth on the base, and what every two do beyond that."""
    where = "added last" if found.removed else "alone"
    rows = (
        *(_row(name, None, where, one) for name, one in zip(found.components, found.alone,
                                                            strict=True)),
        *(_row(one, other, "interaction", size) for one, other, size in found.pairs),
    )  # fmt: skip
    rest = "in presence of all others" if found.removed else "in absence of all others"
    notes = [
        f"What each component adds, and the interaction of every two, {rest}: what both do "
        "together less what each does. Positive: they help each other; negative: the one can do "
        f"in part what the other does. {_intervals(found.seeds)}",
    ]
    notes += _left_out(found.left_out)
    return Sheet("Interactions", HEADINGS, rows, ("",) * len(rows), tuple(notes))


def _intervals(seeds: Sequence[int]) -> str:
    return f"Student's 95 % intervals are over {len(seeds)} seeds, each for its own row."


def _left_out(seeds: Sequence[int]) -> list[str]:
    if not seeds:
        return []
    return [f"Left out, since not every row completed: seed {', '.join(map(str, seeds))}."]


def _row(name: str, other: str | None, index: str, estimate: Estimate) -> tuple[Cell, ...]:
    interval = estimate.interval
    low, high = (interval.low, interval.high) if interval else (None, None)
    text = f"{estimate.mean:+.2f}"
    if interval is not None:
        text += f" [{interval.low:+.2f}, {interval.high:+.2f}]"
    label = f"{name} and {other}" if other else name
    return (
        Cell(label, (name, other)),
        Cell(index, (index,)),
        Cell(text, (estimate.mean, low, high)),
    )


def _notes(found: Attribution) -> tuple[str, ...]:
    notes = [
        "A Shapley value is what a component adds, averaged over all orders of adding the "
        "components; the values add up to the whole difference. Interactions are Shapley-Taylor "
        "indices: they and what each component adds alone add up to the whole difference too, and "
        "a Shapley value is 'alone' plus half of the component's interactions. "
        + _intervals(found.seeds),
    ]
    return (*notes, *_left_out(found.left_out))
