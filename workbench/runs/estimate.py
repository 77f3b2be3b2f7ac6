"""How long a plan will take: networks train a few real steps on this machine.

All of them where that is asked for; else a few, spread over the plan by the MACs of their steps, a
teacher's included, and the others' times are read between theirs.
"""

import heapq
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from workbench.config import EpochRecord, Outcome, Progress, Recipe, Result, RunConfig, Teacher
from workbench.engine import (
    FIT,
    Ended,
    Event,
    LocalEngine,
    Resources,
    RunTask,
    Setup,
    Started,
    import_ahead,
    may_fork,
)
from workbench.plans.resolution import Plan, Variant
from workbench.runs.short import few_images, named_teacher, short_run
from workbench.train.curve import choose_curve

if TYPE_CHECKING:
    from workbench.data import DataFacts

TRACEBACK = " (traceback: "  # what follows the reason of a worker that failed
PASSES = 3  # forward passes that a step costs: the one back is as dear as two
OF_HEAD = 1  # of a step that trains the head alone: no gradient goes through the rest
FEW_ROWS = 2  # that are timed then, the cheapest and the dearest; more where there are workers
MOST_ROWS = 4


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, of one network: per training image, per test image, and of a run's start."""

    train: float
    test: float
    start: float

    def run(self, recipe: Recipe, data: "DataFacts") -> float:
        """Seconds of a whole run."""
        judges = data.validation_size or data.test_size
        final = data.test_size + data.validation_size
        curve = choose_curve(recipe, data.train_size, judges, final)
        evaluated = final + curve.points(recipe.epochs) * curve.images
        return self.start + recipe.epochs * data.train_size * self.train + evaluated * self.test


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of one run of each variant that could be measured; why the others could not."""

    runs: Mapping[str, float]
    failures: Mapping[str, str]
    sweep: float | None  # seconds of all runs, by this many workers; none if something failed
    least: float | None = None  # in a race: of the runs that it begins with
    note: str | None = None  # what its reader has to know
    scaled: frozenset[str] = frozenset()  # variants whose time is read between those of others
    tuning: float | None = None  # seconds of the trials before the sweep, where a plan asks for any
    done: Mapping[str, Path] = field(default_factory=dict)  # runs that take none, and their folders
    jobs: int = 1  # workers
    asked: int | None = None  # runs, done or not, of a share; none: all of the plan


def estimate(
    plan: Plan,
    shares: Resources,
    device: str = "auto",
    fit: str = FIT,
    *,
    measure: bool = False,
    done: Collection[str] = (),
) -> Estimate:
    """Train variants for a few steps, as many at a time as the sweep will, and extrapolate.

    `measure` asks for every variant, in steps of the plan's own size where the machine allows.
    Runs in `done`, by id, take no time.
    """
    from workbench.data import facts

    images, note = few_images(plan.recipe.data)
    left_over = {run.variant for run in plan.runs() if run.id not in done}
    rows = [row for row in plan.variants if not row.infeasible and row.name in left_over]
    recipes = {row.name: plan.recipe_of(row) for row in rows}
    steps = {row.name: step_macs(row, recipes[row.name]) for row in rows}
    chosen = rows if measure else few_rows(rows, steps, shares.jobs)
    data = {name: facts(recipe.data) for name, recipe in recipes.items()}
    short = {
        row.name: short_run(
            plan, row, data[row.name], images, on_gpu=bool(shares.gpus), measure=measure
        )
        for row in chosen
    }
    timings, failures = _measure(plan, short, shares, device, fit)
    left = [row for row in rows if row not in chosen] if timings else []
    timings |= _between(rows, steps, timings, left)
    named = {row.name: row for row in rows}
    seconds = {
        name: _whole_run(named[name], recipes[name], data[name], each)
        for name, each in timings.items()
    }

    def whole(seeds: Sequence[int]) -> float | None:
        if failures:
            return None
        runs = (run for run in plan.runs(seeds=seeds) if run.id not in done)
        each = (seconds.get(run.variant) for run in runs)
        return makespan((one for one in each if one is not None), shares.jobs)

    infeasible = {v.name: f"infeasible: {v.infeasible}" for v in plan.variants if v.infeasible}
    least = whole(plan.first_seeds) if plan.race else None
    notes = filter(None, (note, _unnamed(recipes.values())))
    return Estimate(
        seconds, infeasible | failures, whole(plan.seeds), least, "\n".join(notes) or None,
        scaled=frozenset(row.name for row in left), jobs=shares.jobs,
    )  # fmt: skip


def _whole_run(row: Variant, recipe: Recipe, data: "DataFacts", timing: Timing) -> float:
    """Seconds, with the scores of all images before the first step, which none timed."""
    looks = data.train_size * _macs_before(row, recipe)
    return timing.run(recipe, data) + looks / step_macs(row, recipe) * timing.train


def step_macs(row: Variant, recipe: Recipe) -> int:
    """MACs of a training step for one image: forward, back, and a teacher's look at it."""
    teacher = named_teacher(recipe)
    look = _teacher_macs(row, teacher) if teacher and teacher.kind != "tokens" else 0
    return (OF_HEAD if recipe.freeze == "body" else PASSES) * row.macs + look


