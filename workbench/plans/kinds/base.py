"""What all kinds of plans have in common."""

import json
import unicodedata
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from workbench.config import Count, Frozen, Natural
from workbench.errors import InputError, unknown
from workbench.plans.matching import Match
from workbench.plans.tuning import Robust, Tune
from workbench.statistics.facts import Row
from workbench.statistics.metric import TOP1


class PlannedRow(Row):
    """A row before its network is known: a base from the zoo, and overrides."""

    base: str
    overrides: tuple[str, ...]
    # Left out where it is the very spec that it is compared to.
    optional: bool = Field(default=False, exclude=True)


MOST_SEEDS = 10_000
LONGEST_NAME = 200


def _as_overrides(value: object) -> object:
    """`{lpu: none, mixer.k: [4, 2, 1, 1]}` and `lpu=none` as the list of KEY=VALUE they mean."""
    if isinstance(value, dict):
        return tuple(f"{key}={override_text(item)}" for key, item in _dotted(value))
    return (value,) if isinstance(value, str) else value


def _dotted(value: Mapping[object, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """`{recipe: {optimiser: {lr: 0.001}}}` as `recipe.optimiser.lr` and its value."""
    for key, item in value.items():
        path = f"{prefix}{key}"
        if isinstance(item, dict) and path.partition(".")[0] == "recipe":
            yield from _dotted(item, f"{path}.")
        else:
            yield path, item


def override_text(value: object) -> str:
    """A value as it stands in an override: YAML, of which JSON is a part."""
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except (TypeError, ValueError):  # dates, bytes and sets; values that hold themselves
        raise ValueError("it must be text, a number, true or false, or a list of them") from None


def _as_seeds(value: object) -> object:
    """`3` as the seeds 0, 1, 2."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value > MOST_SEEDS:
            raise ValueError(f"there may be {MOST_SEEDS} seeds at most")
        return tuple(range(value))
    return value


def _as_name(value: str) -> str:
    if len(value) > LONGEST_NAME or any(unicodedata.category(sign)[0] == "C" for sign in value):
        raise ValueError(f"it must be one line of at most {LONGEST_NAME} characters")
    return value


def _as_line(value: str) -> str:
    return " ".join(value.split())


def _as_words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Overrides = Annotated[tuple[str, ...], BeforeValidator(_as_overrides)]
Seeds = Annotated[tuple[Natural, ...], BeforeValidator(_as_seeds), Field(max_length=MOST_SEEDS)]
Words = Annotated[tuple[str, ...], BeforeValidator(_as_words)]
Line = Annotated[str, AfterValidator(_as_line)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_as_name)]


class Step(Frozen):
    """A written row. `set` adds to the row it builds on; a `base` of its own begins afresh."""

    name: Name
    base: str | None = None
    set: Overrides = ()
    changed: str | None = None
    published: str | None = None
    against: Words = ()  # the rows that it is compared to, in place of the one of the kind


class SeedRace(Frozen):
    """`seeds: {min: 3, max: 12, stop: decided}`: further seeds where no verdict is reached yet."""

    min: Annotated[int, Field(strict=True, ge=2, le=MOST_SEEDS)]
    max: Annotated[int, Field(strict=True, ge=2, le=MOST_SEEDS)]
    stop: Literal["decided"]


class PlanFile(Frozen):
    """A plan as it is written. `base` and `set` are where its rows begin."""

    kind: str
    name: str
    question: Line = ""
    seeds: Seeds = (0,)
    recipe: str | dict[str, Any]
    base: str | None = None
    set: Overrides = ()
    classes: Count | None = None  # of the images it is meant for: costs can do without them
    published: tuple[str, ...] = ()  # files of results/published that belong beside the results
    match: Match | None = None
    race: SeedRace | None = None  # written as the value of `seeds`, which then has all of them
    variance: Literal["shared", "own"] = "shared"  # of a row: pooled over rows, or its own alone
    equivalent: Annotated[float, Field(gt=0, lt=100)] | None = None  # points that don't matter
    task: Literal["classify", "detect", "segment"] | None = None  # None: the recipe's
    metric: Words = (TOP1.key,)  # what verdicts are about
    against: dict[Name, Words] = Field(default_factory=dict)  # by row, as `Step.against`
    tune: Tune | None = None  # values of training that each row chooses for itself
    robust: Robust | None = None  # or values that every row is trained at
    imports: Words = Field(default=(), alias="import")  # modules that register components

    @abstractmethod
    def choices(self) -> tuple[PlannedRow, ...]:
        """The rows in their order; each compares to none or to a row before it."""

    def notes(self) -> tuple[str, ...]:
        """What the kind has to say below the table of this plan."""
        return ()

    def start(self) -> tuple[str, tuple[str, ...]]:
        """The base that every row begins with, in kinds where it must be given."""
        if self.base is None:
            raise InputError(
                "missing; name the zoo entry that the plan is about", key="base", about="missing"
            )
        return self.base, self.set

    def first_row(self, name: str, present: tuple[str, ...] | None = None) -> PlannedRow:
        """The row of the base as it is, in such kinds."""
        base, overrides = self.start()
        changed = ", ".join((base, *overrides))
        return PlannedRow(
            name=name, base=base, overrides=overrides, changed=changed, present=present
        )

    def build(self, step: Step, before: PlannedRow | None, compared_to: str | None) -> PlannedRow:
        """The row that `step` writes, building on `before`."""
        if step.base is not None or before is None:
            base = step.base or self.base
            if base is None:
                raise InputError(
                    "missing; the first row needs one", key="base", row=step.name, about="missing"
                )
            overrides = (*self.set, *step.set)
            changed = ", ".join((base, *step.set))
        else:
            base = before.base
            overrides = before.overrides + step.set
            changed = ", ".join(step.set)
        first, *also = step.against or (compared_to,)
        return PlannedRow(
            name=step.name, base=base, overrides=overrides, changed=step.changed or changed,
            compared_to=first, also=tuple(filter(None, also)), published=step.published,
        )  # fmt: skip

    def compared_rows(self) -> tuple[PlannedRow, ...]:
        """The rows as `against` has them compared. Raises `InputError` for a row that is none."""
        rows = self.choices()
        names = [row.name for row in rows]
        for name in self.against:
            if name not in names:
                raise unknown("against", name, names)
        found = tuple(_against(row, self.against.get(row.name, ())) for row in rows)
        for row in found:
            for other in row.contrasts:
                if other not in names or (other == row.name and names.count(other) == 1):
                    others = [name for name in names if name != row.name]
                    raise unknown("against", other, others).but(row=row.name)
            refuse_twice("against", row.contrasts)
        return found


def _against(row: PlannedRow, others: Sequence[str]) -> PlannedRow:
    if not others:
        return row
    return row.model_copy(update={"compared_to": others[0], "also": tuple(others[1:])})


def refuse_twice(what: str, values: Sequence[object]) -> None:
    """Raise `InputError` if one of `values` stands there twice."""
    for value, count in Counter(values).items():
        if count > 1:
            raise InputError(f"{value!r} stands there {count} times", key=what)
