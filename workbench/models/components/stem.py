"""Slot `stem`: from the image to the first map."""

from collections.abc import Iterator
from typing import Any, ClassVar

from torch import Tensor, nn

from workbench.config import Count
from workbench.models import ops
from workbench.models.components.act import make_act
from workbench.models.components.base import Component, O, Options, Site
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.ops import Op


class Stem(Component[O]):
    """Image (B, channels, R, R) -> (B, width, R / reduction, R / reduction).

    A stem that `embeds` leaves the dimension and the side of the first stage; after one that does
    not, the first stage downsamples by what is left of its stride.
    """

    embeds: ClassVar[bool] = True

    @staticmethod
    def width(site: Site, options: O) -> int:
        """Channels that leave."""
        return site.dim

    @staticmethod
    def reduction(site: Site, options: O) -> int:
        """Input side over output side."""
        return site.stride


class Patchify(Stem[Options]):
    """One convolution whose kernel is its stride: ViT's patch embedding.

    The patch is the stride of the first stage (`stride=[16]`), so that toggling the stem alone
    leaves every map its size.
    """

    def __init__(self, site: Site, options: Options) -> None:
        super().__init__(site, options)
        self.conv = nn.Conv2d(site.dim_in, site.dim, site.stride, site.stride)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        yield ops.conv(site.dim_in, site.dim, site.stride, site.side)


class ConvStemOptions(Options):
    dim: Count = 32
    stride: Count = 2


class ConvStem(Stem[ConvStemOptions]):
    """CMT's stem: three 3x3 convolutions, the first with a stride, each then GELU, then BN.

    Source: figure 2 of the paper; ggjy/CMT.pytorch cmt.py.
    """

    Options = ConvStemOptions
    embeds = False

    def __init__(self, site: Site, options: ConvStemOptions) -> None:
        super().__init__(site, options)
        dims = [site.dim_in, options.dim, options.dim, options.dim]
        strides = [options.stride, 1, 1]
        self.convs = nn.ModuleList(
            nn.Conv2d(dims[i], dims[i + 1], 3, strides[i], padding=1) for i in range(3)
        )
        self.act = make_act(site.act)
        self.norms = nn.ModuleList(make_norm(site.conv_norm, options.dim) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(self.act(conv(x)))
        return x

    @staticmethod
    def width(site: Site, options: ConvStemOptions) -> int:
        return options.dim

    @staticmethod
    def reduction(site: Site, options: ConvStemOptions) -> int:
        return options.stride

    @staticmethod
    def ops(site: Site, options: ConvStemOptions) -> Iterator[Op]:
        side = site.side_in // options.stride
        for cin in (site.dim_in, options.dim, options.dim):
            yield ops.conv(cin, options.dim, 3, side)
            yield ops.act(options.dim, side * side)
            yield from norm_ops(site.conv_norm, options.dim, side * side)

    @staticmethod
    def refuse(site: Site, options: ConvStemOptions) -> str | None:
        if site.stride % options.stride:
            return f"stem.stride: {options.stride} does not divide stride[0] = {site.stride}"
        if site.side_in % options.stride:
            return f"stem.stride: {options.stride} does not divide the resolution {site.side_in}"
        return None


STEMS: dict[str, type[Stem[Any]]] = {"cmt": ConvStem, "patchify": Patchify}
