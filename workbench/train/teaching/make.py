"""From a recipe to what teaches a run, and what is refused before."""

import torch

from workbench.config import NetworkSpec, Recipe, RunConfig, Spec
from workbench.data import DataInfo, Loaders
from workbench.errors import InputError
from workbench.models import Network, build
from workbench.models.layout import layout
from workbench.train.precision import autocast
from workbench.train.teaching.kept_logits import keep_logits
from workbench.train.teaching.objective import Distillation, Labels, Objective
from workbench.train.teaching.start import begin
from workbench.train.teaching.teacher import load_teacher, teacher_macs
from workbench.train.teaching.tokens import TokenLabels, annotate


def make_objective(run: RunConfig, data: Loaders, device: torch.device) -> Objective:
    """What `run` minimises. Raises `InputError` for a teacher that can't teach it."""
    config = run.recipe.teacher
    if config is None:
        return Labels(run.recipe)
    _refuse_tokens(run.recipe, run.spec)
    teacher = load_teacher(config, run.spec, data.info, device)
    if config.kind == "tokens":
        precision = autocast(run.recipe, device)  # as Lightning has it around each step
        scores = annotate(teacher, data.train, precision, run.recipe.data.memory_limit_mb)
        return TokenLabels(config, scores, data.train, run.spec.resolution)
    if config.keep_logits:
        kept = keep_logits(teacher, run.recipe, teacher.about, data.train, device)
        return Distillation(run.recipe, config, kept)
    return Distillation(run.recipe, config, lambda images, _epoch, _step: teacher(images))


def check_teaching(recipe: Recipe, student: NetworkSpec, info: DataInfo) -> None:
    """Raises `InputError` for a recipe whose teacher can't teach a network of `student`.

    So it does for weights to begin from that do not fit it, and where nothing is left to train.
    Weights that are not named yet, in a plan of which costs alone are asked, are not looked at.
    """
    if (recipe.init and recipe.init.weights) or recipe.freeze != "none":
        begin(build(student), recipe, info)
    if recipe.teacher is not None:
        _refuse_tokens(recipe, student)
    if recipe.teacher is not None and recipe.teacher.weights:
        teacher = load_teacher(recipe.teacher, student, info)
        if recipe.teacher.kind == "tokens":
            side = student.resolution
            teacher.dense(torch.zeros(1, student.channels, side, side))


def _refuse_tokens(recipe: Recipe, student: NetworkSpec) -> None:
    """What token labelling can't be together with."""
    if recipe.teacher is None or recipe.teacher.kind != "tokens":
        return
    if not _dense(student):
        head = f"head={student.head.name}" if isinstance(student, Spec) else student.name
        ours, dense = "head=class_attention", "head.dense=true"
        raise InputError(
            f"tokens need logits for each position, and {head} has none; set "
            f"{dense if head == ours else ours}",
            key="recipe.teacher.kind",
        )
    for key in ("mixup", "cutmix"):
        if getattr(recipe.augment, key):
            raise InputError(
                f"{getattr(recipe.augment, key):g} can't stand beside token labelling, which mixes "
                "tokens (teacher.mix_token); set it to 0",
                key=f"recipe.augment.{key}",
            )
    if recipe.label_smoothing:
        raise InputError(
            f"{recipe.label_smoothing:g} does nothing beside token labelling, whose targets are "
            "the teacher's; set it to 0",
            key="recipe.label_smoothing",
        )


def _dense(student: NetworkSpec) -> bool:
    if not isinstance(student, Spec):
        return False
    with torch.device("meta"):
        return Network(layout(student)).dense


def teaching_note(recipe: Recipe, student: NetworkSpec) -> str | None:
    """What a teacher costs beside a row, for the reader of a plan's table."""
    config = recipe.teacher
    if config is None or (config.spec is None and config.weights is None):
        return None
    name, macs = teacher_macs(config, student)
    when = "once before training" if config.kind == "tokens" else "at each step"
    return (
        f"Teacher: {name} ({config.kind}) looks at each training image {when}: "
        f"{macs / 1e6:,.1f} M MACs beside the row's own."
    )
