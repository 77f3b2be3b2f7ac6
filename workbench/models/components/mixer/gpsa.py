"""ConViT's gated positional self-attention."""

from collections.abc import Iterator
from math import ceil, sqrt

import torch
from torch import Tensor, nn

from workbench.config import Flag, Positive
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.base import (
    Options,
    Site,
    heads_fault,
    map_of,
    size_of,
    tokens_of,
)
from workbench.models.components.mixer.base import Mixer, merge_heads
from workbench.models.components.pointwise import TokenLinear
from workbench.models.ops import Op, Size


class GpsaOptions(Options):
    qkv_bias: Flag = False
    locality: Positive = 1.0  # how narrow the heads' windows start


class Gpsa(Mixer[GpsaOptions]):
    """Two attentions, one by content and one by position, and per head a gate between them.

    At the start each head looks at one neighbour, as a convolution does; ConViT sets that for a
    square number of heads, here the first `heads` cells of the smallest square that holds them are
    taken. Source: section 3 of the ConViT paper (arXiv:2103.10697); `GPSA` of
    facebookresearch/convit convit.py.
    """

    Options = GpsaOptions
    spatial = True

    def __init__(self, site: Site, options: GpsaOptions) -> None:
        super().__init__(site, options)
        self.qk = TokenLinear(site.dim, 2 * site.dim, bias=options.qkv_bias)
        self.v = TokenLinear(site.dim, site.dim, bias=options.qkv_bias)
        self.where = nn.Linear(3, site.heads)
        self.gate = nn.Parameter(torch.empty(site.heads))
        self.proj = TokenLinear(site.dim, site.dim)
        self.drop = nn.Dropout(site.dropout)
        self.register_buffer("offsets", relative_offsets(site.size), persistent=False)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        (batch, dim, height, width), heads = x.shape, self.site.heads
        t = tokens_of(x)
        qk = self.qk(t).view(batch, -1, 2, heads, dim // heads).permute(2, 0, 3, 1, 4)
        v = self.v(t).view(batch, -1, heads, dim // heads).transpose(1, 2)
        content = (qk[0] * (dim // heads) ** -0.5 @ qk[1].transpose(-2, -1)).softmax(-1)
        position = self.where(self._offsets(x)).permute(2, 0, 1).softmax(-1)  # (heads, n, n)
        gate = self.gate.sigmoid()[:, None, None]
        y = (content * (1 - gate) + position * gate) @ v
        return map_of(self.drop(self.proj(tokens_of(merge_heads(y, height, width)))))

    def _offsets(self, x: Tensor) -> Tensor:
        size = size_of(x)
        if size == self.site.size:
            return self.get_buffer("offsets").to(x.dtype)
        return relative_offsets(size).to(x)

    def constants(self) -> dict[str, Tensor | float]:
        weight = local_windows(self.site.heads) * self.options.locality
        return {"gate": 1.0, "where.weight": weight, "v.weight": torch.eye(self.site.dim)}

    def entries(self) -> tuple[str, ...]:
        return ("qk", "v")

    @staticmethod
    def ops(site: Site, options: GpsaOptions) -> Iterator[Op]:
        dim, heads, n = site.dim, site.heads, site.area
        yield ops.linear(dim, 2 * dim, n, options.qkv_bias)
        yield ops.linear(dim, dim, n, options.qkv_bias)
        yield ops.linear(3, heads, n * n)
        yield ops.table(heads)
        yield ops.act(heads, 1)
        yield ops.attention(n, n, dim, dim, heads)
        yield ops.linear(dim, dim, n)

    @staticmethod
    def refuse(site: Site, options: GpsaOptions) -> InputError | None:
        return heads_fault(site)


def relative_offsets(size: Size) -> Tensor:
    """(n, n, 3) for n = H * W: dx, dy and their squared distance, from a query to a key."""
    rows, columns = (torch.arange(side, dtype=torch.float32) for side in size)
    dy = (rows[None] - rows[:, None])[:, None, :, None].expand(*size, *size)
    dx = (columns[None] - columns[:, None])[None, :, None, :].expand(*size, *size)
    return torch.stack([dx, dy, dx**2 + dy**2], -1).reshape(size.area, size.area, 3)


def local_windows(heads: int) -> Tensor:
    """Weights (heads, 3) of (dx, dy, distance^2) that centre each head on one cell of a square."""
    width = ceil(sqrt(heads))
    cells = torch.arange(heads)
    centre = (width - 1) / 2
    dx, dy = cells % width - centre, cells // width - centre
    return torch.stack([2 * dx, 2 * dy, torch.full_like(dx, -1.0)], -1)
