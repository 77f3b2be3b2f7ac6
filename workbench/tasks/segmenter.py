"""Segmenters over the maps of a network, of any number of levels.

The decoders of segmentation libraries ask for four maps of strides 4 to 32; VOLO has two, LeViT
three.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import Conv2dNormActivation, FeaturePyramidNetwork

from workbench.config import IMAGENET_MEAN, IMAGENET_STD, Colour, Spec
from workbench.errors import unknown
from workbench.models.components.base import size_of
from workbench.models.network import Network
from workbench.tasks.maps import Maps, group_norm, named_maps, network_maps

BINS = (1, 2, 3, 6)  # of the pooled pyramid, as published


class FpnDecoder(nn.Module):
    """Semantic FPN (Kirillov 2019, section 3): every level brought to the largest, and added.

    A level goes through one 3x3 convolution with GroupNorm for each doubling, half as many channels
    wide as the pyramid.
    """

    def __init__(self, body: Maps, channels: int) -> None:
        super().__init__()
        self.backbone = body
        self.fpn = FeaturePyramidNetwork([info.channels for info in body.info], channels)
        self.width = max(1, channels // 2)
        strides = [info.stride for info in body.info]
        self.levels = nn.ModuleList(
            _ups(channels, self.width, (stride // strides[0]).bit_length() - 1)
            for stride in strides
        )

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) to a map (B, width, H / s, W / s) of the smallest stride s."""
        return self.decode(tuple(self.backbone(images).values()))

    def decode(self, maps: Sequence[Tensor]) -> Tensor:
        """The same from the maps of the network."""
        maps = tuple(self.fpn(named_maps(maps)).values())
        size = size_of(maps[0])
        found = [_resize(up(each), size) for up, each in zip(self.levels, maps, strict=True)]
        return torch.stack(found).sum(dim=0)


def _ups(channels: int, width: int, doublings: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for step in range(max(1, doublings)):
        layers.append(_conv(channels if step == 0 else width, width, 3))
        if doublings:
            layers.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
    return nn.Sequential(*layers)


class UperDecoder(nn.Module):
    """UPerNet (Xiao 2018, section 3.1): the last map pooled at four scales, an FPN, all fused."""

    def __init__(self, body: Maps, channels: int) -> None:
        super().__init__()
        self.backbone = body
        self.width = channels
        *before, last = (info.channels for info in body.info)
        self.pools = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), _conv(last, channels, 1)) for bins in BINS
        )
        self.pooled = _conv(last + len(BINS) * channels, channels, 3)
        self.lateral = nn.ModuleList(_conv(width, channels, 1) for width in before)
        self.smooth = nn.ModuleList(_conv(channels, channels, 3) for _ in before)
        self.fused = _conv((len(before) + 1) * channels, channels, 3)

    def forward(self, images: Tensor) -> Tensor:
        """As `FpnDecoder`, `width` channels wide."""
        return self.decode(tuple(self.backbone(images).values()))

    def decode(self, maps: Sequence[Tensor]) -> Tensor:
        """The same from the maps of the network."""
        *before, last = maps
        pools = [_resize(pool(last), size_of(last)) for pool in self.pools]
        found = [self.pooled(torch.cat((last, *pools), dim=1))]
        for lateral, each in zip(reversed(self.lateral), reversed(before), strict=True):
            found.append(lateral(each) + _resize(found[-1], size_of(each)))
        size = size_of(found[-1])
        smoothed = [
            smooth(each) for smooth, each in zip(reversed(self.smooth), found[1:], strict=True)
        ]
        levels = [_resize(each, size) for each in (found[0], *smoothed)]
        fused: Tensor = self.fused(torch.cat(levels, dim=1))
        return fused


def _conv(cin: int, cout: int, kernel: int) -> nn.Module:
    """With GroupNorm: pooled maps of one pixel have nothing for a batch norm."""
    made: nn.Module = Conv2dNormActivation(cin, cout, kernel, norm_layer=group_norm)
    return made


def _resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    if size_of(x) == size:
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


class Segmenter(nn.Module):
    """Images (B, 3, H, W) from 0 to 1 -> logits (B, classes, H, W).

    The network's strides must divide H and W; an `InputError` names the nearest sides.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, decoder: FpnDecoder | UperDecoder, classes: int, mean: Colour, std: Colour
    ) -> None:
        super().__init__()
        self.decoder = decoder
        self.classifier = nn.Conv2d(decoder.width, classes, 1)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    @property
    def body(self) -> Maps:
        """What gives the maps; its `network` has the names of a classifier's weights."""
        return self.decoder.backbone

    def forward(self, images: Tensor) -> Tensor:
        logits = self.classifier(self.decoder((images - self.mean) / self.std))
        return _resize(logits, size_of(images))


def segmenter(
    network: str | Spec | Network,
    kind: str = "fpn",
    *,
    classes: int = 150,
    out_indices: Sequence[int] | None = None,
    channels: int = 256,
    mean: Colour = IMAGENET_MEAN,
    std: Colour = IMAGENET_STD,
    seed: int = 0,
) -> Segmenter:
    """A segmenter over the maps of `network`: a zoo entry, a spec, or a network with its weights.

    `kind` is `fpn` or `upernet`; `out_indices` names the stages that give maps, by default the last
    of each stride; `channels` are the pyramid's. Weights of the decoder are drawn from `seed`.
    Raises `InputError` for an unknown kind, a network without maps and an index out of range.
    """
    if kind not in SEGMENTERS:
        raise unknown("segmenter", kind, SEGMENTERS)
    body = network_maps(network, kind, out_indices, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Segmenter(SEGMENTERS[kind](body, channels), classes, mean, std)


SEGMENTERS: dict[str, Callable[[Maps, int], FpnDecoder | UperDecoder]] = {
    "fpn": FpnDecoder,
    "upernet": UperDecoder,
}
