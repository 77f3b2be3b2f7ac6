"""What components are worth, as a table: by attribution, by main effects, or in pairs."""

from collections.abc import Sequence
from functools import partial

from workbench.report.findings import Shares
from workbench.report.verdicts import ends, mean_text
from workbench.show.table import Cell, Column, Table, cell
from workbench.statistics.attribution import Attribution, EffectSize
from workbench.statistics.effects import Effects, Interactions
from workbench.statistics.metric import Metric


def _columns(metric: Metric) -> tuple[Column, ...]:
    unit = metric.points[:1].upper() + metric.points[1:]
    return (
        Column("Component", ("component", "with"), "name"),
        Column("What", ("index",), "text"),
        Column(f"{unit} of {metric.name} [95 %]", ("mean", "low", "high")),
    )


def shares_table(found: Shares) -> Table:
    """The table of whichever the plan can tell."""
    if isinstance(found, Attribution):
        return attribution_table(found)
    return effects_table(found) if isinstance(found, Effects) else pairs_table(found)


def attribution_table(found: Attribution) -> Table:
    """Shapley values, then what each adds alone, then the interactions of pairs."""
    row = partial(_row, metric=found.metric)
    together = row("all together", None, "whole", found.whole)
    values = [
        row(name, None, "Shapley value", estimate)
        for name, estimate in zip(found.components, found.shapley, strict=True)
    ]
    alone = [
        row(name, None, "alone", estimate)
        for name, estimate in zip(found.components, found.alone, strict=True)
    ]
    pairs = [row(one, other, "interaction", estimate) for one, other, estimate in found.pairs]
    rows = (*values, together, *alone, *pairs)
    return Table("Attribution", _columns(found.metric), rows, notes=_notes(found))


def effects_table(found: Effects) -> Table:
    """The effects of a fraction; those that can't be told apart stand in one line."""
    row = partial(_row, metric=found.metric)
    rows = tuple(
        row(effect.label, None, ("main effect", "interaction")[len(effect.words[0][1]) - 1],
             effect.size)
        for effect in found.effects
    )  # fmt: skip
    notes = [
        f"A main effect is the mean {found.metric.name} of the rows with a component less that of "
        "the rows without it; an interaction of two is half of what the one's effect changes by "
        "when the other is there. Effects joined by 'or' can't be told apart in this fraction; "
        f"interactions of three and more are taken as nil. {_intervals(found.seeds)}",
    ]
    notes += _left_out(found.left_out)
    return Table("Effects", _columns(found.metric), rows, notes=tuple(notes))


def pairs_table(found: Interactions) -> Table:
    """What each component is worth on the base, and what every two do beyond that."""
    where = "added last" if found.removed else "alone"
    row = partial(_row, metric=found.metric)
    rows = (
        *(row(name, None, where, one) for name, one in zip(found.components, found.alone,
                                                            strict=True)),
        *(row(one, other, "interaction", size) for one, other, size in found.pairs),
    )  # fmt: skip
    rest = "in presence of all others" if found.removed else "in absence of all others"
    notes = [
        f"What each component adds, and the interaction of every two, {rest}: what both do "
        "together less what each does. Positive: they help each other; negative: the one can do "
        f"in part what the other does. {_intervals(found.seeds)}",
    ]
    notes += _left_out(found.left_out)
    return Table("Interactions", _columns(found.metric), rows, notes=tuple(notes))


def _intervals(seeds: Sequence[int]) -> str:
    return f"Student's 95 % intervals are over {len(seeds)} seeds, each for its own row."


def _left_out(seeds: Sequence[int]) -> list[str]:
    if not seeds:
        return []
    return [f"Left out, since not every row completed: seed {', '.join(map(str, seeds))}."]


def _row(
    name: str, other: str | None, index: str, found: EffectSize, metric: Metric
) -> tuple[Cell, ...]:
    return (
        cell(f"{name} and {other}" if other else name, name, other),
        cell(index),
        cell(mean_text(found.mean, found.interval, metric), found.mean, *ends(found.interval)),
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
