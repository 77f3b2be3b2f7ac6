"""A plan, resolved: every row's network and every run, known before anything runs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.config import LARGEST, Count, Frozen, Natural, Recipe, RunConfig
from workbench.errors import InputError, shown, unknown
from workbench.plans.changes import Changes
from workbench.plans.kinds import PlanFile, PlannedRow
from workbench.plans.kinds.base import refuse_twice
from workbench.plans.matching import LABELS, Match, Matched
from workbench.plans.names import check_name
from workbench.plans.rows import Rows, Variant
from workbench.plans.tasks import check_task, metric_keys, with_task
from workbench.plans.training import (
    Recipes,
    about_recipe,
    at_every_value,
    checked_recipe,
)
from workbench.plans.tuning import MakeRecipe, check_rows, check_tune, check_values
from workbench.published import check_names, read_table, same_dataset
from workbench.statistics.facts import EarlierRuns, Method, Race
from workbench.statistics.metric import TOP1, metrics_named
from workbench.statistics.tuning import Tuning
from workbench.train.curve import choose_curve
from workbench.train.recipes import VALIDATION
from workbench.train.speed.ways import Key, SpeedTrial, refuse_own_trial, undecided
from workbench.user_modules import Imported

if TYPE_CHECKING:
    from workbench.data import DataFacts

__all__ = ["Plan", "Variant", "resolve"]

MOST_ROWS = 1_000
MOST_RUNS = 100_000


class Plan(Frozen):
    """The variants, the seeds and the recipe of one ablation."""

    name: str
    question: str = ""
    kind: str
    seeds: Annotated[tuple[Natural, ...], Field(min_length=1)]
    recipe: Recipe
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)]
    published: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what the reader of its table has to know
    race: Race | None = None  # then `seeds` are those there may be
    variance: Literal["shared", "own"] | None = None  # None: of before there was a choice
    equivalent: float | None = None
    metric: tuple[str, ...] = (TOP1.key,)
    earlier: EarlierRuns | None = None  # of another plan, whose noise is this one's too
    match: Match | None = None
    test_images: Count | None = None
    tuning: Tuning | None = None
    robust: str | None = None  # the key of the recipe that every row is at several values of
    undecided: tuple[Key, ...] = ()  # keys of the recipe that a trial of speed decides
    speed: SpeedTrial | None = None  # that decided
    imports: tuple[Imported, ...] = ()  # modules of the user's, with the components of some row

    @property
    def method(self) -> Method:
        """How its rows are compared, but for what their images say.

        Results of before the shared model are read by it, for it asks nothing that they lack. But
        for races: which runs there are was decided by the paired t test and its bounds.
        """
        of_before: Literal["shared", "own"] = "own" if self.race else "shared"
        metrics = metrics_named(self.metric)
        return Method(
            self.variance or of_before,
            equivalent=self.equivalent,
            metrics=metrics,
            earlier=self.earlier,
        )

    @property
    def modules(self) -> tuple[str, ...]:
        """What a process imports before it can build the networks."""
        return tuple(module.name for module in self.imports)

    @property
    def first_seeds(self) -> tuple[int, ...]:
        """The seeds that every variant gets."""
        return self.seeds[: self.race.least] if self.race else self.seeds

    def recipe_of(self, variant: Variant) -> Recipe:
        """What a row is trained with."""
        return variant.recipe or self.recipe

    def runs(
        self, only: Sequence[str] = (), seeds: Sequence[int] | None = None
    ) -> tuple[RunConfig, ...]:
        """Every run that there may be, or those of the variants in `only` and of `seeds`.

        Seed by seed: a sweep that is cut short then has whole comparisons, not whole variants.
        """
        self._check_names(only)
        return tuple(
            RunConfig(
                variant=variant.name, spec=variant.spec, recipe=self.recipe_of(variant), seed=seed
            )
            for seed in (self.seeds if seeds is None else seeds)
            for variant in self.variants
            if not only or variant.name in only
        )

    def _check_names(self, only: Iterable[str]) -> None:
        names = [variant.name for variant in self.variants]
        for name in only:
            if name not in names:
                raise unknown("only", name, names)


def resolve(
    file: PlanFile,
    changes: Changes | None = None,
    known: Sequence[Matched] = (),
    costs_only: bool = False,
) -> Plan:
    """The plan that `file` describes. Trains nothing, and is deterministic.

    But for a latency to be matched, which is measured: `known` are the answers that an earlier
    sweep of the plan got. With `costs_only`, a plan that says its number of classes, or is of a
    set that can be fetched, resolves without its images.

    Raises `InputError` for a name, key or value that is unknown, a row without a network, two rows
    of one name, no row, a seed that stands there twice, and a row that is another's in network
    and training.
    """
    from workbench.data import describe, facts

    file, overrides = (changes or Changes()).apply(file)
    check_name(file.name)
    _check_seeds(file.seeds)
    file = with_task(file)
    share = VALIDATION if file.tune else None
    make = partial(checked_recipe, file.recipe, *overrides, absent=costs_only, validation=share)
    recipe = make()
    tuning = check_tune(file.tune, recipe, make) if file.tune else None
    with about_recipe():
        check_task(file, recipe)
    metric = metric_keys(file, recipe)
    # Refuses what can't be:
    Method(file.variance, equivalent=file.equivalent, metrics=metrics_named(metric))
    look = facts if costs_only else describe
    with about_recipe():
        data = None if costs_only and _lacks_images(file, recipe) else look(recipe.data)
    classes = data.classes if data else file.classes or 0
    file, choices = _written_rows(file, make, recipe, renamed=bool(changes and changes.name))
    variants = Rows(classes, file.match, known, Recipes(make, recipe)).all(choices)
    if tuning:
        check_rows(tuning, recipe, {row.name: row.recipe or recipe for row in variants})
    for variant in variants:
        _check_training(file, variant, recipe, data, costs_only)
    return Plan(
        name=file.name,
        question=file.question,
        kind=file.kind,
        seeds=file.seeds,
        recipe=recipe,
        variants=variants,
        published=file.published,
        notes=(*file.notes(), *_match_notes(file.match), *_recipe_notes(recipe, variants)),
        race=Race(file.race.min, file.race.max) if file.race else None,
        variance=file.variance,
        equivalent=file.equivalent,
        metric=metric,
        match=file.match,
        test_images=data.test_size if data else None,
        tuning=tuning,
        undecided=undecided(recipe),
        robust=next(iter(file.robust)).removeprefix("recipe.") if file.robust else None,
    )


def _choices(file: PlanFile, make: MakeRecipe) -> tuple[PlannedRow, ...]:
    """The rows of the plan; where it asks for `robust`, at every value of it."""
    choices = file.compared_rows()
    if file.robust is None:
        return choices
    if file.tune is not None:
        raise InputError("is refused beside tune: each row is at all values, or at its best",
                         key="robust")  # fmt: skip
    ((key, values),) = file.robust.items()
    check_values("robust", key, values, make)
    return tuple(at_every_value(choices, key, values))


def _written_rows(
    file: PlanFile, make: MakeRecipe, recipe: Recipe, renamed: bool
) -> tuple[PlanFile, tuple[PlannedRow, ...]]:
    """The rows, checked, and their plan; published numbers are not beside those of other images
    that a plan was `renamed` for."""
    choices = _choices(file, make)
    planned = checked_recipe(file.recipe, absent=True)
    if renamed and _other_data(recipe, planned, file.published):
        file = file.model_copy(update={"published": ()})
        choices = tuple(choice.model_copy(update={"published": None}) for choice in choices)
    _check_size(len(choices), len(file.seeds))
    for name, count in Counter(choice.name for choice in choices).items():
        if count > 1:
            raise InputError(f"{count} rows have this name", row=name)
    check_names([(choice.name, choice.published) for choice in choices], file.published)
    return file, choices


def _check_training(
    file: PlanFile, variant: Variant, recipe: Recipe, data: "DataFacts | None", costs_only: bool
) -> None:
    """Refuses what a row can't be trained with; `data` are the images of the plan's `recipe`."""
    from workbench.data import DataInfo, check_augment, describe, facts
    from workbench.train.speed.compiling import check_compiler
    from workbench.train.teaching.make import check_teaching

    own = variant.recipe or recipe
    with about_recipe(variant.name if variant.recipe else ""):
        refuse_own_trial(own, recipe)
        if not costs_only:
            check_compiler(own)
        check_task(file, own)
        if own.task.name == "classify":
            check_augment(own.augment, variant.spec.resolution)
        if data is not None:
            _check_curve(own, facts(own.data) if costs_only else describe(own.data))
    if isinstance(data, DataInfo):
        with about_recipe(variant.name):
            check_teaching(own, variant.spec, data)


def _check_curve(recipe: Recipe, data: "DataFacts") -> None:
    """Refuses a curve from more images than there are."""
    held = data.validation_size or data.test_size
    choose_curve(recipe, data.train_size, held, data.test_size)


def _lacks_images(file: PlanFile, recipe: Recipe) -> bool:
    """Whether the plan is for a user's own folder that no one has named yet."""
    return file.classes is not None and recipe.data.name == "folder" and recipe.data.path is None


