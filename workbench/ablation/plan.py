"""A plan, resolved: every row's network and every run, known before anything runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.ablation.kinds import Choice, PlanFile
from workbench.ablation.kinds.base import refuse_twice
from workbench.ablation.rooms import Rooms
from workbench.config import Count, Frozen, Natural, Recipe, RunConfig, Spec
from workbench.errors import InputError, unknown

RESERVED = ("measured", "published")  # folders of results/ that ship with the project


class Variant(Frozen):
    """One row: a named network, and how it came about."""

    name: str
    changed: str
    compared_to: str | None
    base: str
    overrides: tuple[str, ...]
    spec: Spec
    params: Count
    macs: Count  # multiply-adds of one image
    published: str | None = None


class Plan(Frozen):
    """The variants, the seeds and the recipe of one ablation."""

    name: str
    question: str = ""
    kind: str
    seeds: Annotated[tuple[Natural, ...], Field(min_length=1)]
    recipe: Recipe
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)]
    published: tuple[str, ...] = ()

    def runs(self, only: Sequence[str] = ()) -> tuple[RunConfig, ...]:
        """Every run, or those of the variants in `only`.

        Seed by seed: a sweep that is cut short then has whole comparisons, not whole variants.
        """
        self._check_names(only)
        return tuple(
            RunConfig(variant=variant.name, spec=variant.spec, recipe=self.recipe, seed=seed)
            for seed in self.seeds
            for variant in self.variants
            if not only or variant.name in only
        )

    def _check_names(self, only: Iterable[str]) -> None:
        names = [variant.name for variant in self.variants]
        for name in only:
            if name not in names:
                raise unknown("only", name, names)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a command line asks for on top of a plan file."""

    name: str | None = None
    seeds: tuple[int, ...] | None = None
    settings: tuple[str, ...] = ()  # KEY=VALUE; recipe.KEY is the recipe's, others every row's

    def apply(self, file: PlanFile) -> tuple[PlanFile, tuple[str, ...]]:
        """The plan file with the changes, and the overrides that are for its recipe."""
        recipe = [text for text in self.settings if text.startswith("recipe.")]
        rows = [text for text in self.settings if not text.startswith("recipe.")]
        update: dict[str, object] = {"set": (*file.set, *rows)}
        if self.name is not None:
            update["name"] = self.name
        if self.seeds is not None:
            update["seeds"] = self.seeds
        return file.model_copy(update=update), tuple(
            text.removeprefix("recipe.") for text in recipe
        )


def resolve(file: PlanFile, rooms: Rooms, changes: Changes | None = None) -> Plan:
    """The plan that `file` describes. Deterministic; trains nothing.

    Raises `InputError` for a name, key or value that is unknown, a row without a network, two rows
    of one name, no row, a seed that stands there twice, and a row whose network is another's.
    """
    file, overrides = (changes or Changes()).apply(file)
    if file.name in RESERVED:
        raise InputError(
            f"name: {file.name!r} is refused: results/{file.name} ships with the project"
        )
    _check_seeds(file.seeds)
    recipe = rooms.recipe(file.recipe, *overrides)
    classes = rooms.describe(recipe.data).classes
    choices = file.choices(rooms.components)
    refuse_twice("variant", [choice.name for choice in choices])
    variants = _variants(choices, classes, rooms)
    for side in {variant.spec.resolution for variant in variants}:
        rooms.check_augment(recipe.augment, side)
    return Plan(
        name=file.name,
        question=" ".join(file.question.split()),
        kind=file.kind,
        seeds=file.seeds,
        recipe=recipe,
        variants=variants,
        published=file.published,
    )


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds:
        raise InputError("seeds: there is none; a plan needs at least one")
    for seed in seeds:
        if seed < 0:
            raise InputError(f"seeds: {seed} is refused: a seed is 0 or more")
    refuse_twice("seeds", seeds)


def _variants(choices: Sequence[Choice], classes: int, rooms: Rooms) -> tuple[Variant, ...]:
    kept: dict[str, Variant] = {}
    networks: dict[tuple[str, int], str] = {}
    for choice in choices:
        spec = _spec(choice, classes, rooms)
        same = kept.get(choice.compared_to or "")
        if choice.optional and same and same.spec.identity == spec.identity:
            continue
        cost = rooms.cost(spec)
        network = (rooms.fingerprint(spec), cost.macs)
        if network in networks:
            raise _same(choice, networks[network])
        networks[network] = choice.name
        kept[choice.name] = _variant(choice, spec, cost.params, cost.macs)
    if not kept:
        raise InputError("rows: there is no variant; a plan needs at least one")
    return tuple(kept.values())


def _spec(choice: Choice, classes: int, rooms: Rooms) -> Spec:
    try:
        return rooms.spec(choice.base, *choice.overrides, classes=classes)
    except InputError as error:
        raise InputError(f"variant {choice.name!r}: {error}") from None


def _same(choice: Choice, other: str) -> InputError:
    return InputError(
        f"variant {choice.name!r}: its network is the same as that of {other!r}, "
        f"so that {choice.changed or 'nothing'!r} changes nothing"
    )


def _variant(choice: Choice, spec: Spec, params: int, macs: int) -> Variant:
    return Variant(
        name=choice.name,
        changed=choice.changed,
        compared_to=choice.compared_to,
        base=choice.base,
        overrides=choice.overrides,
        spec=spec,
        params=params,
        macs=macs,
        published=choice.published,
    )
