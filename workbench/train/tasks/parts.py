"""What a run of a detector or a segmenter is made of."""

from functools import partial

from torch import nn

from workbench.config import Recipe, RunConfig
from workbench.data.scenes import check_scenes, outputs
from workbench.data.scenes.batches import SceneLoaders, scene_loaders
from workbench.data.scenes.scene import Scenes
from workbench.errors import InputError
from workbench.models import Network, build
from workbench.tasks.model import task_model
from workbench.train.curve import choose_curve
from workbench.train.parts import Evaluate, Parts, Points
from workbench.train.tasks.detect import DetectionLoss, detect
from workbench.train.tasks.segment import SegmentationLoss, segment
from workbench.train.teaching.objective import Objective
from workbench.train.teaching.start import begin


def build_task_parts(run: RunConfig) -> Parts:
    """The network and the batches of a run whose task is not classification.

    Raises `InputError` for a set without what the task needs.
    """
    recipe = run.recipe
    check_scenes(recipe.data, recipe.task)
    pixels = recipe.task.name == "segment"
    data = scene_loaders(
        recipe.data, recipe.augment, recipe.batch_size, run.spec.resolution, run.seed, pixels
    )
    network = task_network(run, data.scenes)
    objective, evaluate = _work(recipe, data.scenes)
    return Parts(
        network, data.train, data.test, data.validation, _points(recipe, data), data.test_set,
        objective, evaluate,
    )  # fmt: skip


def _points(recipe: Recipe, data: SceneLoaders) -> Points:
    judges = data.validation or data.test
    final = data.test.images + (data.validation.images if data.validation else 0)
    trained = len(data.train) * data.train.batch_size
    curve = choose_curve(recipe, trained, judges.images, final)
    return Points(judges.subset(curve.images, recipe.data.subset_seed), curve)


def _work(recipe: Recipe, scenes: Scenes) -> tuple[Objective, Evaluate]:
    names, images = scenes.class_names, scenes.test.names()
    if recipe.task.name == "segment":
        named = names if "classes" in scenes.has else ("background", *names)
        return (
            SegmentationLoss(recipe.label_smoothing),
            partial(segment, names=named, images=images),
        )
    background = recipe.task.chosen == "mask_rcnn"
    return (
        DetectionLoss(background),
        partial(detect, names=names, background=background, images=images),
    )


def task_network(run: RunConfig, scenes: Scenes) -> nn.Module:
    """The detector or segmenter over the network of `run`, drawn from its seed.

    `recipe.init` and `recipe.freeze` are about the network, whose head then goes.
    """
    task = run.recipe.task
    network = build(run.spec, seed=run.seed)
    if not isinstance(network, Network):
        raise InputError(f"{run.spec.name!r} is not of the zoo, as task: {task.name} needs")
    begin(network, run.recipe, scenes.info)
    classes = outputs(scenes, task)
    return task_model(task, network, classes, scenes.mean, scenes.std, run.seed)