def _match_notes(match: Match | None) -> tuple[str, ...]:
    if match is None:
        return ()
    quantity, tolerance = match.asked
    measured = " as measured on the machine that began the sweep" if quantity == "latency" else ""
    return (
        f"Equal cost: the {match.adjust} of each row is adjusted until its {LABELS[quantity]} "
        f"are within {100 * tolerance:g} % of the first row's{measured}; what was changed stands "
        "with the row. A row that can't be made equal is infeasible, and is not trained.",
    )


def _recipe_notes(recipe: Recipe, variants: Sequence[Variant]) -> Iterator[str]:
    from workbench.train.teaching.make import teaching_note

    own = [variant.name for variant in variants if variant.recipe]
    if own:
        yield (
            f"Trained otherwise than the recipe says: {', '.join(own)}; what differs stands with "
            "the row. The throughput of such a row is that of its own training."
        )
    taught = (teaching_note(row.recipe or recipe, row.spec) for row in variants)
    yield from filter(None, dict.fromkeys(taught))


def _other_data(recipe: Recipe, planned: Recipe, tables: Sequence[str]) -> bool:
    """Whether the images are not those of the plan, beside which it puts published numbers.

    A plan that names no place leaves it to its reader where its own images are. A table of several
    data sets is about each of them.
    """
    mine, own = recipe.data, planned.data
    if any(
        same_dataset(mine.name, row.get("dataset", "")) for t in tables for row in read_table(t)
    ):
        return False
    return mine.name != own.name or (own.path is not None and mine.path != own.path)


def _check_size(rows: int, seeds: int) -> None:
    if rows > MOST_ROWS:
        raise InputError(f"{rows:,} are refused: a plan has at most {MOST_ROWS:,}", key="rows")
    if rows * seeds > MOST_RUNS:
        raise InputError(
            f"{seeds:,} for each of {rows:,} rows are refused: a plan has at most {MOST_RUNS:,} "
            "runs",
            key="seeds",
        )


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds:
        raise InputError("there is none; a plan needs at least one", key="seeds")
    for seed in seeds:
        if not 0 <= seed <= LARGEST:
            raise InputError(
                f"{shown(seed)} is refused: a seed is 0 or more, and {LARGEST} at most", key="seeds"
            )
    refuse_twice("seeds", seeds)
