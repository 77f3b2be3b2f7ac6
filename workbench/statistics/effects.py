"""What can be told of components from a fraction of a factorial, or from pairs of toggles.

In a regular two-level fraction (Box and Hunter, Technometrics 3, 1961) the main effect of a
component is the mean of the rows with it less that of the rows without it. Effects whose contrasts
are the same rows, or the same with the sign turned, can't be told apart: they stand in one line.
From pairs, the interaction of two components is what both switched do beyond what each does.
Both are linear in the score, so each seed gives its own and Student's interval is theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from workbench.statistics.attribution import EffectSize, complete, estimate, left_out, toggled
from workbench.statistics.facts import Row, RunRecord
from workbench.statistics.metric import TOP1, Metric

Floats = NDArray[np.float64]
Word = tuple[str, ...]  # the components whose interaction is meant; one: its main effect


@dataclass(frozen=True, slots=True)
class Effect:
    """In the unit of the metric. `words` are the effects of up to two that it may be due to.

    Each is a sign and one or two components.
    """

    words: tuple[tuple[int, Word], ...]
    size: EffectSize

    @property
    def label(self) -> str:
        """`stem`; `stem x LPU, or IRFFN x projection`; a minus where the sign is turned."""
        texts = (f"{'-' if sign < 0 else ''}{' x '.join(names)}" for sign, names in self.words)
        return ", or ".join(texts)


@dataclass(frozen=True, slots=True)
class Effects:
    """Main effects in the order of the components, then interactions of two."""

    seeds: tuple[int, ...]
    effects: tuple[Effect, ...]
    left_out: tuple[int, ...]  # seeds that did not complete in every row
    metric: Metric = TOP1


@dataclass(frozen=True, slots=True)
class Interactions:
    """`alone` is what each component is worth on the base, `pairs` what two do beyond that."""

    components: tuple[str, ...]
    seeds: tuple[int, ...]
    alone: tuple[EffectSize, ...]
    pairs: tuple[tuple[str, str, EffectSize], ...]
    left_out: tuple[int, ...]
    removed: bool  # the base has all components, and its rows take them out
    metric: Metric = TOP1


def main_effects(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    images: int | None = None,
    metric: Metric = TOP1,
) -> Effects | None:
    """The effects of a regular fraction; None where no seed completed in every row.

    `images` is the size of the test set.
    """
    components = toggled(rows)
    kept, values = complete([row.name for row in rows], runs, seeds, metric)
    if not kept:
        return None
    size = partial(estimate, values, images=images if metric.counts else None, metric=metric)
    columns = _columns(rows, components)
    effects = tuple(
        Effect(tuple(group), size(columns[group[0][1]] * 2 / len(rows)))
        for group in _groups(columns, len(rows))
    )
    return Effects(kept, effects, left_out(seeds, kept), metric)


def pair_interactions(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    seeds: Sequence[int],
    images: int | None = None,
    metric: Metric = TOP1,
) -> Interactions | None:
    """The interactions of a plan of pairs; None where no seed completed in every row.

    `images` is the size of the test set.
    """
    kept, values = complete([row.name for row in rows], runs, seeds, metric)
    if not kept:
        return None
    size = partial(estimate, values, images=images if metric.counts else None, metric=metric)
    base = frozenset(rows[0].present or ())
    components = toggled(rows)
    row_of = {
        frozenset(row.present or ()) ^ base: cell
        for row, cell in zip(rows, np.eye(len(rows)), strict=True)
    }
    empty = row_of[frozenset()]
    one = {name: row_of[frozenset((name,))] - empty for name in components}
    two = {pair: row_of[frozenset(pair)] - empty for pair in combinations(components, 2)}
    sign = -1 if base else 1
    alone = tuple(size(sign * one[name]) for name in components)
    pairs = tuple((a, b, size(both - one[a] - one[b])) for (a, b), both in two.items())
    return Interactions(components, kept, alone, pairs, left_out(seeds, kept), bool(base), metric)


def _columns(rows: Sequence[Row], components: Sequence[str]) -> dict[Word, Floats]:
    """The contrast of every effect of one or two components: 1 or -1 for each row."""
    signs = {
        name: np.array([1.0 if name in (row.present or ()) else -1.0 for row in rows])
        for name in components
    }
    words: list[Word] = [(name,) for name in components]
    words += combinations(components, 2)
    return {word: np.prod([signs[name] for name in word], axis=0) for word in words}


def _groups(columns: Mapping[Word, Floats], rows: int) -> list[list[tuple[int, Word]]]:
    """The words that can't be told apart, with the sign that each has against the first."""
    groups: list[list[tuple[int, Word]]] = []
    for word, column in columns.items():
        for group in groups:
            same = int(columns[group[0][1]] @ column) // rows
            if same:
                group.append((same, word))
                break
        else:
            groups.append([(1, word)])
    return groups
