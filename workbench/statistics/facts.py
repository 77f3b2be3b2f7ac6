"""What statistics and reports read: plain facts about a plan, its rows and its runs.

What is stored derives from these; nothing here knows of databases, torch or matplotlib.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from workbench.config import EpochRecord, Frozen, Outcome, Scalar
from workbench.errors import InputError
from workbench.statistics.metric import TOP1, Metric
from workbench.statistics.tuning import Tuning

__all__ = [
    "EpochRecord",
    "Method",
    "Outcome",
    "PlanFacts",
    "Race",
    "Row",
    "RunRecord",
    "check",
    "scores",
]


PENDING, RUNNING = "pending", "running"  # statuses; the others are the outcomes
OPEN = (PENDING, RUNNING)


def _known_status(value: str) -> str:
    return value if value in OPEN else str(Outcome(value))


Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]


class RunRecord(Frozen):
    """One run, as statistics read it. `runs.rows.StoredRun` adds what it was made of."""

    id: str
    variant: str
    seed: int
    status: Annotated[str, AfterValidator(_known_status)]  # pending, running, or an outcome
    reason: str | None = None
    step: int | None = None  # the global step it ended at
    top1: Annotated[float, Field(ge=0, le=100)] | None = None  # percent
    test_loss: Finite | None = None
    seconds: Finite | None = None
    images_per_second: Finite | None = None  # training
    curve: tuple[EpochRecord, ...] = ()

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, if it has."""
        return None if self.status in OPEN else Outcome(self.status)

    @property
    def alone(self) -> bool | None:
        """Whether the machine did little else meanwhile; None where that is not known."""
        return None

    @property
    def measured(self) -> float | None:
        """The top-1 that counts: of a run that completed, else none."""
        return self.score(TOP1)

    def score(self, metric: Metric) -> float | None:
        """What counts of a metric: of a run that completed, else none."""
        found: float | None = getattr(self, metric.field)
        return found if self.outcome is Outcome.COMPLETED else None


def scores(runs: Iterable[RunRecord], variant: str, metric: Metric) -> list[float]:
    """Those of the completed runs of one row, in the order of `runs`."""
    own = (run.score(metric) for run in runs if run.variant == variant)
    return [score for score in own if score is not None]


class Row(Frozen):
    """One row of a plan's table, as statistics read it. Plans say more of it: `PlannedRow` how its
    network is written, `Variant` what the network is."""

    name: str
    changed: str = ""  # against the row it is compared to, for people
    compared_to: str | None = None
    also: tuple[str, ...] = ()  # further rows that it is compared to
    published: str | None = None  # the published row that it stands for, as file/row
    present: tuple[str, ...] | None = None  # the toggles that are on, where they vary together
    params: int | None = None
    macs: int | None = None  # multiply-adds of one image
    tuned: str | None = None  # the values of training that were chosen for it
    of: str | None = None  # in a plan at several values of training: the row as it is written
    at: Scalar | None = None  # and the value

    @property
    def contrasts(self) -> tuple[str, ...]:
        """Every row that it is compared to."""
        return () if self.compared_to is None else (self.compared_to, *self.also)


@dataclass(frozen=True, slots=True)
class Race:
    """`seeds: {min, max, stop: decided}`."""

    least: int
    most: int

    def __post_init__(self) -> None:
        if self.least < 2:
            raise InputError(f"{self.least} is refused; racing needs at least 2", key="seeds.min")
        if self.most < self.least:
            raise InputError(
                f"{self.most} is refused; it must be at least seeds.min, {self.least}",
                key="seeds.max",
            )


class EarlierRow(Frozen):
    """A row of another plan: its scores by metric, in the order of the seeds, and what its test
    images explain of the variance of one run, by metric."""

    name: str
    scores: dict[str, tuple[float | None, ...]]
    known: dict[str, float] = Field(default_factory=dict)


