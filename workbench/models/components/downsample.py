"""Slot `downsample`: how a stage is entered."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from workbench.config import Count, Flag, NonNegative, Positive
from workbench.errors import InputError, nearest_divisor
from workbench.models import ops
from workbench.models.components.act import ActName, make_act, named_act, refuse_act
from workbench.models.components.base import (
    NEEDS_MAP,
    Component,
    Fold,
    O,
    Options,
    Site,
    size_of,
    tokens_of,
)
from workbench.models.components.linear import (
    LinearNorm,
    NormMlp,
    linear_norm_fold,
    linear_norm_ops,
    norm_mlp_ops,
    silent,
)
from workbench.models.components.mixer.base import attend, merge_heads
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.components.offsets import (
    resize_offsets,
    spread,
    steps_of,
    strided_offsets,
)
from workbench.models.components.resize import Kept, is_square, square_of
from workbench.models.ops import Op, Size


class Downsample(Component[O]):
    """Map (B, dim_in, H_in, W_in) -> (B, dim, H, W)."""

    @staticmethod
    def out_side(side: int, stride: int) -> int:
        """The height or width that leaves."""
        return side // stride


class ConvDownsampleOptions(Options):
    norm: Flag = True
    eps: Positive = 1e-5  # the released code gives this norm PyTorch's default, the blocks' 1e-6


class ConvDownsample(Downsample[ConvDownsampleOptions]):
    """CMT's patch aggregation: a convolution whose kernel is its stride, then the norm.

    Source: the architecture table of the CMT paper; `PatchEmbed` in ggjy/CMT.pytorch cmt.py.
    """

    Options = ConvDownsampleOptions

    def __init__(self, site: Site, options: ConvDownsampleOptions) -> None:
        super().__init__(site, options)
        self.conv = nn.Conv2d(site.dim_in, site.dim, site.stride, site.stride)
        self.norm = make_norm(site.norm, site.dim, options.eps) if options.norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return y

    def told(self) -> dict[str, object]:
        return {"norm": self.options.norm}  # the norm itself shows its eps

    def folds(self) -> Iterator[Fold]:
        yield Fold("norm", ("conv",), follows=True)

    def entries(self) -> tuple[str, ...]:
        return ("conv",)

    @staticmethod
    def ops(site: Site, options: ConvDownsampleOptions) -> Iterator[Op]:
        yield ops.conv(site.dim_in, site.dim, site.stride, site.size)
        if options.norm:
            yield from norm_ops(site.norm, site.dim, site.area)

    @staticmethod
    def refuse(site: Site, options: ConvDownsampleOptions) -> InputError | None:
        if site.side_in % site.stride:
            return InputError(
                f"{site.stride} does not divide "
                f"the map of side {site.side_in} that stage {site.stage} is given",
                key="stride",
                stage=site.stage,
            )
        return None


class NoDownsample(Downsample[Options]):
    """The map as it came; only where neither side nor dimension changes."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        return iter(())

    @staticmethod
    def refuse(site: Site, options: Options) -> InputError | None:
        if (site.stride, site.dim_in) == (1, site.dim):
            return None
        return InputError(
            f"'none' can't enter stage {site.stage}, whose stride is {site.stride} and "
            f"whose dimension goes from {site.dim_in} to {site.dim}; use 'conv'",
            key="downsample",
        )


class AttentionDownsampleOptions(Options):
    key_dim: Count = 16  # per head; dim_in / key_dim is the number of heads
    value_ratio: Positive = 4.0  # dimension of a value over that of a key
    ratio: Positive = 2.0  # of the MLP
    act: ActName = "hardswish"  # before the projection; none: left out
    bias: Flag = True  # a learned number per head and absolute offset
    std: NonNegative = 0.0  # of that table


