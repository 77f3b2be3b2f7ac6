"""Slot `downsample`: how a stage is entered."""

from collections.abc import Iterator
from typing import Any, ClassVar

from torch import Tensor, nn

from workbench.config import Positive
from workbench.models import ops
from workbench.models.components.base import Component, O, Options, Site
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.ops import Op


class Downsample(Component[O]):
    """Map (B, dim_in, side_in, side_in) -> (B, dim, side, side)."""

    copies: ClassVar[bool] = False  # leaves the map as it came

    @staticmethod
    def out_side(side: int, stride: int) -> int:
        """The side that leaves."""
        return side // stride


class ConvDownsampleOptions(Options):
    eps: Positive = 1e-5  # the released code gives this norm PyTorch's default, the blocks' 1e-6


class ConvDownsample(Downsample[ConvDownsampleOptions]):
    """CMT's patch aggregation: a convolution whose kernel is its stride, then the norm.

    Source: the architecture table of the paper; `PatchEmbed` in ggjy/CMT.pytorch cmt.py.
    """

    Options = ConvDownsampleOptions

    def __init__(self, site: Site, options: ConvDownsampleOptions) -> None:
        super().__init__(site, options)
        self.conv = nn.Conv2d(site.dim_in, site.dim, site.stride, site.stride)
        self.norm = make_norm(site.norm, site.dim, options.eps)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return y

    @staticmethod
    def ops(site: Site, options: ConvDownsampleOptions) -> Iterator[Op]:
        yield ops.conv(site.dim_in, site.dim, site.stride, site.side)
        yield from norm_ops(site.norm, site.dim, site.area)

    @staticmethod
    def refuse(site: Site, options: ConvDownsampleOptions) -> str | None:
        if site.side_in % site.stride:
            return (
                f"stride[{site.stage}]: {site.stride} does not divide "
                f"the map of side {site.side_in} that stage {site.stage} is given"
            )
        return None


class NoDownsample(Downsample[Options]):
    """The map as it came; only where neither side nor dimension changes."""

    copies = True

    def forward(self, x: Tensor) -> Tensor:
        return x

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        return iter(())

    @staticmethod
    def refuse(site: Site, options: Options) -> str | None:
        if (site.stride, site.dim_in) == (1, site.dim):
            return None
        return (
            f"downsample: 'none' can't enter stage {site.stage}, whose stride is {site.stride} and "
            f"whose dimension goes from {site.dim_in} to {site.dim}; use 'conv'"
        )


DOWNSAMPLES: dict[str, type[Downsample[Any]]] = {"conv": ConvDownsample, "none": NoDownsample}
