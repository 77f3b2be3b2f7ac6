"""Slots `norm` (before mixer and FFN, after a downsample) and `conv_norm` (after convolutions)."""

from collections.abc import Iterator
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.config import Part, Positive
from workbench.models import ops
from workbench.models.components.base import Options, map_of, tokens_of
from workbench.models.ops import Op


class LayerNormOptions(Options):
    eps: Positive = 1e-6


class BatchNormOptions(Options):
    eps: Positive = 1e-5


class LayerNorm(nn.LayerNorm):
    """Layer norm over the channels of a map (B, C, H, W); no copy in channels_last memory."""

    def forward(self, x: Tensor) -> Tensor:
        t = tokens_of(x)
        return map_of(F.layer_norm(t, self.normalized_shape, self.weight, self.bias, self.eps))


class Norm:
    """How a norm is made: `make(dim, eps)`."""

    Options: ClassVar[type[Options]] = Options
    learned = True

    @staticmethod
    def make(dim: int, eps: float) -> nn.Module:
        raise NotImplementedError


class Layer(Norm):
    """Layer norm over the channels. Source: Ba, Kiros and Hinton (arXiv:1607.06450)."""

    Options = LayerNormOptions

    @staticmethod
    def make(dim: int, eps: float) -> nn.Module:
        return LayerNorm(dim, eps)


class Batch(Norm):
    """Batch norm. Source: Ioffe and Szegedy (arXiv:1502.03167)."""

    Options = BatchNormOptions

    @staticmethod
    def make(dim: int, eps: float) -> nn.Module:
        return nn.BatchNorm2d(dim, eps)


class NoNorm(Norm):
    """No norm."""

    learned = False

    @staticmethod
    def make(dim: int, eps: float) -> nn.Module:
        return nn.Identity()


NORMS: dict[str, type[Norm]] = {"ln": Layer, "bn": Batch, "none": NoNorm}


def make_norm(part: Part, dim: int, eps: float | None = None) -> nn.Module:
    """The norm that `part` chooses for maps of `dim` channels; `eps` replaces the option's."""
    own = dict(part.options).get("eps", 0.0)
    return NORMS[part.name].make(dim, eps if eps is not None else float(own or 0.0))


def needs_bias(part: Part) -> bool:
    """Whether a layer before this norm has a bias of its own; before BN it would be without effect.

    CMT's convolutions have one all the same, as in the released code.
    """
    return part.name != "bn"


def norm_ops(part: Part, dim: int, tokens: int) -> Iterator[Op]:
    """The cost of `make_norm(part, dim)` on a map of `tokens` positions."""
    if NORMS[part.name].learned:
        yield ops.norm(dim, tokens)
