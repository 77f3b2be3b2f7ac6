"""What a plan leaves to a trial of speed: one choice for all its rows and seeds.

The choice is made once, before anything trains, and stands in the plan that the results folder
keeps: resumed and further runs take it over. It is a setting of the recipe like any other, so it
stands in each run's record and in its id.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from workbench.config import Recipe
from workbench.engine import RunTask, Setup, open_machines, results_of
from workbench.errors import InputError
from workbench.plans.load import earlier_plan
from workbench.plans.resolution import Plan
from workbench.runs.command import RunOptions
from workbench.runs.short import dearest, dearest_run
from workbench.show.console import say_line
from workbench.train.speed.ways import STEPS, SpeedTrial

TRIAL = "workbench.train.speed.trial:try"  # with the keys that it is for


def settle(plan: Plan, folder: Path, options: RunOptions, console: Console) -> Plan:
    """`plan` with what its recipe says `auto` of decided: as in `folder` before, or by a trial.

    A plan that says itself what was decided there keeps the trial, too.
    """
    trial = _before(folder)
    if not plan.undecided:
        return decided(plan, trial) if trial and _agrees(plan.recipe, trial) else plan
    if trial is None:
        console.print(f"Trying {STEPS} steps each way ...", style="dim", highlight=False)
        trial = _tried(plan, options, options.where.scratch(folder.parent))
        say_line(console, trial.text)
    return decided(plan, trial)


def settled_before(plan: Plan, folder: Path) -> Plan:
    """The plan as an earlier call settled it in `folder`; with a note where none did."""
    if not plan.undecided:
        return plan
    trial = _before(folder)
    if trial is not None:
        return decided(plan, trial)
    keys = " and ".join(plan.undecided)
    note = f"Decided when the sweep begins, by a trial of {STEPS} steps: {keys}."
    return plan.model_copy(update={"notes": (*plan.notes, note)})


def decided(plan: Plan, trial: SpeedTrial) -> Plan:
    """`plan` with every recipe as the trial says; a row that names a value of its own keeps it."""

    def settled(recipe: Recipe) -> Recipe:
        values = trial.values().items()
        open_ = {key: value for key, value in values if getattr(recipe, key) == "auto"}
        return recipe.model_copy(update=open_)

    rows = tuple(
        row.model_copy(update={"recipe": row.recipe and settled(row.recipe)})
        for row in plan.variants
    )
    return plan.model_copy(
        update={
            "recipe": settled(plan.recipe), "variants": rows, "undecided": (), "speed": trial,
            "notes": (*plan.notes, trial.text),
        }
    )  # fmt: skip


def _agrees(recipe: Recipe, trial: SpeedTrial) -> bool:
    return all(getattr(recipe, key) == value for key, value in trial.values().items())


def _before(folder: Path) -> SpeedTrial | None:
    """What an earlier call found, as the plan in `folder` has it."""
    plan = earlier_plan(folder)
    return plan.speed if plan else None


def _tried(plan: Plan, options: RunOptions, scratch: Path | None) -> SpeedTrial:
    """By a worker with the threads and the device of the plan's runs; see `train.speed.trial`."""
    from workbench.train.speed.trial import found_ways

    place = TemporaryDirectory(prefix=".trial-", dir=scratch)
    with place as folder, open_machines(options.where) as machines:
        shares = machines.divide(options.jobs, len(plan.runs()), options.device)
        run, data = dearest_run(plan, on_gpu=shares.on_gpu)
        fit = options.trial or "_".join((TRIAL, *plan.undecided))
        alone = replace(shares, jobs=1)
        setup = Setup(fit, options.device, modules=plan.modules)
        with machines.engine(alone, setup) as engine:
            results = results_of(engine, [RunTask(run, Path(folder))])
    if not results:
        raise InputError("the trial of speed was stopped", key="recipe.precision")
    result = results[0]
    images = data.train_size * plan.recipe_of(dearest(plan)).epochs
    return SpeedTrial(
        keys=plan.undecided, row=run.variant, images=images, batch=run.recipe.batch_size,
        device=result.device, threads=shares.threads, ways=found_ways(result),
    )  # fmt: skip
