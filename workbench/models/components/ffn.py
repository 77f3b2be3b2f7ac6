"""Slot `ffn`: what mixes channels."""

from collections.abc import Iterator
from typing import Literal

from torch import Tensor, nn

from workbench.config import Positive
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.act import make_act
from workbench.models.components.base import (
    Component,
    Fold,
    O,
    Options,
    Site,
    map_of,
    tokens_of,
)
from workbench.models.components.linear import NormMlp, linear_norm_fold, norm_mlp_ops, silent
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.components.pointwise import PointwiseConv, TokenLinear
from workbench.models.ops import Op


class Ffn(Component[O]):
    """Map (B, C, H, W) -> the same shape; the block adds the residual."""

    @staticmethod
    def refuse(site: Site, options: O) -> InputError | None:
        ratio = getattr(options, "ratio", 1.0)
        if int(site.dim * ratio) >= 1:
            return None
        return InputError(
            f"{ratio} of dim = {site.dim} leaves no channel; nearest: {1 / site.dim:.2g}",
            key="ffn.ratio",
            stage=site.stage,
        )


class MlpOptions(Options):
    ratio: Positive = 4.0


class Mlp(Ffn[MlpOptions]):
    """Linear, activation, linear.

    Source: section 3.1 of the ViT paper (arXiv:2010.11929); the baseline of the CMT paper.
    """

    Options = MlpOptions

    def __init__(self, site: Site, options: MlpOptions) -> None:
        super().__init__(site, options)
        hidden = int(site.dim * options.ratio)
        self.expand = TokenLinear(site.dim, hidden)
        self.act = make_act(site.act)
        self.project = TokenLinear(hidden, site.dim)
        self.drop = nn.Dropout(site.dropout)

    def forward(self, x: Tensor) -> Tensor:
        t = self.drop(self.act(self.expand(tokens_of(x))))
        return map_of(self.drop(self.project(t)))

    def entries(self) -> tuple[str, ...]:
        return ("expand",)

    @staticmethod
    def ops(site: Site, options: MlpOptions) -> Iterator[Op]:
        hidden = int(site.dim * options.ratio)
        yield ops.linear(site.dim, hidden, site.length)
        yield ops.act(hidden, site.length)
        yield ops.linear(hidden, site.dim, site.length)


class IrffnOptions(Options):
    ratio: Positive = 4.0
    shortcut: Literal["depthwise", "whole", "none"] = "depthwise"


class Irffn(Ffn[IrffnOptions]):
    """CMT's inverted residual FFN: 1x1, GELU, BN; DWConv3x3 + x, GELU, BN; 1x1, BN.

    `shortcut` says where the unit's own shortcut runs: around the depthwise convolution (the
    paper's), around the whole unit (the classic inverted residual), or nowhere. The block's
    residual around norm and FFN stays in all three. Source: section 3.2 of the CMT paper;
    `Mlp` in ggjy/CMT.pytorch cmt.py.
    """

    Options = IrffnOptions
    spatial = True

    def __init__(self, site: Site, options: IrffnOptions) -> None:
        super().__init__(site, options)
        hidden = int(site.dim * options.ratio)
        self.expand = PointwiseConv(site.dim, hidden)
        self.norm1 = make_norm(site.conv_norm, hidden)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.norm2 = make_norm(site.conv_norm, hidden)
        self.project = PointwiseConv(hidden, site.dim)
        self.norm3 = make_norm(site.conv_norm, site.dim)
        self.act = make_act(site.act)
        self.drop = nn.Dropout(site.dropout)

    def forward(self, x: Tensor) -> Tensor:
        h = self.drop(self.norm1(self.act(self.expand(x))))
        local = self.depthwise(h)
        if self.options.shortcut == "depthwise":
            local = local + h
        y: Tensor = self.drop(self.norm3(self.project(self.norm2(self.act(local)))))
        return y + x if self.options.shortcut == "whole" else y

    def folds(self) -> Iterator[Fold]:
        yield Fold("norm1", ("depthwise",), follows=False)
        yield Fold("norm2", ("project",), follows=False)
        yield Fold("norm3", ("project",), follows=True)

    def entries(self) -> tuple[str, ...]:
        return () if self.options.shortcut == "whole" else ("expand",)

    @staticmethod
    def ops(site: Site, options: IrffnOptions) -> Iterator[Op]:
        hidden = int(site.dim * options.ratio)
        yield ops.conv(site.dim, hidden, 1, site.size)
        yield ops.act(hidden, site.area)
        yield from norm_ops(site.conv_norm, hidden, site.area)
        yield ops.conv(hidden, hidden, 3, site.size, groups=hidden)
        yield ops.act(hidden, site.area)
        yield from norm_ops(site.conv_norm, hidden, site.area)
        yield ops.conv(hidden, site.dim, 1, site.size)
        yield from norm_ops(site.conv_norm, site.dim, site.area)


class LevitMlpOptions(Options):
    ratio: Positive = 2.0


class LevitMlp(Ffn[LevitMlpOptions]):
    """LeViT's MLP: linear and norm, activation, linear and norm; the norm is that of convolutions.

    Source: section 4.3 of the LeViT paper; facebookresearch/LeViT levit.py.
    """

    Options = LevitMlpOptions

    def __init__(self, site: Site, options: LevitMlpOptions) -> None:
        super().__init__(site, options)
        self.mlp = NormMlp(site, site.dim, int(site.dim * options.ratio), make_act(site.act))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.mlp(x)
        return y

    def constants(self) -> dict[str, Tensor | float]:
        return {**silent("mlp.project", self.site.conv_norm)}

    def folds(self) -> Iterator[Fold]:
        yield linear_norm_fold("mlp.expand")
        yield linear_norm_fold("mlp.project")

    def entries(self) -> tuple[str, ...]:
        return ("mlp.expand.linear",)

    @staticmethod
    def ops(site: Site, options: LevitMlpOptions) -> Iterator[Op]:
        return norm_mlp_ops(site, site.dim, int(site.dim * options.ratio), site.length)


FFNS: dict[str, type[Ffn]] = {"irffn": Irffn, "levit_mlp": LevitMlp, "mlp": Mlp}
