"""How many workers share a GPU: small networks leave most of it idle, and several use more of it.

Their number changes no result, only when it comes, so that it stands in no id. It is chosen where
`--jobs` is not given, by short runs of the plan's dearest row, before anything else trains.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from workbench.config import Evaluate, RunConfig
from workbench.engine import LOCAL, Machines, Resources, RunTask, Setup, results_of
from workbench.engine.choice import ThisMachine
from workbench.engine.resources import WORKER_BYTES, cores, memory, with_workers
from workbench.plans.resolution import Plan
from workbench.runs.command import RunOptions
from workbench.runs.results import read_environment
from workbench.runs.short import dearest_run
from workbench.runs.sweep import SweepOptions

EACH = (1, 2, 4, 8)  # workers on a GPU, as they are tried
GAIN = 1.1  # what more workers must win together
SECONDS = 30.0  # of a short run at its pace alone, so that those of several workers overlap
WORTH = 1800.0  # seconds that the plan has to take on one worker each: a trial takes minutes

Throughput = Callable[[int], float]  # images per second of so many workers together; 0: they fail


def fastest(throughput: Throughput, counts: Iterable[int] = EACH) -> Mapping[int, float]:
    """What each number of workers trains together, up to the first that wins nothing."""
    found: dict[int, float] = {}
    for count in counts:
        before = max(found.values(), default=0.0)
        found[count] = throughput(count)
        if found[count] < GAIN * before:
            break
    return found


def best(found: Mapping[int, float]) -> int:
    """The fewest workers that no more of them beat by `GAIN`."""
    counts = iter(found)
    chosen = next(counts)
    for count in counts:
        if found[count] >= GAIN * found[chosen]:
            chosen = count
    return chosen


def choose_workers(
    plan: Plan, folder: Path, options: SweepOptions, console: Console
) -> SweepOptions:
    """`options` with the number of workers, where GPUs here leave it open; else as they are.

    A cluster shares its GPUs out itself.
    """
    if options.jobs is not None or options.where != LOCAL:
        return options
    machine = ThisMachine()
    shares = machine.divide(None, len(plan.runs()), options.device)
    if not shares.gpus:
        return options
    before = _before(folder)
    if before is not None:
        return replace(options, jobs=before)
    trial = WorkersTrial(plan, machine, shares, options)
    if trial.seconds() < WORTH:
        return options
    found = fastest(trial.together, trial.counts())
    each = best(found)
    paces = ", ".join(f"{count}: {pace:.0f}" for count, pace in found.items())
    console.print(f"Workers on a GPU: {each}; images/s by their number: {paces}.", highlight=False)
    return replace(options, jobs=each * len(shares.gpus))


def _before(folder: Path) -> int | None:
    """The workers of an earlier call on GPUs, in this folder."""
    facts = read_environment(folder)
    jobs = facts.get("jobs")
    return jobs if facts.get("gpus") and isinstance(jobs, int) else None


class WorkersTrial:
    """Short runs of a plan's dearest row, several at a time."""

    def __init__(
        self, plan: Plan, machines: Machines, shares: Resources, options: RunOptions
    ) -> None:
        self._plan, self._machines = plan, machines
        self._shares, self._options = shares, options
        self._run, self._data = dearest_run(plan, on_gpu=True)

    def counts(self) -> tuple[int, ...]:
        """The numbers of workers that cores and memory allow on each GPU."""
        most = min(cores(), memory() // WORKER_BYTES, len(self._plan.runs()))
        return tuple(count for count in EACH if count == 1 or count * self._gpus <= most)

    def seconds(self) -> float:
        """What the plan takes with one worker on each GPU, tests left out."""
        images = sum(
            self._data.train_size * self._plan.recipe_of(row).epochs for row in self._plan.variants
        ) * len(self._plan.first_seeds)
        return images / self._alone if self._alone else 0.0

    def together(self, each: int) -> float:
        """Images per second of `each` workers on each GPU, one of them training for `SECONDS`."""
        images = (self._run.recipe.data.train_size or 1) * self._gpus
        epochs = max(2, round(SECONDS * self._alone / images))
        recipe = self._run.recipe.model_copy(
            update={
                "epochs": epochs, "checkpoint_every": epochs, "evaluate": Evaluate(every=epochs),
            }
        )  # fmt: skip
        return self._pace(each, self._run.model_copy(update={"recipe": recipe}))

    @cached_property
    def _alone(self) -> float:
        """Images per second of one worker on each GPU."""
        return self._pace(1, self._run)

    @property
    def _gpus(self) -> int:
        return max(1, len(self._shares.gpus))

    def _pace(self, each: int, run: RunConfig) -> float:
        shares = with_workers(self._shares, each * self._gpus)
        options = self._options
        with TemporaryDirectory() as folder:
            runs = [run.model_copy(update={"seed": seed}) for seed in range(shares.jobs)]
            tasks = [RunTask(each, Path(folder) / str(each.seed)) for each in runs]
            setup = Setup(options.fit, options.device, modules=self._plan.modules)
            with self._machines.engine(shares, setup) as engine:
                paces = [each.images_per_second for each in results_of(engine, tasks)]
        return sum(filter(None, paces)) if len(paces) == shares.jobs and all(paces) else 0.0
