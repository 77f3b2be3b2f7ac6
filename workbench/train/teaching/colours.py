"""What images are normalised by, which a network is used to from its training."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn


class Colours(NamedTuple):
    """What images from 0 to 1 are normalised by: mean and spread of red, green and blue."""

    mean: Sequence[float]
    std: Sequence[float]


def own_colours(network: nn.Module, facts: Mapping[str, Any]) -> Colours | None:
    """Those of a network's training, as its weights' file or timm says; None where none does."""
    known = facts if "mean" in facts else getattr(network, "pretrained_cfg", None) or {}
    return Colours(tuple(known["mean"]), tuple(known["std"])) if "mean" in known else None


def recoloured(images: Tensor, given: Colours, own: Colours | None) -> Tensor:
    """Images (B, 3, H, W) normalised by `own` colours instead of the `given` ones."""
    if own is None or own == given:
        return images
    (mean, std), (old_mean, old_std) = (
        [images.new_tensor(each).view(3, 1, 1) for each in colours] for colours in (own, given)
    )
    return (images * old_std + old_mean - mean) / std
