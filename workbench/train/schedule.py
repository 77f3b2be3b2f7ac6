"""The learning rate as a closed form of the step, so that resuming has nothing to restore."""

import math

from workbench.config import Optimiser, Schedule


def peak(optimiser: Optimiser, batch_size: int) -> float:
    """The highest learning rate: `lr`, scaled linearly when it was given for `lr_batch` images."""
    if optimiser.lr_batch is None:
        return optimiser.lr
    return optimiser.lr * batch_size / optimiser.lr_batch


def learning_rate(
    schedule: Schedule, highest: float, step: int, steps_per_epoch: int, epochs: int
) -> float:
    """The learning rate of the 0-based global `step`.

    timm's convention, which the published recipes were trained with: linear warm-up from
    `warmup_lr` replaces the beginning of a cosine that spans all epochs from `highest` to `min_lr`.
    timm moves once an epoch; here every step moves, through the same values at whole epochs.
    """
    now = step / steps_per_epoch
    if now < schedule.warmup_epochs:
        return schedule.warmup_lr + (highest - schedule.warmup_lr) * now / schedule.warmup_epochs
    if schedule.name == "constant":
        return highest
    return (
        schedule.min_lr + (highest - schedule.min_lr) * (1 + math.cos(math.pi * now / epochs)) / 2
    )
