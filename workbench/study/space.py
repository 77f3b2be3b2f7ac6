"""The search space of a study: every point is on the constraint surface and names a network."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from workbench.config import Recipe, Spec, flatten
from workbench.cost import Cost, closed_form
from workbench.errors import InputError
from workbench.plans.names import check_name
from workbench.scaling.constants import PAPER_EXPONENTS, Constants, Exponents, along_the_ray
from workbench.scaling.constants import constants as checked
from workbench.scaling.exponents import measure, measured_exponents
from workbench.scaling.rule import Scaled, scale
from workbench.scaling.surface import Surface, surface
from workbench.study.file import StudyFile
from workbench.user_modules import Imported

LOOKS = 24  # points for each coordinate, to see whether any meets the tolerance
FREE = {"kind", "name", "question", "trials", "most_asked", "top"}  # may change between calls
ELSEWHERE = {"base", "set", "recipe", "imports"}  # stands in the networks and in the ledger's plan


@dataclass(frozen=True)
class Candidate:
    """A point of the surface and its network; `refused` says why it is not to be trained."""

    constants: Constants
    scaled: Scaled | None
    refused: str | None

    @property
    def label(self) -> str | None:
        """The network's name: the same for all points that round to it, and for no others."""
        return self.scaled.label if self.scaled else None


@dataclass(frozen=True)
class Study:
    """A study, resolved: deterministic, and known before anything runs."""

    file: StudyFile
    base: Spec
    base_cost: Cost
    recipe: Recipe
    surface: Surface
    imports: tuple[Imported, ...] = ()  # modules of the user's, with the components of the base

    def candidate(self, depth: float, split: float) -> Candidate:
        """The network at these coordinates, and whether its cost is within the tolerance."""
        return self.at(self.surface.at(depth, split))

    def at(self, given: Constants) -> Candidate:
        """The same for constants."""
        file = self.file
        try:
            scaled = scale(
                self.base, given, file.phi, file.rounding, file.growth, base_cost=self.base_cost
            )
        except InputError as error:
            return Candidate(given, None, str(error))
        if abs(scaled.miss) <= file.tolerance:
            return Candidate(given, scaled, None)
        return Candidate(
            given,
            scaled,
            f"MACs grow {scaled.growth:.3f} times after rounding, {scaled.miss:+.1%} off "
            f"{scaled.target:.3g}; tolerance {file.tolerance:.1%}",
        )

    def points(self) -> Iterator[tuple[tuple[float, float, float], float, float]]:
        """The points to be tried first, as written and as coordinates of the surface."""
        for triple in self.file.points:
            given = checked(*triple)
            if given.each() == (1, 1, 1):
                raise InputError("(1, 1, 1) has no direction", key="points")
            on_it = along_the_ray(given, self.surface.exponents, self.file.growth)
            yield triple, *self.surface.place(on_it)

    def document(self) -> dict[str, object]:
        """What makes this search space, flat: a study of that name must have the same."""
        data = self.file.model_dump(mode="json", exclude=FREE | ELSEWHERE)
        data["exponents"] = self.surface.exponents.model_dump()
        flat = {f"base.{key}": value for key, value in self.base.flat().items()}
        flat |= flatten({"recipe": self.recipe.document(), **data})
        found: dict[str, object] = json.loads(json.dumps(flat))  # tuples as lists, as it is read
        return found


def resolve_study(file: StudyFile, *overrides: str, imports: tuple[Imported, ...] = ()) -> Study:
    """The study that `file` describes; `overrides` are the recipe's. Trains nothing.

    `imports` are the modules that it names, imported already.
    A study chooses, so a recipe that says nothing of a validation split gets one; with
    `data.validation=null` it has none, and the test images are what it chooses on.

    Raises `InputError` for names, keys and values that are unknown or reserved, a constraint that
    no point meets, and a tolerance that no network meets, with the nearest that one does.
    """
    from workbench.data import check_augment, describe
    from workbench.models import spec
    from workbench.train.optimiser import check_name as check_optimiser
    from workbench.train.recipes import VALIDATION, recipe

    check_name(file.name)
    training = recipe(file.recipe, *overrides, default={"data": {"validation": VALIDATION}})
    check_optimiser(training.optimiser.name)
    _refuse_training(training)
    base = spec(file.base, *file.set, classes=describe(training.data).classes)
    if file.phi <= 0:
        raise InputError(
            f"{file.phi:g} is refused: a study scales up; it must be above 0", key="phi"
        )
    space = surface(file.growth, _exponents(file, base), file.bounds)
    study = Study(file, base, closed_form(base), training, space, imports)
    list(study.points())  # refuses those that can't be
    check_tolerance(study)
    check_augment(training.augment, base.resolution)
    return study


def _refuse_training(recipe: Recipe) -> None:
    """What networks of several sizes can't be trained with, and what no trial decides here."""
    from workbench.train.speed.ways import undecided

    for key in undecided(recipe):
        raise InputError("'auto' is for plans: a study says which", key=f"recipe.{key}")
    if recipe.task.name != "classify":
        raise InputError(
            f"{recipe.task.name!r} is refused: a study is of classifiers", key="recipe.task.name"
        )
    for weights in recipe.weights():
        raise InputError(
            "is refused: a study's networks have several sizes and resolutions, and weights "
            "are of one; leave it out",
            key=f"recipe.{weights}",
        )


def _exponents(file: StudyFile, base: Spec) -> Exponents:
    if file.exponents == "paper":
        return PAPER_EXPONENTS
    if file.exponents == "measured":
        return measured_exponents(measure(base))
    depth, dim, resolution = file.exponents
    return Exponents(depth=depth, dim=dim, resolution=resolution)


def check_tolerance(study: Study) -> None:
    """Refuse a tolerance that the rounding of this base never meets."""
    best, fault = float("inf"), ""
    for row in range(LOOKS):
        for column in range(LOOKS):
            found = study.candidate(row / (LOOKS - 1), column / (LOOKS - 1))
            if found.scaled is None:
                fault = found.refused or ""
            elif found.refused is None:
                return
            else:
                best = min(best, abs(found.scaled.miss))
    if best == float("inf"):
        raise InputError(f"no point of the surface gives a network: {fault}", key="base")
    raise InputError(
        f"{study.file.tolerance:g} can never be met: the sizes of {study.base.name} "
        f"are whole, and none comes that near to {study.file.growth:g}^{study.file.phi:g}; "
        f"nearest: {ceil(best * 1e4) / 1e4:g}",
        key="tolerance",
    )
