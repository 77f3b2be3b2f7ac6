"""The functions of other rooms that a sweep calls, in one place, so that tests can stand in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.config import Augment, DataConfig, Recipe, Spec
from workbench.engine import FIT
from workbench.errors import InputError, unknown


class Measures(Protocol):
    """The part of a cost that a plan prints."""

    @property
    def params(self) -> int: ...

    @property
    def macs(self) -> int: ...


class Described(Protocol):
    """The part of a data set's description that a plan needs."""

    @property
    def classes(self) -> int: ...

    @property
    def train_size(self) -> int: ...

    @property
    def test_size(self) -> int: ...

    @property
    def validation_size(self) -> int: ...


class MakeSpec(Protocol):
    """`workbench.models.spec`, as it is called here."""

    def __call__(self, base: str, *overrides: str, classes: int | None = None) -> Spec: ...


class MakeRecipe(Protocol):
    """`workbench.train.recipes.recipe`."""

    def __call__(self, base: str | Mapping[str, Any], *overrides: str) -> Recipe: ...


@dataclass(frozen=True)
class Rooms:
    """What a sweep needs from models, cost, train and data."""

    spec: MakeSpec
    fingerprint: Callable[[Spec], str]
    cost: Callable[[Spec], Measures]
    components: Callable[[str], Sequence[str]]
    recipe: MakeRecipe
    describe: Callable[[DataConfig], Described]
    check_augment: Callable[[Augment, int], None]  # raises InputError for this side of the image
    latency: Callable[[Spec], float]  # milliseconds of one image, measured here
    fit: str = FIT
    # What is known of a set that may not be here, and random images to time in its stead.
    stand_in: Callable[[DataConfig], tuple[Described, DataConfig] | None] = lambda _: None

    def facts(self, config: DataConfig) -> Described:
        """Those that are known without the images, else those found in them."""
        known = self.stand_in(config)
        return known[0] if known else self.describe(config)

    def timed(self, config: DataConfig) -> tuple[DataConfig, str | None]:
        """The images that steps are timed on, and what is to be said if they are not `config`'s."""
        known = self.stand_in(config)
        try:
            self.describe(config)
        except InputError:
            if known is None:
                raise
            return known[1], (
                f"The images of {config.name} are not here: random ones were timed, without what "
                f"it takes to read the real ones. To fetch those: workbench fetch {config.name}"
            )
        return config, None


def real_rooms() -> Rooms:
    """The workbench's own. Imports torch."""
    from workbench.cost import cost
    from workbench.data import check_augment, describe, stand_in
    from workbench.models import fingerprint, spec

    return Rooms(
        spec, fingerprint, cost, _components, _recipe, describe, check_augment, _latency,
        stand_in=stand_in,
    )  # fmt: skip


def _recipe(base: str | Mapping[str, Any], *overrides: str) -> Recipe:
    """The recipe, with an optimiser that there is; the room of recipes does without torch."""
    from workbench.train.optimiser import check_name
    from workbench.train.recipes import recipe

    made = recipe(base, *overrides)
    check_name(made.optimiser.name)
    return made


def _latency(spec: Spec) -> float:
    """Of inference, with norms folded; the least of three medians, for what else the machine does
    can only make a network slower.
    """
    from workbench.cost.speed import measure_speed
    from workbench.models import build, fuse

    model = fuse(build(spec))
    rounds = (
        measure_speed(
            model, spec.name, spec.channels, spec.resolution, batch=1, seconds=0.2, least=10
        )
        for _ in range(3)
    )
    return min(found.latency_ms for found in rounds)


def _components(slot: str) -> tuple[str, ...]:
    from workbench.models import SLOTS

    if slot not in SLOTS:
        if "." in slot:
            raise InputError(f"{slot!r} is a field, not a slot; list its values", key="factor")
        raise unknown("factor", slot, SLOTS)
    return tuple(SLOTS[slot])
