"""What of a recipe acts on training: two that differ in nothing else train a network alike."""

from math import isfinite

from workbench.config import Augment, Optimiser, Recipe, Schedule, digest
from workbench.train.schedule import peak

# What changes no number of a run: where it is kept, how it is read, what its curve is drawn from.
IDLE = ("checkpoint_every", "evaluate")
IDLE_DATA = ("download", "workers", "memory_limit_mb")


def training(recipe: Recipe) -> str:
    """SHA-256 of what a recipe makes of a network: equal for two that train it alike."""
    document = _acting(recipe).document()
    for key in IDLE:
        document.pop(key, None)
    for key in IDLE_DATA:
        document["data"].pop(key, None)
    return digest(document)


def _acting(recipe: Recipe) -> Recipe:
    """`recipe`, with what nothing reads at one value."""
    return recipe.model_copy(
        update={
            "optimiser": _optimiser(recipe),
            "schedule": _schedule(recipe.schedule),
            "augment": _augment(recipe.augment),
        }
    )


def _optimiser(recipe: Recipe) -> Optimiser:
    """With the rate that the batch size leads to, and without what timm does not give it."""
    found, plain = recipe.optimiser, Optimiser()
    idle = {key: getattr(plain, key) for key in _not_given(found.name)}
    highest = peak(found, recipe.batch_size)
    rate = {"lr": highest, "lr_batch": None} if isfinite(highest) else {}
    return found.model_copy(update={**idle, **rate})


def _not_given(name: str) -> tuple[str, ...]:
    if name == Optimiser().name:  # the usual one, known without timm, which takes half a second
        return ("momentum",)
    from timm.optim import get_optimizer_info

    info = get_optimizer_info(name)
    keys = (
        (info.has_momentum, "momentum"),
        (info.has_betas, "beta1"),
        (info.has_betas, "beta2"),
        (info.has_eps, "eps"),
    )
    return tuple(key for given, key in keys if not given)


def _schedule(found: Schedule) -> Schedule:
    idle = ["min_lr"] if found.name == "constant" else []
    idle += [] if found.warmup_epochs else ["warmup_lr"]
    return found.model_copy(update={key: getattr(Schedule(), key) for key in idle})


def _augment(found: Augment) -> Augment:
    idle = [] if found.random_resized_crop else ["crop_scale"]
    idle += [] if found.mixup and found.cutmix else ["mixup_switch_prob"]
    idle += [] if found.mixup or found.cutmix else ["mixup_prob"]
    return found.model_copy(update={key: getattr(Augment(), key) for key in idle})
