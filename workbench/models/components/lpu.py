"""Slot `lpu`: the local perception unit before mixer and FFN."""

from collections.abc import Iterator

from torch import Tensor, nn

from workbench.config import Flag
from workbench.models import ops
from workbench.models.components.base import Component, O, Options, Site
from workbench.models.ops import Op


class Lpu(Component[O]):
    """Map (B, C, H, W) -> the same shape; holds its own shortcut."""


class NoLpu(Lpu[Options]):
    """No local perception unit."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        return iter(())


class DepthwiseOptions(Options):
    shortcut: Flag = True


class Depthwise(Lpu[DepthwiseOptions]):
    """CMT's LPU: DWConv3x3(x) + x. Source: section 3.2 of the CMT paper."""

    Options = DepthwiseOptions
    spatial = True

    def __init__(self, site: Site, options: DepthwiseOptions) -> None:
        super().__init__(site, options)
        self.conv = nn.Conv2d(site.dim, site.dim, 3, padding=1, groups=site.dim)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y + x if self.options.shortcut else y

    @staticmethod
    def ops(site: Site, options: DepthwiseOptions) -> Iterator[Op]:
        yield ops.conv(site.dim, site.dim, 3, site.size, groups=site.dim)


LPUS: dict[str, type[Lpu]] = {"dwconv": Depthwise, "none": NoLpu}
