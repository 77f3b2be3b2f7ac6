"""Slot `stem`: from the image to the first map."""

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from workbench.config import Count
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.act import ActName, make_act, named_act, refuse_act
from workbench.models.components.base import Component, Fold, O, Options, Site
from workbench.models.components.norm import make_norm, needs_bias, norm_ops
from workbench.models.ops import Op, Size


class Stem(Component[O]):
    """Image (B, channels, H, W) -> (B, width, H / reduction, W / reduction).

    A stem that `embeds` leaves the dimension and the side of the first stage; after one that does
    not, the first stage downsamples by what is left of its stride.
    """

    embeds: ClassVar[bool] = True
    reads: ClassVar[str] = "convs.0"  # the layer that reads the image

    @staticmethod
    def width(site: Site, options: O) -> int:
        """Channels that leave."""
        return site.dim

    @staticmethod
    def reduction(site: Site, options: O) -> int:
        """Input side over output side."""
        return site.stride


def _divided(size: Size, stride: int) -> Size:
    return Size(size.height // stride, size.width // stride)


class Patchify(Stem[Options]):
    """One convolution whose kernel is its stride: ViT's patch embedding.

    The patch is the stride of the first stage (`stride=[16]`), so that toggling the stem alone
    leaves every map its size. Source: section 3.1 of the ViT paper (arXiv:2010.11929).
    """

    reads = "conv"

    def __init__(self, site: Site, options: Options) -> None:
        super().__init__(site, options)
        self.conv = nn.Conv2d(site.dim_in, site.dim, site.stride, site.stride)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        yield ops.conv(site.dim_in, site.dim, site.stride, site.size)


class ConvStemOptions(Options):
    dim: Count = 32
    stride: Count = 2


class ConvStem(Stem[ConvStemOptions]):
    """CMT's stem: three 3x3 convolutions, the first with a stride, each then GELU, then BN.

    Source: figure 2 of the CMT paper; ggjy/CMT.pytorch cmt.py.
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

    def folds(self) -> Iterator[Fold]:
        yield Fold("norms.0", ("convs.1",), follows=False)
        yield Fold("norms.1", ("convs.2",), follows=False)

    def exit(self) -> str:
        return "norms.2"

    @staticmethod
    def width(site: Site, options: ConvStemOptions) -> int:
        return options.dim

    @staticmethod
    def reduction(site: Site, options: ConvStemOptions) -> int:
        return options.stride

    @staticmethod
    def ops(site: Site, options: ConvStemOptions) -> Iterator[Op]:
        size = _divided(site.size_in, options.stride)
        for cin in (site.dim_in, options.dim, options.dim):
            yield ops.conv(cin, options.dim, 3, size)
            yield ops.act(options.dim, size.area)
            yield from norm_ops(site.conv_norm, options.dim, size.area)

    @staticmethod
    def refuse(site: Site, options: ConvStemOptions) -> InputError | None:
        if site.stride % options.stride:
            return InputError(
                f"{options.stride} does not divide stride[0] = {site.stride}", key="stem.stride"
            )
        if site.side_in % options.stride:
            return InputError(
                f"{options.stride} does not divide the resolution {site.side_in}", key="stem.stride"
            )
        return None


class LevitStem(Stem[Options]):
    """LeViT's patch embedding: 3x3 convolutions of stride 2, norm, activation between them.

    As many as the stride of the first stage has factors of two, the width doubling on the way:
    four for LeViT's 16. Source: section 4.2 of the LeViT paper; `b16` in facebookresearch/LeViT
    levit.py.
    """

    def __init__(self, site: Site, options: Options) -> None:
        super().__init__(site, options)
        widths, bias = _doubling(site), needs_bias(site.conv_norm)
        self.convs = nn.ModuleList(
            nn.Conv2d(cin, cout, 3, 2, padding=1, bias=bias) for cin, cout in pairwise(widths)
        )
        self.norms = nn.ModuleList(make_norm(site.conv_norm, width) for width in widths[1:])
        self.act = make_act(site.act)

    def forward(self, x: Tensor) -> Tensor:
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = norm(conv(self.act(x) if index else x))
        return x

    def folds(self) -> Iterator[Fold]:
        for index in range(len(self.convs)):
            yield Fold(f"norms.{index}", (f"convs.{index}",), follows=True)

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        widths, size = _doubling(site), site.size_in
        for index, (cin, cout) in enumerate(pairwise(widths)):
            if index:
                yield ops.act(cin, size.area)
            size = _divided(size, 2)
            yield ops.conv(cin, cout, 3, size, bias=needs_bias(site.conv_norm))
            yield from norm_ops(site.conv_norm, cout, size.area)

    @staticmethod
    def refuse(site: Site, options: Options) -> InputError | None:
        count = site.stride.bit_length() - 1
        if site.stride < 2 or site.stride != 1 << count:
            return InputError(
                f"{site.stride} is no power of two, and stem=levit halves the side; "
                f"nearest: {max(2, 1 << count)}, {1 << (count + 1)}",
                key="stride",
                stage=0,
            )
        if site.dim >> (count - 1) == 0:
            return InputError(
                f"{site.dim} is too narrow for the {count} convolutions of stem=levit, "
                f"each half as wide as the next; nearest: {1 << (count - 1)}",
                key="dim",
                stage=0,
            )
        return None


def _doubling(site: Site) -> list[int]:
    """Channels of the image and after each convolution."""
    count = site.stride.bit_length() - 1
    return [site.dim_in, *(site.dim >> shift for shift in reversed(range(count)))]


class VoloStemOptions(Options):
    dim: Count = 64
    act: ActName = "relu"


class VoloStem(Stem[VoloStemOptions]):
    """VOLO's stem: 7x7 of stride 2 and two 3x3, each norm and ReLU, then the patch embedding.

    The patch takes what is left of the stride of the first stage: 4 of VOLO's 8. Source:
    `PatchEmbed` in sail-sg/volo models/volo.py.
    """

    Options = VoloStemOptions

    def __init__(self, site: Site, options: VoloStemOptions) -> None:
        super().__init__(site, options)
        width, patch, bias = options.dim, site.stride // 2, needs_bias(site.conv_norm)
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(site.dim_in, width, 7, 2, padding=3, bias=bias),
                nn.Conv2d(width, width, 3, padding=1, bias=bias),
                nn.Conv2d(width, width, 3, padding=1, bias=bias),
            ]
        )
        self.norms = nn.ModuleList(make_norm(site.conv_norm, width) for _ in range(3))
        self.act = named_act(options.act)
        self.proj = nn.Conv2d(width, site.dim, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = self.act(norm(conv(x)))
        y: Tensor = self.proj(x)
        return y

    def folds(self) -> Iterator[Fold]:
        for index in range(3):
            yield Fold(f"norms.{index}", (f"convs.{index}",), follows=True)

    @staticmethod
    def ops(site: Site, options: VoloStemOptions) -> Iterator[Op]:
        size, bias = _divided(site.size_in, 2), needs_bias(site.conv_norm)
        for cin, kernel in ((site.dim_in, 7), (options.dim, 3), (options.dim, 3)):
            yield ops.conv(cin, options.dim, kernel, size, bias=bias)
            yield from norm_ops(site.conv_norm, options.dim, size.area)
            if options.act != "none":
                yield ops.act(options.dim, size.area)
        yield ops.conv(options.dim, site.dim, site.stride // 2, site.size)

    @staticmethod
    def refuse(site: Site, options: VoloStemOptions) -> InputError | None:
        if site.stride % 2:
            return InputError(
                f"{site.stride} is odd, and stem=volo starts with a stride of 2; "
                f"nearest: {max(2, site.stride - 1)}, {site.stride + 1}",
                key="stride",
                stage=0,
            )
        return refuse_act("stem.act", options.act)


STEMS: dict[str, type[Stem]] = {
    "cmt": ConvStem,
    "levit": LevitStem,
    "patchify": Patchify,
    "volo": VoloStem,
}
