"""From a recipe to what teaches a run, and what is refused before."""

import torch

from workbench.config import NetworkSpec, Recipe, RunConfig
from workbench.data import DataInfo, Loaders
from workbench.errors import InputError
from workbench.models import build
from workbench.train.teaching.objective import Distillation, Labels, Objective
from workbench.train.teaching.start import begin
from workbench.train.teaching.teacher import load_teacher, teacher_macs


def make_objective(run: RunConfig, data: Loaders, device: torch.device) -> Objective:
    """What `run` minimises. Raises `InputError` for a teacher that can't teach it."""
    config = run.recipe.teacher
    if config is None:
        return Labels(run.recipe)
    if config.kind == "tokens":
        raise InputError("token labelling is not there yet", key="recipe.teacher.kind")
    teacher = load_teacher(config, run.spec, data.info, device)
    return Distillation(run.recipe, config, teacher)


def check_teaching(recipe: Recipe, student: NetworkSpec, info: DataInfo) -> None:
    """Raises `InputError` for a recipe whose teacher can't teach a network of `student`.

    So it does for weights to begin from that do not fit it, and where nothing is left to train.
    """
    if recipe.init is not None or recipe.freeze != "none":
        begin(build(student), recipe, info)
    if recipe.teacher is not None:
        load_teacher(recipe.teacher, student, info)


def teaching_note(recipe: Recipe, student: NetworkSpec) -> str | None:
    """What a teacher costs beside a row, for the reader of a plan's table."""
    config = recipe.teacher
    if config is None or (config.spec is None and config.weights is None):
        return None
    name, macs = teacher_macs(config, student)
    return (
        f"Teacher: {name} ({config.kind}) looks at each training image: {macs / 1e6:,.1f} M MACs "
        "beside the row's own step."
    )
