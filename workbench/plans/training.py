"""What rows change of training: `recipe.KEY=VALUE` beside the overrides of their network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from workbench.config import Recipe, Scalar
from workbench.errors import InputError
from workbench.plans.kinds import PlannedRow
from workbench.plans.tuning import PREFIX, MakeRecipe
from workbench.statistics.tuning import value_text
from workbench.train.recipes import recipe as make_recipe
from workbench.train.recipes import recipe_keys

OWN_DATA = ("train_size", "validation")  # of a row: none changes the test images


def of_network(overrides: Iterable[str]) -> tuple[str, ...]:
    """Those of the overrides that are the network's."""
    return tuple(text for text in overrides if not _is_of_recipe(text))


def of_recipe(overrides: Iterable[str]) -> tuple[str, ...]:
    """Those that are the recipe's, as the recipe names them: `optimiser.lr=0.001`."""
    return tuple(text.removeprefix(PREFIX) for text in overrides if _is_of_recipe(text))


def _is_of_recipe(text: str) -> bool:
    refuse_whole_recipe(text, "recipe")
    return text.startswith(PREFIX)


def refuse_whole_recipe(text: str, key: str) -> None:
    """Refuses an override of the recipe itself."""
    if text.partition("=")[0].strip() == "recipe":
        raise InputError(
            f"{text!r} is refused: set its keys, recipe.KEY=VALUE, such as recipe.epochs=5", key=key
        )


def nearest_of_recipe(key: str) -> str | None:
    """The line about a key of the recipe that is written without `recipe.`; none for others."""
    keys = list(recipe_keys())
    near = [f"{PREFIX}{each}" for each in keys if each == key or each.endswith(f".{key}")]
    if not near and key.partition(".")[0] in {each.partition(".")[0] for each in keys}:
        near = [f"{PREFIX}{key}"]
    return f"unknown {key!r}; nearest: {', '.join(map(repr, near))}" if near else None


@contextmanager
def about_recipe(row: str = "") -> Iterator[None]:
    """Errors about `data.path` and `augment.crop_padding` name the recipe's key, and the row."""
    try:
        yield
    except InputError as error:
        key = error.key if error.key.startswith(PREFIX) else f"{PREFIX}{error.key}"
        raise error.but(key=key, row=row) from None


def checked_recipe(
    base: str | Mapping[str, Any],
    *overrides: str,
    absent: bool = False,
    validation: float | None = None,
) -> Recipe:
    """The recipe, with an optimiser that there is, and the digests of the weights that it names.

    With `absent`, weights may be left to be named. `validation` is the share of images that choices
    are made on where the recipe says nothing. The room of recipes does without torch.
    """
    from workbench.train.optimiser import check_name as check_optimiser
    from workbench.train.teaching.weights import pin

    default = None if validation is None else {"data": {"validation": validation}}
    made = make_recipe(base, *overrides, default=default)
    check_optimiser(made.optimiser.name)
    return pin(made, absent)


@dataclass(frozen=True)
class Recipes:
    """The recipe of a plan, and those of its rows; `make` adds overrides to that of the plan."""

    make: MakeRecipe
    plan: Recipe

    def of(self, choice: PlannedRow) -> Recipe | None:
        """The recipe of a row; None where it trains as the plan says.

        Raises `InputError` for keys and values that are refused, and for other test images.
        """
        changes = of_recipe(choice.overrides)
        if not changes:
            return None
        with about_recipe(choice.name):
            own = self.make(*changes)
        self._refuse_other_data(choice, own)
        if own.task.name != self.plan.task.name:
            raise InputError(
                f"{own.task.name!r} is refused: all rows have one task, {self.plan.task.name}",
                key=f"{PREFIX}task.name",
                row=choice.name,
            )
        return own if own.document() != self.plan.document() else None

    def _refuse_other_data(self, choice: PlannedRow, own: Recipe) -> None:
        planned = self.plan.data.model_dump()
        for key, value in own.data.model_dump().items():
            if key not in OWN_DATA and value != planned[key]:
                raise InputError(
                    f"{value!r} is refused: all rows are of the same test images, so that a row "
                    f"changes no more of its data than {' and '.join(OWN_DATA)}; set it for "
                    "the whole plan",
                    key=f"{PREFIX}data.{key}",
                    row=choice.name,
                )


def at_every_value(
    rows: Sequence[PlannedRow], key: str, values: Sequence[Scalar]
) -> Iterator[PlannedRow]:
    """Every row at every value of `key`, each compared to its row at the same value."""
    for value in values:
        text = f"{key.rpartition('.')[2]}={value_text(value)}"
        for row in rows:
            yield row.model_copy(
                update={
                    "name": f"{row.name}, {text}",
                    "overrides": (*row.overrides, f"{key}={value_text(value)}"),
                    "changed": row.changed or text,
                    "compared_to": f"{row.compared_to}, {text}" if row.compared_to else None,
                    "also": tuple(f"{other}, {text}" for other in row.also),
                    "published": None, "present": None, "of": row.name, "at": value,
                }
            )  # fmt: skip
