"""timm's optimisers, with weight decay kept off norms, biases and position tables."""

from typing import Any

import torch
from torch import nn

from workbench.config import Optimiser
from workbench.errors import unknown

# One kernel a step instead of a dozen per parameter tensor: on a small network, where a step takes
# 10 ms, that is a third of it. torch has it for these, on CPU and CUDA.
FUSED = frozenset({"adam", "adamw", "sgd", "momentum"})


def parameter_groups(
    network: nn.Module, weight_decay: float, layer_decay: float | None = None
) -> list[dict[str, Any]]:
    """The trainable parameters in timm's two groups: decayed, and not.

    Not decayed are norms, biases and those that the network, or a part of it, names in
    `no_weight_decay()`: position tables, class tokens. With `layer_decay` there are two groups for
    each layer, and `lr_scale` is the share of the learning rate that a group gets.
    """
    from timm.optim import (
        param_groups_layer_decay,
        param_groups_weight_decay,
    )

    exempt = {
        f"{path}.{name}" if path else name
        for path, part in network.named_modules()
        if (named := getattr(part, "no_weight_decay", None)) is not None
        for name in named()
    }
    # timm makes one group of all where nothing decays, hence 1. Decayed first: the order is part of
    # what a checkpoint says, and of how the norm of the gradients is summed.
    if layer_decay is None:
        groups = param_groups_weight_decay(network, 1.0, no_weight_decay_list=exempt)[::-1]
    else:
        groups = param_groups_layer_decay(network, 1.0, exempt, layer_decay=layer_decay)
    return [{**group, "weight_decay": weight_decay * group["weight_decay"]} for group in groups]


def create(network: nn.Module, optimiser: Optimiser, lr: float) -> torch.optim.Optimizer:
    """The optimiser of `network`, at `lr`. Raises `InputError` for a name that timm has not."""
    from timm.optim import create_optimizer_v2

    check_name(optimiser.name)
    extra: dict[str, Any] = {"fused": True} if optimiser.name in FUSED else {}
    made: torch.optim.Optimizer = create_optimizer_v2(
        parameter_groups(network, optimiser.weight_decay, optimiser.layer_decay),
        opt=optimiser.name,
        lr=lr,
        weight_decay=optimiser.weight_decay,
        momentum=optimiser.momentum,
        betas=(optimiser.beta1, optimiser.beta2),
        eps=optimiser.eps,
        **extra,
    )
    return made


def check_name(name: str) -> None:
    """Raises `InputError`, with the nearest names, unless timm has an optimiser called `name`."""
    if name == Optimiser().name:  # the usual one, known without timm, which takes half a second
        return
    from timm.optim import list_optimizers

    names = [str(known) for known in list_optimizers()]
    if name not in names:
        raise unknown("recipe.optimiser.name", name, names)
