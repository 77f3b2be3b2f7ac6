"""Values of training chosen for each row on validation images, and what the choice depends on."""

import json
from collections.abc import Sequence
from statistics import fmean
from typing import Protocol

from workbench.config import Count, Flag, Frozen, Natural, Real, Scalar

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
    seeds = "one seed" if len(tuning.seeds) == 1 else f"{len(tuning.seeds)} seeds"
    return (
        f"'Tuned' is the {named} that the row was best at on validation images, of {tuning.trials} "
        f"trials of {seeds} each ({tuning.sampler}); every row got as many."
    )


def order(tuning: Tuning, rows: Sequence[NamedRow]) -> str:
    """Whether a difference has another sign where all rows share a setting; empty where no row is
    compared to another."""
    compared = [row for row in rows if row.compared_to is not None]
    shared = _shared_settings(tuning, rows)
    if not compared:
        return ""
    if not shared:
        return (
            "Whether the order of the rows depends on tuning is not known: no setting has a score "
            "for every row."
        )
    turned = {
        row.name: [setting_text(setting) for setting in shared if _turns(tuning, row, setting)]
        for row in compared
    }
    listed = "; ".join(f"{name} (at {' and '.join(at)})" for name, at in turned.items() if at)
    seeds = "one seed" if len(tuning.seeds) == 1 else f"{len(tuning.seeds)} seeds"
    instead = "if both rows take the same setting instead of their own best"
    if not listed:
        tried = "one setting" if len(shared) == 1 else f"{len(shared)} settings"
        return (
            f"The order of the rows does not depend on tuning, as observed with {seeds}: on "
            f"validation images, every difference keeps its sign {instead} (tried at the {tried} "
            "that all rows share)."
        )
    return (
        f"The order of the rows depends on tuning, as observed with {seeds} and not tested: on "
        f"validation images, these differences change their sign {instead}: {listed}."
    )


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


def _shared_settings(tuning: Tuning, rows: Sequence[NamedRow]) -> list[Setting]:
    """Those that have a score of every row."""
    scored = [{each.setting for each in tuning.of(row.name) if each.score is not None}
              for row in rows]  # fmt: skip
    first = tuning.of(rows[0].name) if rows else ()
    return [each.setting for each in first if all(each.setting in found for found in scored)]


def _turns(tuning: Tuning, row: NamedRow, setting: Setting) -> bool:
    own = _gap(tuning.best(row.name), tuning.best(row.compared_to or ""))
    shared = _gap(
        *(next(each for each in tuning.of(name) if each.setting == setting)
          for name in (row.name, row.compared_to or ""))
    )  # fmt: skip
    return own * shared < 0


def _gap(one: Tried | None, other: Tried | None) -> float:
    scores = [each.score if each else None for each in (one, other)]
    first, second = scores
    return 0.0 if first is None or second is None else first - second


Effect = tuple[str, Scalar, float | None]  # a row as it is written, a value, the mean difference


def signs(key: str, effects: Sequence[Effect]) -> str:
    """Whether the observed sign of each effect is the same at all values; empty before two are."""
    by_row: dict[str, list[tuple[Scalar, float]]] = {}
    for row, value, mean in effects:
        if mean is not None:
            by_row.setdefault(row, []).append((value, mean))
    if all(len(found) < 2 for found in by_row.values()):
        return ""
    turned = [
        f"{row} ({', '.join(f'{mean:+z.2f} at {value_text(value)}' for value, mean in found)})"
        for row, found in by_row.items()
        if min(mean for _, mean in found) < 0 < max(mean for _, mean in found)
    ]
    name = key.rpartition(".")[2]
    if not turned:
        return f"The observed sign of each effect is the same at all values of {name}."
    return (
        f"The observed sign depends on {name} for {'; '.join(turned)}; whether each is more than "
        "noise is said by its verdict."
    )
