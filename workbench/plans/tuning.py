"""`tune` and `robust` of a plan: which values of training every row is tried at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from workbench.config import Count, Frozen, Natural, Recipe, Scalar, flatten
from workbench.errors import InputError, unknown
from workbench.plans.acting import training
from workbench.statistics.tuning import Range, Setting, Tuning, value_text
from workbench.train.recipes import recipe as make_recipe
from workbench.train.recipes import recipe_keys
from workbench.train.schedule import peak

PREFIX = "recipe."
MOST_TRIALS = 1_000  # of a row
NOT_TUNED = ("data", "name", "checkpoint_every", "evaluate")  # no choice of training
MakeRecipe = Callable[..., Recipe]  # of overrides such as `optimiser.lr=0.001`


def _on_validation(value: object) -> object:
    if value != "validation":
        raise ValueError(
            "choices are made on validation images, the test images are read once, at the end: "
            "validation"
        )
    return value


Values = tuple[Scalar, ...] | Range


class Tune(Frozen):
    """`tune: {recipe.optimiser.lr: [0.001, 0.002], trials: 2, on: validation, seeds: 1}`."""

    space: dict[str, Values]
    trials: Annotated[Count, Field(le=MOST_TRIALS)] | None = None  # None: all of a grid
    on: Annotated[Literal["validation"], BeforeValidator(_on_validation)] = "validation"
    seeds: Count | tuple[Natural, ...] = 1  # how many, or which
    sampler: Literal["grid", "qmc", "tpe", "gp", "cmaes", "nsga2"] = "grid"

    @model_validator(mode="before")
    @classmethod
    def _split(cls, written: object) -> object:
        """Keys that begin with `recipe.` are the space."""
        if not isinstance(written, dict):
            return written
        space = {key: value for key, value in written.items() if str(key).startswith(PREFIX)}
        rest = {key: value for key, value in written.items() if key not in space}
        return {**rest, "space": space}


Robust = Annotated[dict[str, tuple[Scalar, ...]], Field(min_length=1, max_length=1)]


def check_tune(tune: Tune, recipe: Recipe, make: MakeRecipe) -> Tuning:
    """What a plan asks for, checked. `make` adds overrides to the recipe of the plan.

    Raises `InputError` for keys and values that no recipe has, for a range of one value, for what
    the schedule does not allow, and where there are no validation images.
    """
    if not tune.space:
        raise InputError(
            "it names nothing to tune; write recipe.KEY, such as recipe.optimiser.lr", key="tune"
        )
    _refuse_test_images(recipe)
    for key, values in tune.space.items():
        check_values("tune", key, values, make)
    _refuse_sampler(tune)
    seeds = tuple(range(tune.seeds)) if isinstance(tune.seeds, int) else tune.seeds
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError("it needs at least one, each once", key="tune.seeds")
    return Tuning(
        space={key.removeprefix(PREFIX): values for key, values in tune.space.items()},
        trials=_trials(tune), seeds=seeds, sampler=tune.sampler,
    )  # fmt: skip


def _refuse_test_images(recipe: Recipe) -> None:
    """Choices without validation images would be made on those of the test."""
    if recipe.data.validation is None:
        raise InputError(
            "null is refused: values are chosen on validation images; give it a share such as 0.1",
            key="recipe.data.validation",
        )


def check_rows(tuning: Tuning, plan: Recipe, rows: Mapping[str, Recipe]) -> None:
    """Raises `InputError` for a row that can't be trained at each value, has no validation images,
    or names a value of its own of what is chosen; and for a key that changes no row's training.

    `plan` is the recipe of the plan, `rows` are those of its rows.
    """
    planned = flatten(plan.model_dump())
    for key, values in tuning.space.items():
        place, acts = f"tune.{PREFIX}{key}", False
        for name, own in rows.items():
            try:
                _refuse_test_images(own)
                _refuse_own_value(own, planned, key)
                acts |= _acts(own, key, _ends(values, place), place)
            except InputError as error:
                raise error.but(row=name) from None
        if not acts:
            raise InputError("is refused: it changes nothing of how rows are trained", key=place)


def _refuse_own_value(own: Recipe, planned: Mapping[str, object], key: str) -> None:
    section, dot, _ = key.partition(".")
    if dot and getattr(own, section) is None:
        raise InputError(f"the row has no {section}", key=f"tune.{PREFIX}{key}")
    if flatten(own.model_dump()).get(key) != planned.get(key):
        raise InputError(
            "is refused beside tune, which chooses it for each row", key=f"{PREFIX}{key}"
        )


def _acts(own: Recipe, key: str, values: Sequence[Scalar], place: str) -> bool:
    """Whether `values` train a row differently, all of which its schedule has to allow."""
    made = [with_setting(own, ((key, value),)) for value in values]
    for each, value in zip(made, values, strict=True):
        _refuse_schedule(each, key, value, place)
    return len(set(map(training, made))) > 1


def with_setting(recipe: Recipe, setting: Setting) -> Recipe:
    """`recipe` at other values."""
    texts = [f"{key}={value_text(value)}" for key, value in setting]
    return make_recipe(recipe.model_dump(), *texts)


def _refuse_sampler(tune: Tune) -> None:
    """A sampler that would not do what its name says."""
    ranges = [values for values in tune.space.values() if isinstance(values, Range)]
    if tune.sampler == "cmaes" and (len(ranges) < 2 or len(ranges) < len(tune.space)):
        raise InputError(
            "'cmaes' is refused: it samples two ranges or more, and no listed values; choose tpe",
            key="tune.sampler",
        )
    if tune.sampler == "qmc" and len(tune.space) > 2:
        raise InputError(
            "'qmc' is refused: it knows two keys at most; choose tpe", key="tune.sampler"
        )


def _trials(tune: Tune) -> int:
    ranges = [key for key, values in tune.space.items() if isinstance(values, Range)]
    if tune.sampler != "grid":
        if tune.trials is None:
            raise InputError("missing; how many each row gets", key="tune.trials", about="missing")
        return tune.trials
    if ranges:
        raise InputError(
            "a grid needs listed values; list them, or choose a sampler: tpe, qmc, gp, cmaes",
            key=f"tune.{ranges[0]}",
        )
    size = prod(len(values) for values in tune.space.values() if not isinstance(values, Range))
    if tune.trials not in (None, size):
        raise InputError(
            f"{tune.trials} is refused: the grid has {size}, and every row gets all of them; leave "
            "it out, or choose a sampler: tpe, qmc, gp, cmaes",
            key="tune.trials",
        )
    if size > MOST_TRIALS:
        raise InputError(f"{size:,} trials are refused: at most {MOST_TRIALS:,}", key="tune")
    return size


def check_values(what: str, key: str, values: Values, make: MakeRecipe) -> None:
    """Raises `InputError` unless `key` is one of training, with several values that it takes."""
    name, place = key.removeprefix(PREFIX), f"{what}.{key}"
    if not key.startswith(PREFIX):
        raise InputError(f"unknown {key!r}; write recipe.KEY", key=place)
    if name not in recipe_keys():
        raise unknown(place, key, [f"{PREFIX}{each}" for each in recipe_keys()])
    if name.partition(".")[0] in NOT_TUNED:
        raise InputError("is refused: it is no choice of training", key=place)
    for value in _ends(values, place):
        try:
            made = make(f"{name}={value_text(value)}")
        except InputError as error:
            raise InputError(error.reason, key=place) from None
        _refuse_schedule(made, name, value, place)


def _ends(values: Values, place: str) -> Sequence[Scalar]:
    """All listed values, or both ends of a range."""
    if isinstance(values, Range):
        if values.high <= values.low:
            raise InputError("is refused: high must be more than low", key=place)
        if values.log and values.low <= 0:
            raise InputError("is refused: low must be more than 0 where log is true", key=place)
        return (values.low, values.high)
    if len(set(values)) < 2:
        raise InputError(
            f"{list(values)} is refused: a choice needs at least two values", key=place
        )
    if len(set(values)) < len(values):
        raise InputError(f"{list(values)} is refused: one stands there twice", key=place)
    return values


def _refuse_schedule(recipe: Recipe, name: str, value: Scalar, place: str) -> None:
    """A peak below its own floor, or a warm-up that does not end, is no schedule."""
    schedule, highest = recipe.schedule, peak(recipe.optimiser, recipe.batch_size)
    floors = {"min_lr": schedule.min_lr if schedule.name == "cosine" else 0.0}
    floors["warmup_lr"] = schedule.warmup_lr if schedule.warmup_epochs else 0.0
    if name.startswith(("optimiser.", "schedule.", "batch_size")):
        for key, floor in floors.items():
            if highest <= floor:
                raise InputError(
                    f"{value_text(value)} is refused: the schedule would peak at {highest:g}, "
                    f"which is not above schedule.{key}, {floor:g}",
                    key=place,
                )
    if name in ("schedule.warmup_epochs", "epochs") and schedule.warmup_epochs >= recipe.epochs:
        raise InputError(
            f"{value_text(value)} is refused: {schedule.warmup_epochs:g} epochs of warm-up leave "
            f"nothing of {recipe.epochs}",
            key=place,
        )


def grid(space: Mapping[str, Values]) -> Iterator[Setting]:
    """Every combination of the listed values."""
    listed = [values for values in space.values() if not isinstance(values, Range)]
    for chosen in product(*listed):
        yield tuple(zip(space, chosen, strict=True))
