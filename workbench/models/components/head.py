"""Slot `head`: from the last map to the logits."""

from collections.abc import Iterator
from typing import Any, ClassVar

from torch import Tensor, nn

from workbench.config import Count, Flag, Rate
from workbench.models import ops
from workbench.models.components.base import Component, O, Options, Site
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.ops import Op


class Head(Component[O]):
    """Map (B, C, H, W) -> logits (B, classes)."""

    extra_tokens: ClassVar[int] = 0  # how many tokens run beside the map


class ProjectionOptions(Options):
    dim: Count = 1280
    dropout: Rate = 0.1


class Projection(Head[ProjectionOptions]):
    """CMT's head: 1x1 convolution, BN, SiLU, average pooling, dropout, linear.

    Source: `_fc`, `_bn`, `_swish` in ggjy/CMT.pytorch cmt.py.
    """

    Options = ProjectionOptions

    def __init__(self, site: Site, options: ProjectionOptions) -> None:
        super().__init__(site, options)
        self.conv = nn.Conv2d(site.dim, options.dim, 1)
        self.norm = make_norm(site.conv_norm, options.dim)
        self.act = nn.SiLU()
        self.drop = nn.Dropout(options.dropout)
        self.linear = nn.Linear(options.dim, site.classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.conv(x)))
        logits: Tensor = self.linear(self.drop(x.mean((2, 3))))
        return logits

    @staticmethod
    def ops(site: Site, options: ProjectionOptions) -> Iterator[Op]:
        yield ops.conv(site.dim, options.dim, 1, site.side)
        yield from norm_ops(site.conv_norm, options.dim, site.area)
        yield ops.act(options.dim, site.area)
        yield ops.linear(options.dim, site.classes, 1)


class PoolOptions(Options):
    norm: Flag = True
    dropout: Rate = 0.0


class Pool(Head[PoolOptions]):
    """Norm, global average pooling, linear (Swin's head)."""

    Options = PoolOptions

    def __init__(self, site: Site, options: PoolOptions) -> None:
        super().__init__(site, options)
        self.norm = make_norm(site.norm, site.dim) if options.norm else nn.Identity()
        self.drop = nn.Dropout(options.dropout)
        self.linear = nn.Linear(site.dim, site.classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.drop(self.norm(x).mean((2, 3))))
        return logits

    @staticmethod
    def ops(site: Site, options: PoolOptions) -> Iterator[Op]:
        if options.norm:
            yield from norm_ops(site.norm, site.dim, site.area)
        yield ops.linear(site.dim, site.classes, 1)


class ClassTokenOptions(Options):
    dropout: Rate = 0.0


class ClassToken(Head[ClassTokenOptions]):
    """Norm and linear on a learned token that runs beside the map (ViT, DeiT).

    With it the blocks see a sequence, so that components that need a map are refused, and so is a
    second stage: a token can't be downsampled.
    """

    Options = ClassTokenOptions
    extra_tokens = 1

    def __init__(self, site: Site, options: ClassTokenOptions) -> None:
        super().__init__(site, options)
        self.norm = make_norm(site.norm, site.dim)
        self.drop = nn.Dropout(options.dropout)
        self.linear = nn.Linear(site.dim, site.classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.drop(self.norm(x)[:, :, 0, 0]))
        return logits

    @staticmethod
    def ops(site: Site, options: ClassTokenOptions) -> Iterator[Op]:
        yield from norm_ops(site.norm, site.dim, site.length)
        yield ops.linear(site.dim, site.classes, 1)

    @staticmethod
    def refuse(site: Site, options: ClassTokenOptions) -> str | None:
        if site.stage > 0:
            return (
                "head: 'class_token' needs a single stage, for a token can't be downsampled; "
                "use 'gap'"
            )
        return None


HEADS: dict[str, type[Head[Any]]] = {
    "class_token": ClassToken,
    "gap": Pool,
    "projection": Projection,
}