class AttentionDownsample(Downsample[AttentionDownsampleOptions]):
    """LeViT's shrinking attention: every stride-th position asks, all answer; then an MLP residual.

    The side is rounded up. Attention and MLP are preceded by the norm of the blocks, none in
    LeViT. Drop path leaves this residual alone. Source: section 4.3 of the LeViT paper;
    `AttentionSubsample` in facebookresearch/LeViT levit.py.
    """

    Options = AttentionDownsampleOptions

    def __init__(self, site: Site, options: AttentionDownsampleOptions) -> None:
        super().__init__(site, options)
        self.heads = site.dim_in // options.key_dim
        keys, values = _widths(site, options)
        self.norm1 = make_norm(site.norm, site.dim_in)
        self.q = LinearNorm(site.dim_in, keys, site.conv_norm)
        self.kv = LinearNorm(site.dim_in, keys + values, site.conv_norm)
        self.act = named_act(options.act)
        self.proj = LinearNorm(values, site.dim, site.conv_norm)
        self.norm2 = make_norm(site.norm, site.dim)
        self.mlp = NormMlp(site, site.dim, int(site.dim * options.ratio), make_act(site.act))
        self.table = (
            nn.Parameter(torch.empty(self.heads, site.size_in.area)) if options.bias else None
        )
        steps = strided_offsets(site.size_in.height, site.stride)
        self.register_buffer("steps", steps, persistent=False)
        self.kept = Kept()

    def forward(self, x: Tensor) -> Tensor:
        x, stride, keys = self.norm1(x), self.site.stride, self.options.key_dim
        few = self.q(x[:, :, ::stride, ::stride])
        height, width = few.shape[2:]
        q = tokens_of(few).reshape(x.shape[0], -1, self.heads, keys).transpose(1, 2)
        kv = tokens_of(self.kv(x)).reshape(x.shape[0], x.shape[2] * x.shape[3], self.heads, -1)
        k, v = torch.split(kv.transpose(1, 2), [keys, kv.shape[3] - keys], 3)
        y = merge_heads(attend(q, k, v, self._bias(size_of(x))), height, width)
        y = self.proj(self.act(y))
        shrunk: Tensor = y + self.mlp(self.norm2(y))
        return shrunk

    def _bias(self, size: Size) -> Tensor | None:
        if self.table is None:
            return None
        if size == self.site.size_in:
            steps = self.get_buffer("steps")
            return spread(self.table, steps, steps, size)
        return self.kept.get(self.table, size, lambda table: self._at(table, size))

    def _at(self, table: Tensor, size: Size) -> Tensor:
        stride, device = self.site.stride, table.device
        rows, columns = steps_of(size, lambda side: strided_offsets(side, stride).to(device))
        return spread(resize_offsets(table, self.site.size_in, size), rows, columns, size)

    def tables(self) -> dict[str, float]:
        return {"table": self.options.std} if self.options.bias else {}

    def resized(self, name: str, tensor: Tensor) -> Tensor | None:
        if tensor.ndim != 2 or tensor.shape[0] != self.heads or not is_square(tensor.shape[1]):
            return None
        return resize_offsets(tensor, square_of(tensor.shape[1]), self.site.size_in)

    def constants(self) -> dict[str, Tensor | float]:
        return {**silent("mlp.project", self.site.conv_norm)}

    def folds(self) -> Iterator[Fold]:
        yield Fold("norm1", ("q.linear", "kv.linear"), follows=False)
        yield Fold("norm2", ("mlp.expand.linear",), follows=False)
        for path in ("q", "kv", "proj", "mlp.expand", "mlp.project"):
            yield linear_norm_fold(path)

    def entries(self) -> tuple[str, ...]:
        return ("q.linear", "kv.linear") if isinstance(self.norm1, nn.Identity) else ()

    @staticmethod
    def out_side(side: int, stride: int) -> int:
        return -(-side // stride)

    @staticmethod
    def ops(site: Site, options: AttentionDownsampleOptions) -> Iterator[Op]:
        keys, values = _widths(site, options)
        heads, norm, old = site.dim_in // options.key_dim, site.conv_norm, site.size_in.area
        yield from norm_ops(site.norm, site.dim_in, old)
        yield from linear_norm_ops(site.dim_in, keys, site.area, norm)
        yield from linear_norm_ops(site.dim_in, keys + values, old, norm)
        yield ops.attention(site.area, old, keys, values, heads)
        if options.bias:
            yield ops.table(heads * old)
        if options.act != "none":
            yield ops.act(values, site.area)
        yield from linear_norm_ops(values, site.dim, site.area, norm)
        yield from norm_ops(site.norm, site.dim, site.area)
        yield from norm_mlp_ops(site, site.dim, int(site.dim * options.ratio), site.area)

    @staticmethod
    def refuse(site: Site, options: AttentionDownsampleOptions) -> InputError | None:
        stage, keys = site.stage, options.key_dim
        if site.tokens:
            return InputError(f"'attention' {NEEDS_MAP}", key="downsample")
        if site.dim_in % keys:
            return InputError(
                f"{keys} does not divide the dimension {site.dim_in} "
                f"that stage {stage} is given; {nearest_divisor(keys, site.dim_in)}",
                key="downsample.key_dim",
                stage=stage,
            )
        if int(options.value_ratio * keys) < 1:
            return InputError(
                f"{options.value_ratio} of "
                f"downsample.key_dim = {keys} leaves values without a dimension",
                key="downsample.value_ratio",
                stage=stage,
            )
        return refuse_act("downsample.act", options.act)


def _widths(site: Site, options: AttentionDownsampleOptions) -> tuple[int, int]:
    """Dimensions of the keys and of the values of all heads together."""
    heads = site.dim_in // options.key_dim
    return heads * options.key_dim, heads * int(options.value_ratio * options.key_dim)


DOWNSAMPLES: dict[str, type[Downsample]] = {
    "attention": AttentionDownsample,
    "conv": ConvDownsample,
    "none": NoDownsample,
}
