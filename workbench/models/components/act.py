"""Slot `act`: the activation of stem and FFN."""

from typing import Annotated

from pydantic import Field
from torch import nn

from workbench.config import Part
from workbench.errors import InputError, unknown

ACTS: dict[str, type[nn.Module]] = {
    "gelu": nn.GELU,
    "hardswish": nn.Hardswish,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}

ACT_SOURCES = {
    "gelu": "Hendrycks and Gimpel (arXiv:1606.08415)",
    "hardswish": "section 5.2 of the MobileNetV3 paper (arXiv:1905.02244)",
    "relu": "Nair and Hinton, ICML 2010",
    "silu": "Elfwing, Uchibe and Doya (arXiv:1702.03118)",
}

ActName = Annotated[str, Field(description="the name of an activation, or none")]


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
