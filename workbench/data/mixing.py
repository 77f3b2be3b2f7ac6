"""Mixup (Zhang 2018) and CutMix (Yun 2019) on batches, one draw per batch, as timm does it."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from workbench.config import Augment


def mix(
    images: Tensor,
    labels: Tensor,
    classes: int,
    augment: Augment,
    generator: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Each image mixed with its mirror in the batch: (B, 3, H, W), targets (B, classes).

    `images` is changed in place. Targets are not smoothed: that is the loss's.
    """
    share = _mix_images(images, augment, generator)
    hard = one_hot(labels, classes).to(torch.float32)
    return images, hard if share == 1 else hard.mul(share).add_(hard.flip(0), alpha=1 - share)


def _mix_images(images: Tensor, augment: Augment, generator: np.random.Generator) -> float:
    """Mix `images` in place; returns the share of each target that is its own."""
    applied, switched = generator.random(2)
    cut = augment.cutmix > 0 and (augment.mixup == 0 or switched < augment.mixup_switch_prob)
    alpha = augment.cutmix if cut else augment.mixup
    if alpha == 0 or applied >= augment.mixup_prob:
        return 1.0
    share = float(generator.beta(alpha, alpha))
    if not cut:
        images.copy_(images.mul(share).add_(images.flip(0), alpha=1 - share))
        return share
    top, bottom, left, right = _box(images.shape[2], images.shape[3], share, generator)
    box = images[:, :, top:bottom, left:right]
    box.copy_(box.flip(0))
    # The box is clipped at the border, so the share is what it really left.
    return 1 - (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])


def _box(
    height: int, width: int, share: float, generator: np.random.Generator
) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a box around a random centre that takes 1 - share."""
    cut = np.sqrt(1 - share) * np.array([height, width])
    size = cut.astype(np.int64)
    centre = generator.integers([height, width])
    low = np.clip(centre - size // 2, 0, [height, width])
    high = np.clip(centre + (size + 1) // 2, 0, [height, width])
    return int(low[0]), int(high[0]), int(low[1]), int(high[1])
