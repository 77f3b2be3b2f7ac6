"""A study as it is written."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from workbench.config import Count, Frozen, Natural, Positive, Share
from workbench.errors import InputError
from workbench.parsing import parse
from workbench.plans.kinds.base import Line, Overrides, Seeds, Words
from workbench.scaling.constants import GROWTH, PAPER
from workbench.scaling.sizes import Rounding

Objective = Literal["top1", "macs", "throughput"]
DIRECTIONS: Mapping[Objective, Literal["maximize", "minimize"]] = {
    "top1": "maximize",  # percent, mean over the seeds
    "macs": "minimize",  # of one image
    "throughput": "maximize",  # training images per second, mean over the seeds
}


def _as_named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Triple = tuple[float, float, float]
Bound = tuple[float, float]


class Sampler(Frozen):
    """Where the next point comes from. `seed` and the trial's number fix it.

    After five points in a row that trained nothing, the next one is quasi-random.
    """

    name: Literal["tpe", "gp", "cmaes", "qmc", "nsga2", "grid"] = "tpe"
    seed: Natural = 0
    startup: Count = 10  # random trials before tpe, gp and cmaes use what they know
    population: Annotated[int, Field(strict=True, ge=2)] = 10  # of nsga2
    side: Annotated[int, Field(strict=True, ge=2)] = 8  # of grid: points for each coordinate


class Pruner(Frozen):
    """What ends a trial early, by the top-1 of its first seed after each epoch."""

    name: Literal["none", "median", "hyperband"] = "none"
    startup: Natural = 5  # trials that median lets pass
    warmup: Natural = 0  # epochs before median looks; for hyperband the least, at least 1


class StudyFile(Frozen):
    """`trials` counts distinct networks that train; points that cost nothing come on top."""

    kind: Literal["scaling_study"] = "scaling_study"
    name: str
    question: Line = ""
    base: str
    set: Overrides = ()
    imports: Words = Field(default=(), alias="import")  # modules that register components
    recipe: str | dict[str, Any]
    seeds: Annotated[Seeds, Field(min_length=1)] = (0, 1)
    phi: float = 1.0
    growth: float = GROWTH
    tolerance: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.1  # of the growth, realised
    exponents: (
        Literal["paper", "measured"] | Annotated[tuple[Positive, Positive, Positive], Field()]
    ) = "measured"
    alpha: Bound | None = None
    beta: Bound | None = None
    gamma: Bound | None = None
    rounding: Rounding = Rounding()
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1)] = ("top1",)
    sampler: Annotated[Sampler, BeforeValidator(_as_named)] = Sampler()
    pruner: Annotated[Pruner, BeforeValidator(_as_named)] = Pruner()
    trials: Count = 30
    most_asked: Count | None = None  # points, trained or not; None: 20 for each of `trials`
    points: tuple[Triple, ...] = (PAPER.each(),)  # tried first, moved along their ray if need be
    top: Share = 0.2  # of the networks, whose spread is told beside the best

    @property
    def bounds(self) -> dict[str, Bound]:
        """Those of the constants that have some."""
        given = {"alpha": self.alpha, "beta": self.beta, "gamma": self.gamma}
        return {name: bound for name, bound in given.items() if bound is not None}

    @property
    def asks(self) -> int:
        """Points at most, trained or not."""
        return self.most_asked or 20 * self.trials

    @property
    def prunes(self) -> bool:
        """Pruning is off where there are several objectives."""
        return self.pruner.name != "none" and len(self.objectives) == 1


def parse_study(data: object) -> StudyFile:
    """A study from what its YAML says. Raises `InputError`, in one line."""
    if not isinstance(data, dict):
        raise InputError("not a study: it is not a mapping of keys to values")
    file = parse(StudyFile, data, "")
    for what, values in (("seeds", file.seeds), ("objectives", file.objectives)):
        if len(set(values)) < len(values):
            raise InputError(f"one of {list(values)} stands there twice", key=what)
    if file.pruner.name != "none" and file.objectives != ("top1",) and len(file.objectives) == 1:
        raise InputError(
            f"{file.pruner.name!r} goes by top1, and the objective is "
            f"{file.objectives[0]}; use none",
            key="pruner",
        )
    return file
