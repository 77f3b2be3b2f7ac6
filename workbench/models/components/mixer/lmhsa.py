"""CMT's lightweight multi-head self-attention."""

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.config import Count, Flag
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.base import (
    NEEDS_MAP,
    Fold,
    Options,
    Site,
    heads_fault,
    map_of,
    reduction_fault,
    tokens_of,
)
from workbench.models.components.mixer.base import Mixer, attend
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.components.pointwise import TokenLinear
from workbench.models.ops import Op


class LmhsaOptions(Options):
    k: Count = 1
    qkv_bias: Flag = True


class Reduce(nn.Module):
    """Depthwise k x k convolution of stride k, then the norm: (B, C, H, W) -> (B, C, H/k, W/k).

    Where k does not divide a side, the map's last row or column is repeated until it does, and the
    side is rounded up. Zeros, which Swin and Twins pad with in their detection code, would shift
    what the convolution reads once a norm before it is folded in; a repeated row does not.
    """

    def __init__(self, site: Site, k: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(site.dim, site.dim, k, k, groups=site.dim)
        self.norm = make_norm(site.conv_norm, site.dim)

    def forward(self, x: Tensor) -> Tensor:
        k = self.conv.stride[0]
        bottom, right = -x.shape[2] % k, -x.shape[3] % k
        if bottom or right:
            x = F.pad(x, (0, right, 0, bottom), mode="replicate")
        y: Tensor = self.norm(self.conv(x))
        return y


class Lmhsa(Mixer[LmhsaOptions]):
    """Attention with keys and values from a map reduced k times; k = 1 is full attention.

    A network is built where k divides its maps; on images of other sizes the map of keys and
    values is padded, see `Reduce`.
    Source: section 3.2 of the CMT paper; `Attention` in ggjy/CMT.pytorch cmt.py.
    """

    Options = LmhsaOptions
    takes_bias = True

    def __init__(self, site: Site, options: LmhsaOptions) -> None:
        super().__init__(site, options)
        self.q = TokenLinear(site.dim, site.dim, bias=options.qkv_bias)
        self.reduce = Reduce(site, options.k) if options.k > 1 else nn.Identity()
        self.kv = TokenLinear(site.dim, 2 * site.dim, bias=options.qkv_bias)
        self.proj = TokenLinear(site.dim, site.dim)
        self.drop = nn.Dropout(site.dropout)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        heads, (batch, dim, height, width) = self.site.heads, x.shape
        q = self.q(tokens_of(x)).view(batch, -1, heads, dim // heads).transpose(1, 2)
        kv = self.kv(tokens_of(self.reduce(x))).view(batch, -1, 2, heads, dim // heads)
        k, v = kv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, heads, m, d)
        y = attend(q, k, v, bias).transpose(1, 2)  # (B, n, heads, d)
        return map_of(self.drop(self.proj(y.reshape(batch, height, width, dim))))

    def told(self) -> dict[str, object]:
        return {"heads": self.site.heads, **super().told()}  # no shape shows them

    def folds(self) -> Iterator[Fold]:
        if self.options.k > 1:
            yield Fold("reduce.norm", ("reduce.conv",), follows=True)

    def entries(self) -> tuple[str, ...]:
        return ("q", "reduce.conv" if self.options.k > 1 else "kv")

    @staticmethod
    def key_side(side: int, options: LmhsaOptions) -> int:
        return -(-side // options.k)

    @staticmethod
    def ops(site: Site, options: LmhsaOptions) -> Iterator[Op]:
        dim, bias, keys = site.dim, options.qkv_bias, site.key_size.area + site.tokens
        yield ops.linear(dim, dim, site.length, bias)
        if options.k > 1:
            yield ops.conv(dim, dim, options.k, site.key_size, groups=dim)
            yield from norm_ops(site.conv_norm, dim, site.key_size.area)
        yield ops.linear(dim, 2 * dim, keys, bias)
        yield ops.attention(site.length, keys, dim, dim, site.heads)
        yield ops.linear(dim, dim, site.length)

    @staticmethod
    def refuse(site: Site, options: LmhsaOptions) -> InputError | None:
        fault = heads_fault(site) or reduction_fault(site, options.k)
        if fault is None and site.tokens and options.k > 1:
            return InputError(f"{options.k} {NEEDS_MAP}", key="mixer.k", stage=site.stage)
        return fault
