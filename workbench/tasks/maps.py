"""The maps of a network as detectors and segmenters take them."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from workbench.config import Spec
from workbench.errors import InputError
from workbench.models import build, spec
from workbench.models.network import FeatureInfo, Network

Norm = Callable[[int], nn.Module]


def group_norm(width: int) -> nn.GroupNorm:
    """Of 32 groups where there are as many pairs of channels: a map may have one pixel."""
    groups = next(n for n in (32, 16, 8, 4, 2, 1) if width % n == 0 and (width > n or n == 1))
    return nn.GroupNorm(groups, width)


class Body(nn.Module):
    """What gives maps, by their channels and strides, the largest map first."""

    def __init__(self, info: Sequence[FeatureInfo]) -> None:
        super().__init__()
        self.info = tuple(info)


class Maps(Body):
    """Images (B, C, H, W) to the maps of chosen stages by name: `0`, `1`, ..., the largest first.

    The network has no head here. Its other weights keep their names below `network`, so that those
    of a classifier can be loaded.
    """

    def __init__(self, network: Network, out_indices: Sequence[int]) -> None:
        super().__init__([network.feature_info[index] for index in out_indices])
        network.add_module("head", nn.Identity())
        self.network = network
        self.out_indices = tuple(out_indices)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """One map (B, channels, H / stride, W / stride) for each of `info`."""
        return named_maps(self.network.features(images, self.out_indices))


def named_maps(maps: Iterable[Tensor]) -> OrderedDict[str, Tensor]:
    """By the names that torchvision has for them: `0`, `1`, ..."""
    return OrderedDict((str(index), each) for index, each in enumerate(maps))


class Pyramid(nn.Module):
    """The maps of a network through torchvision's FPN (Lin 2017), all of `out_channels` channels.

    `body` and `fpn` are named as in torchvision's `BackboneWithFPN`.
    """

    def __init__(
        self,
        body: Body,
        out_channels: int = 256,
        extra: ExtraFPNBlock | None = None,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        self.body = body
        widths = [info.channels for info in body.info]
        self.fpn = FeaturePyramidNetwork(widths, out_channels, extra, norm)
        self.out_channels = out_channels

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """The maps of `body`, then those that `extra` adds."""
        levels: dict[str, Tensor] = self.fpn(self.body(images))
        return levels


def network_maps(
    network: str | Spec | Network,
    task: str,
    out_indices: Sequence[int] | None = None,
    least_stride: int = 1,
    seed: int = 0,
) -> Maps:
    """The maps of `network` for `task`: by default the last stage of every stride.

    Those of a stride below `least_stride` are left out where there are others. Raises `InputError`
    for an index that is out of range, two maps of one stride, and a network that has no maps to
    give, for class tokens run through it beside them.
    """
    made = network if isinstance(network, Network) else _built(network, seed)
    if made.token is not None:
        raise InputError(
            f"{made.spec.head.name!r} runs class tokens beside the map through every stage, so that"
            f" {made.spec.name} has no maps for {task!r}; choose head=gap",
            key="head",
        )
    chosen = _by_stride(made.feature_info, least_stride)
    if out_indices is not None:
        chosen = sorted(made.stage_indices(out_indices))
        _refuse_one_stride([made.feature_info[index] for index in chosen])
    return Maps(made, chosen)


def _built(network: str | Spec, seed: int) -> Network:
    return build(spec(network) if isinstance(network, str) else network, seed)


def _by_stride(found: Sequence[FeatureInfo], least: int) -> list[int]:
    last = {info.stride: index for index, info in enumerate(found)}  # the last of each stride
    return [index for stride, index in last.items() if stride >= least] or list(last.values())


def _refuse_one_stride(found: Sequence[FeatureInfo]) -> None:
    strides = [info.stride for info in found]
    twice = next((stride for stride in strides if strides.count(stride) > 1), None)
    if twice is not None:
        raise InputError(
            f"two of its maps are of stride {twice}; name one of each stride", key="out_indices"
        )
