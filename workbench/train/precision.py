"""The precision in which a recipe's networks compute."""

import torch

from workbench.config import Recipe


def half_precision(recipe: Recipe, device: torch.device) -> bool:
    """Whether the networks of `recipe` compute in bf16 on `device`."""
    return recipe.precision == "bf16" or (recipe.precision == "auto" and device.type == "cuda")


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """The precision of the recipe, as Lightning sets it for training."""
    enabled = half_precision(recipe, device)
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled, cache_enabled=False)
