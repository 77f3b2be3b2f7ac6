"""Short runs: a few real steps of a plan's rows, to time them by."""

from typing import TYPE_CHECKING

from workbench.config import DataConfig, Evaluate, Recipe, RunConfig, Teacher
from workbench.errors import InputError
from workbench.plans.resolution import Plan, Variant

if TYPE_CHECKING:
    from workbench.data import DataFacts

STEPS = 8  # of each measured epoch
EPOCHS = 2  # the second is the one that counts: the first warms up
CPU_STEP_MACS = 2e10  # without a GPU, a measured batch is no larger than this
FEW_STEPS = 3  # of each epoch, where an answer in seconds is wanted
FEW_STEP_MACS = 2e9


def few_images(config: DataConfig) -> tuple[DataConfig, str | None]:
    """The images that steps are timed on, and what is to be said if they are not `config`'s."""
    from workbench.data import describe, stand_in

    known = stand_in(config)
    try:
        describe(config)
    except InputError:
        if known is None:
            raise
        return known[1], (
            f"The images of {config.name} are not here: random ones were timed, without what "
            f"it takes to read the real ones. To fetch those: workbench fetch {config.name}"
        )
    return config, None


def dearest(plan: Plan) -> Variant:
    """The row with the most MACs, of those that can be run."""
    rows = [row for row in plan.variants if not row.infeasible]
    if not rows:
        raise InputError("every row is infeasible", key="rows")
    return max(rows, key=lambda row: row.macs)


def short_run(
    plan: Plan, row: Variant, data: "DataFacts", images: DataConfig, *, on_gpu: bool, measure: bool
) -> RunConfig:
    """A real run but for its length: a subset of `images`, two epochs, no warm-up.

    It does without weights that are not named yet, of which costs alone can be asked.
    """
    recipe = plan.recipe_of(row)
    steps, macs = (STEPS, CPU_STEP_MACS) if measure else (FEW_STEPS, FEW_STEP_MACS)
    batch = min(recipe.batch_size, data.train_size)
    if not on_gpu:
        batch = min(batch, max(2, int(macs / row.macs)))
    update: dict[str, int | None] = {"validation": None}
    update["train_size"] = min(data.train_size, steps * batch)
    update["test_size"] = min(data.test_size, steps * batch)
    short = recipe.model_copy(
        update={
            "data": images.model_copy(update=update),
            "epochs": EPOCHS,
            "batch_size": batch,
            "schedule": recipe.schedule.model_copy(update={"warmup_epochs": 0}),
            "checkpoint_every": EPOCHS,
            "evaluate": Evaluate(every=EPOCHS),  # all test images, in the epoch that counts
            "teacher": named_teacher(recipe),
            "init": recipe.init if recipe.init and recipe.init.weights else None,
        }
    )
    return RunConfig(variant=row.name, spec=row.spec, recipe=short, seed=plan.seeds[0])


def named_teacher(recipe: Recipe) -> Teacher | None:
    """The teacher that looks at the images of a short run; none where its weights are not named."""
    teacher = recipe.teacher
    if teacher is None or teacher.weights is None:
        return None
    return teacher.model_copy(update={"keep_logits": False})


def dearest_run(plan: Plan, *, on_gpu: bool) -> tuple[RunConfig, "DataFacts"]:
    """A few steps of the row with the most MACs, and the facts on its images."""
    from workbench.data import facts

    row = dearest(plan)
    data = facts(plan.recipe_of(row).data)
    images, _ = few_images(plan.recipe.data)
    return short_run(plan, row, data, images, on_gpu=on_gpu, measure=True), data