def _macs_before(row: Variant, recipe: Recipe) -> int:
    """MACs for each training image before the first step: what token labels are made of."""
    teacher = named_teacher(recipe)
    return _teacher_macs(row, teacher) if teacher and teacher.kind == "tokens" else 0


def _teacher_macs(row: Variant, teacher: Teacher) -> int:
    from workbench.train.teaching.teacher import teacher_macs

    return teacher_macs(teacher, row.spec)[1]


def _unnamed(recipes: Iterable[Recipe]) -> str | None:
    """What is to be said where a teacher is not named yet."""
    if all(recipe.teacher is None or recipe.teacher.weights for recipe in recipes):
        return None
    return (
        "Times are without the teacher's forward pass, for its weights are not named: "
        "--set recipe.teacher.weights=FILE"
    )


def few_rows(rows: Sequence[Variant], steps: Mapping[str, int], jobs: int) -> list[Variant]:
    """The cheapest, the dearest, and others evenly between, as many as there are workers."""
    wanted = min(len(rows), max(FEW_ROWS, min(jobs, MOST_ROWS)))
    ranked = sorted(rows, key=lambda row: steps[row.name])
    places = np.linspace(0, len(ranked) - 1, wanted).round().astype(int) if rows else ()
    return [ranked[place] for place in dict.fromkeys(map(int, places))]


def _between(
    rows: Sequence[Variant],
    steps: Mapping[str, int],
    timings: Mapping[str, Timing],
    left: Sequence[Variant],
) -> dict[str, Timing]:
    """Of the rows that are `left`, on the lines through the timed ones by MACs.

    Training goes by those of a step, the rest by those of the network alone.
    """
    alone = {row.name: row.macs for row in rows}
    timed = [row for row in rows if row.name in timings]

    def read(row: Variant, part: str, macs: Mapping[str, int]) -> float:
        found: dict[int, list[float]] = {}
        for each in timed:
            found.setdefault(macs[each.name], []).append(getattr(timings[each.name], part))
        known = sorted(found)
        return float(np.interp(macs[row.name], known, [np.mean(found[count]) for count in known]))

    return {
        row.name: Timing(
            read(row, "train", steps), read(row, "test", alone), read(row, "start", alone)
        )
        for row in left
    }


def makespan(seconds: Iterable[float], jobs: int) -> float:
    """When the last of `jobs` workers is done, each taking the next run in the order given."""
    free = [0.0] * jobs
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def _measure(
    plan: Plan, rows: Mapping[str, RunConfig], shares: Resources, device: str, fit: str
) -> tuple[dict[str, Timing], dict[str, str]]:
    """By row. Rows that differ in what a short run has not, such as their epochs, share one."""
    runs = {run.id: run for run in rows.values()}.values()
    with TemporaryDirectory(prefix="workbench-") as folder:
        tasks = [RunTask(run, Path(folder) / str(index)) for index, run in enumerate(runs)]
        clock = _Clock()
        setup, forked = Setup(fit, device, modules=plan.modules), may_fork(shares)
        if forked:
            import_ahead()
        with LocalEngine(shares, setup, forked=forked) as engine:
            engine.run(tasks, clock)
    timings, failures = {}, {}
    for name, run in rows.items():
        result = clock.results[run.id]
        if result.outcome in (Outcome.COMPLETED, Outcome.DIVERGED) and clock.records.get(run.id):
            timings[name] = clock.timing(run)
        else:
            reason = result.reason or str(result.outcome)
            failures[name] = reason.partition(TRACEBACK)[0]  # its folder is gone
    return timings, failures


class _Clock:
    """Listens to the short runs."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self.records: dict[str, EpochRecord] = {}  # the last of each run
        self._epochs: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._wall: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._begun[event.run] = time.monotonic()
        elif isinstance(event, Ended):
            run = event.result.run
            self.results[run] = event.result
            self._wall[run] = time.monotonic() - self._begun[run]
        elif isinstance(event, Progress) and event.record:
            self.records[event.run] = event.record
            self._epochs[event.run] = self._epochs.get(event.run, 0.0) + event.record.seconds

    def timing(self, run: RunConfig) -> Timing:
        """From the last epoch: its training at the measured pace, the rest of it the test.

        What lies outside of the epochs is the start. That of a worker's first run has the imports
        in it, so the shortest start stands for all.
        """
        data, seconds = run.recipe.data, self.records[run.id].seconds
        images, tested = data.train_size or 1, data.test_size or 1
        pace = self.results[run.id].images_per_second
        train = min(seconds, images / pace) if pace else seconds
        start = min(self._wall[each] - self._epochs[each] for each in self._epochs)
        return Timing(train / images, (seconds - train) / tested, max(0.0, start))
