"""MViT's pooling attention."""

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.config import Count, Flag
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.base import (
    Fold,
    Options,
    Site,
    heads_fault,
    map_of,
    reduction_fault,
    tokens_of,
)
from workbench.models.components.mixer.base import Mixer, attend, merge_heads
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.components.pointwise import TokenLinear
from workbench.models.ops import Op


class PoolingAttentionOptions(Options):
    k: Count = 1  # how many times smaller the map of keys and values is
    kernel: Count = 3
    qkv_bias: Flag = True
    residual: Flag = True  # the pooled query is added to what attention gives


class PoolHeads(nn.Module):
    """Depthwise convolution that all heads share, then the norm over one head's channels."""

    def __init__(self, site: Site, kernel: int, stride: int) -> None:
        super().__init__()
        self.heads, self.stride = site.heads, stride
        width = site.dim // site.heads
        self.conv = nn.Conv2d(width, width, kernel, stride, kernel // 2, groups=width, bias=False)
        self.norm = make_norm(site.norm, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, heads, n, C / heads)."""
        weight, dim = self.conv.weight.repeat(self.heads, 1, 1, 1), x.shape[1]
        bias = self.conv.bias.repeat(self.heads) if self.conv.bias is not None else None
        y = F.conv2d(x, weight, bias, self.stride, self.conv.padding, groups=dim)
        t = tokens_of(y).reshape(x.shape[0], -1, self.heads, dim // self.heads)
        return tokens_of(self.norm(map_of(t))).transpose(1, 2)


class PoolingAttention(Mixer[PoolingAttentionOptions]):
    """Attention whose queries, keys and values are pooled after their projection (MViTv2's way).

    The query keeps its side, so that the stage keeps its map; the bias comes from `position`, and
    MViTv2's own relative positions are left out. Source: section 3 of the MViT paper
    (arXiv:2104.11227), residual pooling of section 4.2 of MViTv2 (arXiv:2112.01526).
    """

    Options = PoolingAttentionOptions
    takes_bias = True
    spatial = True

    def __init__(self, site: Site, options: PoolingAttentionOptions) -> None:
        super().__init__(site, options)
        self.qkv = TokenLinear(site.dim, 3 * site.dim, bias=options.qkv_bias)
        self.pool_q = PoolHeads(site, options.kernel, 1)
        self.pool_k = PoolHeads(site, options.kernel, options.k)
        self.pool_v = PoolHeads(site, options.kernel, options.k)
        self.proj = TokenLinear(site.dim, site.dim)
        self.drop = nn.Dropout(site.dropout)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        height, width = x.shape[2:]
        q, k, v = map_of(self.qkv(tokens_of(x))).chunk(3, dim=1)
        q = self.pool_q(q)  # (B, heads, n, d)
        y = attend(q, self.pool_k(k), self.pool_v(v), bias)
        if self.options.residual:
            y = y + q
        return map_of(self.drop(self.proj(tokens_of(merge_heads(y, height, width)))))

    def folds(self) -> Iterator[Fold]:
        for path in ("pool_q", "pool_k", "pool_v"):
            yield Fold(f"{path}.norm", (f"{path}.conv",), follows=True)

    def entries(self) -> tuple[str, ...]:
        return ("qkv",)

    @staticmethod
    def key_side(side: int, options: PoolingAttentionOptions) -> int:
        return -(-side // options.k)

    @staticmethod
    def ops(site: Site, options: PoolingAttentionOptions) -> Iterator[Op]:
        dim, kernel, width = site.dim, options.kernel, site.dim // site.heads
        yield ops.linear(dim, 3 * dim, site.area, options.qkv_bias)
        for area in (site.area, site.key_size.area, site.key_size.area):
            yield Op("convolution", area * dim * kernel**2, width * kernel**2, area * dim)
            for norm in norm_ops(site.norm, width, area):  # of one head; all share its weights
                yield norm._replace(elements=norm.elements * site.heads)
        yield ops.attention(site.area, site.key_size.area, dim, dim, site.heads)
        yield ops.linear(dim, dim, site.area)

    @staticmethod
    def refuse(site: Site, options: PoolingAttentionOptions) -> InputError | None:
        stage, kernel = site.stage, options.kernel
        fault = heads_fault(site) or reduction_fault(site, options.k)
        if fault is not None:
            return fault
        if kernel % 2 == 0:
            return InputError(
                f"{kernel} is even, and would change the side; nearest: {kernel - 1}, {kernel + 1}",
                key="mixer.kernel",
                stage=stage,
            )
        return None