class EarlierRuns(Frozen):
    """Runs of another plan with the same data, recipe and test set: they tell of the noise alone.

    `plan` is its name, `test_set` the digest of the images where they kept evidence.
    """

    plan: str
    seeds: tuple[int, ...]
    rows: tuple[EarlierRow, ...]
    test_set: str | None = None

    @property
    def runs(self) -> int:
        """How many scores of a run there are."""
        most = (max(map(_there, row.scores.values()), default=0) for row in self.rows)
        return sum(most)


def _there(scores: tuple[float | None, ...]) -> int:
    return sum(score is not None for score in scores)


@dataclass(frozen=True, slots=True)
class ImageNoise:
    """What the test images say of the noise of a metric, in its squared unit.

    `rows` has the variance of one run that they explain, by variant. `pairs` has, of two variants,
    what they explain of the covariance of two runs of one seed, and how far the losses of such runs
    correlate image by image.
    """

    rows: Mapping[str, float]
    pairs: Mapping[tuple[str, str], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Method:
    """How rows are compared, and by what: one family of tests over all rows and `metrics`.

    `known` is, by metric, what the test images say of the noise. `equivalent` is the difference in
    the first metric below which two rows are as good as each other. What only stands beside the
    verdicts is not `adjusted`. `earlier` runs are pooled with the plan's own where rows share their
    variance.
    """

    variance: Literal["own", "shared"] = "own"
    known: Mapping[str, ImageNoise] | None = None
    equivalent: float | None = None
    metrics: tuple[Metric, ...] = (TOP1,)
    adjusted: bool = True
    earlier: EarlierRuns | None = None

    def __post_init__(self) -> None:
        if self.equivalent is not None and not 0 < self.equivalent < 100:
            raise InputError(
                f"{self.equivalent} is refused; "
                f"{self.metrics[0].points} of {self.metrics[0].name} between 0 and 100",
                key="equivalent",
            )
        if self.equivalent is not None and self.variance == "own":
            raise InputError("needs variance: shared", key="equivalent")

    @property
    def several(self) -> bool:
        """Whether verdicts are about more than one metric."""
        return len(self.metrics) > 1

    def tests(self, rows: int) -> int:
        """Over how many tests p values are adjusted, of that many compared rows."""
        return rows * len(self.metrics) if self.adjusted else 1


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan as its report names it. The order of `seeds` is the order they are run in.

    `published` names the files of `results/published` that belong beside the results.
    """

    name: str
    kind: str = "list"
    question: str = ""
    seeds: tuple[int, ...] = ()
    dataset: str = ""
    recipe: str = ""  # one line
    command: str = ""
    notes: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    race: Race | None = None
    published: tuple[str, ...] = ()
    test_images: int | None = None
    validation_images: int | None = None  # as far as the plan says how many images it trains on
    scored_on: str = ""  # which images top-1 and loss are of, and which ones choices are made on
    method: Method = Method()
    tuning: Tuning | None = None
    robust: str | None = None  # the key of the recipe that every row is at several values of
    task: str = "classify"  # of all its runs


def check(rows: tuple[Row, ...], runs: tuple[RunRecord, ...]) -> None:
    """Refuse what would be counted wrongly: names or (variant, seed) pairs that occur twice,
    references to rows that are not there, and a score that is no number."""
    names = [row.name for row in rows]
    _no_twice("variant", names)
    _no_twice("run of (variant, seed)", [(run.variant, run.seed) for run in runs])
    for row in rows:
        for other in row.contrasts:
            if other not in names:
                raise InputError(f"compared to {other!r}, which is no row", row=row.name)
    for run in runs:
        if run.variant not in names:
            raise InputError(f"run {run.id}: variant {run.variant!r} is no row of the plan")
        if run.measured is not None and not isfinite(run.measured):
            raise InputError(f"run {run.id}: completed with a score of {run.measured}")


def _no_twice(what: str, names: list[str] | list[tuple[str, int]]) -> None:
    seen = set[object]()
    for name in names:
        if name in seen:
            raise InputError(f"{what}: {name!r} occurs twice")
        seen.add(name)
