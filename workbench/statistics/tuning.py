"""Values of training chosen for each row on validation images, and what the choice depends on."""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import sqrt
from statistics import fmean
from typing import Protocol

from workbench.config import Count, Flag, Frozen, Natural, Real, Scalar
from workbench.statistics.metric import images_variance

STANDARD_ERRORS = 2.0  # of a difference, within which two settings are not told apart
Setting = tuple[tuple[str, Scalar], ...]  # keys of the recipe, with their values


class NamedRow(Protocol):
    """What is read of a plan's row."""

    @property
    def name(self) -> str: ...

    @property
    def compared_to(self) -> str | None: ...


class Range(Frozen):
    """From `low` to `high`, both included; `log` is even over the orders of magnitude."""

    low: Real
    high: Real
    log: Flag = False


class Tried(Frozen):
    """One row at one setting."""

    row: str
    setting: Setting
    scores: tuple[float | None, ...]  # percent of the validation images, by seed; None: diverged

    @property
    def score(self) -> float | None:
        """The mean over the seeds; None where one of them was lost."""
        found = [each for each in self.scores if each is not None]
        return fmean(found) if found and len(found) == len(self.scores) else None

    @property
    def text(self) -> str:
        """`lr=0.002`."""
        return setting_text(self.setting)


class Tuning(Frozen):
    """What every row is tuned over, with the same budget, and what was tried so far."""

    space: dict[str, tuple[Scalar, ...] | Range]  # by key of the recipe
    trials: Count  # of each row
    seeds: tuple[Natural, ...]
    sampler: str
    tried: tuple[Tried, ...] = ()

    def asks_as(self, other: "Tuning | None") -> bool:
        """Whether both ask for the same, whatever was tried."""
        return other is not None and self.model_copy(update={"tried": other.tried}) == other

    def of(self, row: str) -> tuple[Tried, ...]:
        """What was tried of one row, in its order."""
        return tuple(each for each in self.tried if each.row == row)

    def best(self, row: str) -> Tried | None:
        """The best on validation images, of equals the first; None where all were lost."""
        known = [each for each in self.of(row) if each.score is not None]
        return max(known, key=lambda each: each.score or 0.0, default=None)

    def edges(self, row: str) -> tuple[str, ...]:
        """The keys whose best value is the least or the greatest that was tried."""
        best = self.best(row)
        setting = best.setting if best else ()
        return tuple(key for key, value in setting if value in self._ends(row, key))

    def _ends(self, row: str, key: str) -> tuple[float, ...]:
        """The least and the greatest value that was tried; empty for words and switches."""
        values = [dict(each.setting)[key] for each in self.of(row)]
        numbers = [each for each in values if isinstance(each, int | float)]
        switch = any(isinstance(each, bool) for each in numbers)
        return () if switch or len(numbers) < len(values) else (min(numbers), max(numbers))


def setting_text(setting: Setting) -> str:
    """`lr=0.002, name=sgd`."""
    return ", ".join(f"{key.rpartition('.')[2]}={value_text(value)}" for key, value in setting)


def value_text(value: Scalar) -> str:
    """As it stands in an override."""
    return value if isinstance(value, str) else json.dumps(value)


# ---------------------------------------------------------------- what it says


def budget(tuning: Tuning) -> str:
    """What every row got, for the notes of a table."""
    named = ", ".join(key.rpartition(".")[2] for key in tuning.space)
    seeds = _seeds(tuning)
    return (
        f"'Tuned' is the {named} that the row was best at on validation images, of {tuning.trials} "
        f"trials of {seeds} each ({tuning.sampler}); every row got as many."
    )


def _seeds(tuning: Tuning) -> str:
    return "one seed" if len(tuning.seeds) == 1 else f"{len(tuning.seeds)} seeds"


def order(tuning: Tuning, rows: Sequence[NamedRow]) -> str:
    """Whether two rows stand the other way round where all share a setting than at each one's best.

    Empty where no row is compared to another. Rows without a score are out of it.
    """
    best = {row.name: found.score or 0.0 for row in rows if (found := tuning.best(row.name))}
    shared = _at_shared_settings(tuning, best)
    if all(row.compared_to is None for row in rows):
        return ""
    if not shared:
        return (
            "Whether the order of the rows depends on tuning is not known: no setting has a score "
            "for every row."
        )
    pairs = list(combinations(best, 2))
    turned = [pair for pair in pairs if _turned(best, shared, pair)]
    seeds = _seeds(tuning)
    instead = "if both rows take the same setting instead of their own best"
    if not turned:
        tried = "one setting" if len(shared) == 1 else f"{len(shared)} settings"
        return (
            f"The order of the rows does not depend on tuning, as observed with {seeds}: on "
            f"validation images, no two rows change places {instead} (tried at the "
            f"{tried} that all rows share)."
        )
    changes = "changes places" if len(turned) == 1 else "change places"
    return (
        f"The order of the rows depends on tuning, as observed with {seeds} and not tested: on "
        f"validation images, {len(turned)} of {len(pairs)} pairs of rows {changes} "
        f"{instead}; {_compared_that_turn(best, shared, rows)}."
    )


