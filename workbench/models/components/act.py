"""Slot `act`: the activation of stem and FFN."""

from torch import nn

from workbench.config import Part

ACTS: dict[str, type[nn.Module]] = {
    "gelu": nn.GELU,
    "hardswish": nn.Hardswish,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}


def make_act(part: Part) -> nn.Module:
    """The activation that `part` chooses."""
    return ACTS[part.name]()
