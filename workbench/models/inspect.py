"""Looking inside a network: its maps, its attention biases, and what a position depends on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.models.network import Block, Network, StageModule


@dataclass(frozen=True, slots=True)
class Field:
    """The effective receptive field of the central position of one stage's map.

    `gradient` (R, R) is the mean absolute gradient of that position, summed over its channels,
    with respect to the image; it sums to 1. After Luo et al., "Understanding the Effective
    Receptive Field in Deep Convolutional Neural Networks" (NeurIPS 2016).
    """

    stage: int
    gradient: Tensor

    def share(self, mass: float = 0.5) -> float:
        """The least share of the image's pixels that together hold `mass` of the gradient."""
        ordered = self.gradient.flatten().sort(descending=True).values.cumsum(0)
        count = int((ordered < mass * float(ordered[-1])).sum()) + 1
        return count / ordered.numel()


@torch.no_grad()
def strongest_maps(model: Network, image: Tensor, channels: int = 4) -> list[Tensor]:
    """Of each stage the `channels` maps (channels, H, W) that vary most over the image (3, R, R).

    In eval mode; the model is left in the mode it was in.
    """
    with eval_mode(model):
        maps = model.features(image[None])
    return [_most_varied(each[0], channels) for each in maps]


def _most_varied(maps: Tensor, channels: int) -> Tensor:
    order = maps.flatten(1).std(dim=1, correction=0).argsort(descending=True)
    return maps[order[:channels]]


def effective_fields(model: Network, images: Tensor) -> list[Field]:
    """What the centre of each stage's map depends on, over `images` (B, 3, R, R)."""
    inputs = images.clone().requires_grad_()
    with eval_mode(model), torch.enable_grad():
        maps = model.features(inputs)
        return [_field(stage, found, inputs) for stage, found in enumerate(maps)]


def _field(stage: int, found: Tensor, inputs: Tensor) -> Field:
    centre = found[:, :, found.shape[2] // 2, found.shape[3] // 2].sum()
    (gradient,) = torch.autograd.grad(centre, inputs, retain_graph=True)
    field = gradient.abs().mean(dim=(0, 1))
    return Field(stage, field / field.sum())


@torch.no_grad()
def attention_bias(model: Network, stage: int, block: int = 0) -> Tensor | None:
    """The bias (heads, queries, keys) that a block of a stage adds to its attention, as it stands.

    None where the stage has none. Queries and keys are in the order of rows of their maps.
    """
    module = model.stages[stage]
    assert isinstance(module, StageModule)
    within = module.blocks[block]
    assert isinstance(within, Block)
    found = module.position.bias(block, within.mixer.site.size)
    return None if found is None else found.detach()


def bias_of_query(bias: Tensor, row: int, column: int) -> Tensor:
    """A bias (heads, queries, keys) seen from one query, over the map of keys: (heads, h, w)."""
    heads, queries, keys = bias.shape
    side, key_side = round(queries**0.5), round(keys**0.5)
    return bias[:, row * side + column].reshape(heads, key_side, key_side)


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """The model in eval mode within; afterwards each module in the mode that it was in."""
    modes = [(each, each.training) for each in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for each, mode in modes:
            each.training = mode
