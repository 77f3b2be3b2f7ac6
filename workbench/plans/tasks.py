"""What a plan's task changes: its metric, and what a row's network is and costs."""

from collections.abc import Mapping

from workbench.config import NetworkSpec, Recipe, Spec
from workbench.errors import InputError, unknown
from workbench.plans.kinds import PlanFile
from workbench.statistics.metric import METRICS, OF_TASK, TOP1
from workbench.train.recipes import RECIPES


def with_task(file: PlanFile) -> PlanFile:
    """The plan with its `task` in its recipe. Raises `InputError` where that says another one."""
    written = file.recipe
    if file.task is None:
        return file
    if isinstance(written, str):
        usual = RECIPES.get(written, {}).get("task", {}).get("name", "classify")
        if usual == file.task:
            return file
        written = {"base": written}
    nested = written.get("task")
    said = written.get("task.name", nested.get("name") if isinstance(nested, Mapping) else None)
    if said not in (None, file.task):
        raise InputError(f"{file.task!r} is refused: recipe.task.name is {said!r}", key="task")
    return file.model_copy(update={"recipe": {**written, "task.name": file.task}})


def metric_keys(file: PlanFile, recipe: Recipe) -> tuple[str, ...]:
    """What verdicts are about: what the plan says, or the usual metric of its task."""
    known = [metric.key for metric in OF_TASK[recipe.task.name]]
    if file.metric == (TOP1.key,) and TOP1.key not in known:
        return (known[0],)
    strange = next((key for key in file.metric if key in METRICS and key not in known), None)
    if strange is not None:
        raise unknown("metric", strange, known)
    return file.metric


def check_task(file: PlanFile, recipe: Recipe) -> None:
    """Refuse images without what the task needs, an augmentation of other images, and a match.

    `recipe` is the plan's, or that of a row.
    """
    task = recipe.task
    if task.name == "classify":
        from workbench.data.scenes import refuse_scenes

        refuse_scenes(recipe.data)
        return
    from workbench.data.scenes import check_scenes
    from workbench.data.scenes.moves import check_moves

    if file.match is not None:
        raise InputError(
            f"rows of task: {task.name} can't be matched; equal cost is of classifiers", key="match"
        )
    check_scenes(recipe.data, task)
    check_moves(recipe.augment)
    for key, idle in _idle(recipe).items():
        if idle:
            raise InputError(f"it does nothing with task: {task.name}; leave it out", key=key)


def _idle(recipe: Recipe) -> dict[str, bool]:
    """What is set of a recipe and does not act on detectors, or on segmenters."""
    return {
        "teacher": recipe.teacher is not None,
        "data.classes": recipe.data.classes is not None,
        "optimiser.layer_decay": recipe.optimiser.layer_decay is not None,
        "label_smoothing": recipe.task.name == "detect" and recipe.label_smoothing > 0,
    }


def network_of(spec: NetworkSpec, recipe: Recipe) -> str:
    """What tells the networks of rows from one another; a detector's has no head."""
    from workbench.models import fingerprint
    from workbench.models.network import fingerprint as of_maps

    if recipe.task.name == "classify":
        return fingerprint(spec)
    return of_maps(_ours(spec, recipe), head=False)


def _ours(spec: NetworkSpec, recipe: Recipe) -> Spec:
    if not isinstance(spec, Spec):
        raise InputError(
            f"{spec.name!r} has no maps for task: {recipe.task.name}; name a zoo entry", key="base"
        )
    return spec


def cost_of(spec: NetworkSpec, recipe: Recipe) -> tuple[int, int]:
    """Params, and MACs of one image, of all that is trained."""
    from workbench.models.ops import square

    if recipe.task.name == "classify":
        from workbench.cost import cost

        found = cost(spec)
        return found.params, found.macs
    from workbench.cost.dense import task_cost
    from workbench.data.scenes import open_scenes, outputs

    classes = outputs(open_scenes(recipe.data), recipe.task)
    try:
        whole = task_cost(_ours(spec, recipe), recipe.task, classes, square(spec.resolution))
    except InputError as error:
        raise error.but(key="recipe.task.stages") if error.key == "out_indices" else error from None
    return whole.params, whole.macs
