"""LeViT's attention."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from workbench.config import Count, Positive
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.act import ActName, named_act, refuse_act
from workbench.models.components.base import Fold, Options, Site, tokens_of
from workbench.models.components.linear import (
    LinearNorm,
    linear_norm_fold,
    linear_norm_ops,
    silent,
)
from workbench.models.components.mixer.base import Mixer, attend, merge_heads
from workbench.models.ops import Op


class LevitOptions(Options):
    key_dim: Count = 16  # per head, whatever the dimension of the map
    value_ratio: Positive = 2.0  # dimension of a value over that of a key
    act: ActName = "hardswish"  # before the projection; none: left out


class Levit(Mixer[LevitOptions]):
    """Attention with narrow keys, wide values, and an activation before the projection.

    Its linear layers are followed by the norm after convolutions, BN in LeViT, and so need no norm
    before (`norm=none`). Source: sections 4.2 and 4.3 of the LeViT paper; `Attention` of
    facebookresearch/LeViT levit.py.
    """

    Options = LevitOptions
    takes_bias = True

    def __init__(self, site: Site, options: LevitOptions) -> None:
        super().__init__(site, options)
        self.value_dim = value_dim(options)
        width = site.heads * (2 * options.key_dim + self.value_dim)
        self.qkv = LinearNorm(site.dim, width, site.conv_norm)
        self.act = named_act(options.act)
        self.proj = LinearNorm(site.heads * self.value_dim, site.dim, site.conv_norm)
        self.drop = nn.Dropout(site.dropout)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        batch, _, height, width = x.shape
        keys = self.options.key_dim
        t = tokens_of(self.qkv(x)).reshape(batch, height * width, self.site.heads, -1)
        q, k, v = torch.split(
            t.transpose(1, 2), [keys, keys, self.value_dim], 3
        )  # (B, heads, n, d)
        y = merge_heads(attend(q, k, v, bias), height, width)
        mixed: Tensor = self.drop(self.proj(self.act(y)))
        return mixed

    def constants(self) -> dict[str, Tensor | float]:
        return {**silent("proj", self.site.conv_norm)}

    def folds(self) -> Iterator[Fold]:
        yield linear_norm_fold("qkv")
        yield linear_norm_fold("proj")

    def entries(self) -> tuple[str, ...]:
        return ("qkv.linear",)

    @staticmethod
    def ops(site: Site, options: LevitOptions) -> Iterator[Op]:
        heads, n = site.heads, site.length
        keys, values = heads * options.key_dim, heads * value_dim(options)
        yield from linear_norm_ops(site.dim, 2 * keys + values, n, site.conv_norm)
        yield ops.attention(n, n, keys, values, heads)
        if options.act != "none":
            yield ops.act(values, n)
        yield from linear_norm_ops(values, site.dim, n, site.conv_norm)

    @staticmethod
    def refuse(site: Site, options: LevitOptions) -> InputError | None:
        if value_dim(options) < 1:
            return InputError(
                f"{options.value_ratio} of "
                f"mixer.key_dim = {options.key_dim} leaves values without a dimension",
                key="mixer.value_ratio",
                stage=site.stage,
            )
        return refuse_act("mixer.act", options.act)


def value_dim(options: LevitOptions) -> int:
    """Dimension of one head's values."""
    return int(options.value_ratio * options.key_dim)
