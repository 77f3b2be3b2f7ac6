"""torchvision's detectors over the maps of a network."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

from workbench.config import IMAGENET_MEAN, IMAGENET_STD, Colour, Spec
from workbench.errors import unknown
from workbench.models.network import Network
from workbench.tasks.maps import Body, Norm, Pyramid, group_norm, network_maps

RATIOS = (0.5, 1.0, 2.0)  # height over width of an anchor


def detector(
    network: str | Spec | Network,
    kind: str = "retinanet",
    *,
    classes: int = 91,
    out_indices: Sequence[int] | None = None,
    channels: int = 256,
    anchor: float | None = None,
    norm: bool = False,
    resize: tuple[int, int] | None = (800, 1333),
    mean: Colour = IMAGENET_MEAN,
    std: Colour = IMAGENET_STD,
    seed: int = 0,
) -> RetinaNet | MaskRCNN:
    """A detector over the maps of `network`: a zoo entry, a spec, or a network with its weights.

    `kind` is `retinanet` or `mask_rcnn`. `classes` are counted as torchvision counts them: 91 are
    COCO's category numbers; with Mask R-CNN class 0 is the background. By default RetinaNet takes
    the maps of stride 8 and more, and Mask R-CNN all, the last stage of each stride; `out_indices`
    names stages. `channels` are the pyramid's. The smallest anchors of a level have the side
    `anchor` times its stride (4 in RetinaNet with three sizes an octave, 8 in Mask R-CNN, as
    published). `norm` puts GroupNorm into the pyramid and the heads of RetinaNet, as torchvision's
    second versions have it: without weights to begin from, it learns faster. `resize` are the least
    shorter and the largest longer side of an image; None leaves images as they are, padded to what
    the strides divide.

    Returns torchvision's own model: it takes a list of images (3, H, W) from 0 to 1, with targets
    (`boxes` as x0, y0, x1, y1, `labels`, `masks`) in training. Weights of the pyramid and the heads
    are drawn from `seed`, as those of a network that is not yet built.

    Sources: torchvision's `retinanet_resnet50_fpn` and `maskrcnn_resnet50_fpn`, whose defaults
    these are. Raises `InputError` for an unknown kind, a network without maps and an index out of
    range.
    """
    if kind not in DETECTORS:
        raise unknown("detector", kind, DETECTORS)
    least, make = DETECTORS[kind]
    body = network_maps(network, kind, out_indices, least, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make(body, classes, channels, anchor, group_norm if norm else None)
    whole = body.network.feature_info[-1].stride  # of stages that give no map, too
    transform = GeneralizedRCNNTransform if resize else _Unresized
    model.transform = transform(*(resize or (0, 0)), list(mean), list(std), size_divisible=whole)
    return model


class _Unresized(GeneralizedRCNNTransform):  # type: ignore[misc]
    """Normalises and pads alone."""

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        return image, target


def _retinanet(
    body: Body, classes: int, channels: int, anchor: float | None, norm: Norm | None
) -> RetinaNet:
    extra = LastLevelP6P7(body.info[-1].channels, channels)
    sides = [(anchor or 4) * stride for stride in _strides(body, 2)]
    sizes = tuple(tuple(side * 2 ** (third / 3) for third in range(3)) for side in sides)
    anchors = AnchorGenerator(sizes, (RATIOS,) * len(sizes))
    head = RetinaNetHead(channels, len(RATIOS) * 3, classes, norm_layer=norm)
    pyramid = Pyramid(body, channels, extra, norm)
    return RetinaNet(pyramid, classes, anchor_generator=anchors, head=head)


def _mask_rcnn(
    body: Body, classes: int, channels: int, anchor: float | None, norm: Norm | None
) -> MaskRCNN:
    sizes = tuple(((anchor or 8) * stride,) for stride in _strides(body, 1))
    names = [str(index) for index in range(len(body.info))]
    return MaskRCNN(
        Pyramid(body, channels, LastLevelMaxPool(), norm),
        classes,
        rpn_anchor_generator=AnchorGenerator(sizes, (RATIOS,) * len(sizes)),
        box_roi_pool=MultiScaleRoIAlign(names, output_size=7, sampling_ratio=2),
        mask_roi_pool=MultiScaleRoIAlign(names, output_size=14, sampling_ratio=2),
    )


def _strides(body: Body, more: int) -> list[int]:
    """Of the levels: those of the maps, and `more` that the pyramid adds, each twice the last."""
    found = [info.stride for info in body.info]
    return found + [found[-1] * 2**step for step in range(1, more + 1)]


Make = Callable[[Body, int, int, float | None, Norm | None], RetinaNet | MaskRCNN]
DETECTORS: dict[str, tuple[int, Make]] = {  # the least stride of their maps, and how they are made
    "retinanet": (8, _retinanet),
    "mask_rcnn": (1, _mask_rcnn),
}