Scored = Mapping[str, float]  # of every row, by its name


def _at_shared_settings(tuning: Tuning, best: Scored) -> dict[Setting, Scored]:
    """The settings that have a score of every row of `best`, with the scores."""
    found = dict[Setting, dict[str, float]]()
    for each in tuning.tried:
        if each.score is not None:
            found.setdefault(each.setting, {})[each.row] = each.score
    return {
        setting: scores
        for setting, scores in found.items()
        if best and best.keys() <= scores.keys()
    }


def _turned(best: Scored, shared: Mapping[Setting, Scored], pair: Sequence[str]) -> list[Setting]:
    """The shared settings where the two of a pair stand the other way round than at their bests."""
    first, second = pair
    own = best[first] - best[second]
    return [each for each, at in shared.items() if own * (at[first] - at[second]) < 0]


def _compared_that_turn(
    best: Scored, shared: Mapping[Setting, Scored], rows: Sequence[NamedRow]
) -> str:
    """The differences of the plan that have another sign at a shared setting."""
    pairs = [(row.name, row.compared_to) for row in rows if row.compared_to in best]
    found = [
        f"{name} (at {' and '.join(map(setting_text, settings))})"
        for name, other in pairs
        if name in best and (settings := _turned(best, shared, (name, other or "")))
    ]
    if not found:
        return "no difference that the plan asks for changes its sign"
    return f"these differences of the plan change their sign: {'; '.join(found)}"


def edge_note(tuning: Tuning, rows: Sequence[NamedRow]) -> str:
    """The rows whose best is the least or the greatest that was tried; empty where none is."""
    names = [row.name for row in rows if tuning.edges(row.name)]
    if not names:
        return ""
    if len(names) == 1:
        return (
            f"The best setting of {names[0]} is at the edge of what was tried: a wider range may "
            "hold a better one."
        )
    return (
        "The best settings of these rows are at the edge of what was tried, and a wider range may "
        f"hold better ones: {'; '.join(names)}."
    )


def chance_note(tuning: Tuning, rows: Sequence[NamedRow], images: int | None) -> str:
    """The rows whose choice is partly chance, for so few validation images; empty where none is.

    Another setting is within two standard errors of the best, of the difference of two shares of
    `images`; what seeds add is not in it.
    """
    tuned = [row.name for row in rows if tuning.best(row.name)]
    names = [name for name in tuned if images and _close_to_best(tuning, name, images)]
    if not names:
        return ""
    which = "any row" if len(names) == len(tuned) > 1 else " or ".join(names)
    return (
        f"On {images:,} validation images the best setting of {which} can't be told from another "
        "that was tried: the choice is partly chance, and so are differences that hang on it. More "
        "validation images or seeds of tune choose better."
    )


def _close_to_best(tuning: Tuning, row: str, images: int) -> bool:
    best = tuning.best(row)
    others = [each.score for each in tuning.of(row) if each is not best and each.score is not None]
    if best is None or best.score is None or not others:
        return False
    second = max(others)
    error = sqrt(images_variance(best.score, images) + images_variance(second, images))
    return best.score - second < STANDARD_ERRORS * error


Effect = tuple[str, Scalar, float | None]  # a row as it is written, a value, the mean difference


def signs(key: str, effects: Sequence[Effect]) -> str:
    """Whether the observed sign of each effect is the same at all values; empty before two are."""
    by_row: dict[str, list[tuple[Scalar, float]]] = {}
    for row, value, mean in effects:
        if mean is not None:
            by_row.setdefault(row, []).append((value, mean))
    missing = any(mean is None for *_, mean in effects)
    if all(len(found) < 2 for found in by_row.values()):
        return ""
    turned = [
        f"{row} ({', '.join(f'{mean:+z.2f} at {value_text(value)}' for value, mean in found)})"
        for row, found in by_row.items()
        if len({(mean > 0) - (mean < 0) for _, mean in found}) > 1
    ]
    name = key.rpartition(".")[2]
    if not turned:
        known = " that have results of both its rows" if missing else ""
        return f"The observed sign of each effect is the same at all values of {name}{known}."
    return (
        f"The observed sign depends on {name} for {'; '.join(turned)}; whether each is more than "
        "noise is said by its verdict."
    )
