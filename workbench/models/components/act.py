"""Slot `act`: the activation of stem and FFN."""

from torch import nn

from workbench.config import Part
from workbench.errors import InputError, unknown

ACTS: dict[str, type[nn.Module]] = {
    "gelu": nn.GELU,
    "hardswish": nn.Hardswish,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}


def make_act(part: Part) -> nn.Module:
    """The activation that `part` chooses."""
    return ACTS[part.name]()


def named_act(name: str) -> nn.Module:
    """The activation that an option names; `none` is the identity."""
    return nn.Identity() if name == "none" else ACTS[name]()


def refuse_act(key: str, name: str) -> InputError | None:
    """Why the option `key` can't name this activation; None if it can."""
    if name == "none" or name in ACTS:
        return None
    return unknown(key, name, [*ACTS, "none"])
