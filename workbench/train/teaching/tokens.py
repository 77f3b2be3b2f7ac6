"""Token labelling (arXiv:2104.10858), as VOLO trains: targets for each position of the map.

An annotator, once, scores each position of each training image; what a batch shows of an image is
cut from its scores as the crop was cut from its pixels. As in zihangJiang/TokenLabeling, scores are
logits until they are cut, and the targets of image and positions are the annotator's, not labels.
Its files keep the five highest logits of a position; here all are kept.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.config import Teacher
from workbench.data.batches import TrainLoader
from workbench.data.fetch import MemoryFetch
from workbench.data.keys import Purpose, stream
from workbench.data.transforms import Cuts
from workbench.errors import InputError
from workbench.models import Network
from workbench.models.network import Box, exchange
from workbench.models.ops import Size
from workbench.train.teaching.teacher import TrainedTeacher

BATCH = 256  # images of a look of the annotator


class TokenLabels:
    """The objective of one run: the loss of the image, and that of its positions."""

    def __init__(self, config: Teacher, scores: Tensor, train: TrainLoader, side: int) -> None:
        self._config, self._scores, self._train, self._side = config, scores, train, side

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor, epoch: int, step: int
    ) -> Tensor:
        assert isinstance(network, Network)
        train, size = self._train, network.map_size(images)
        shown = torch.from_numpy(train.batches(epoch)[step]).to(self._scores.device)
        cuts = train.transform.cuts(len(images), self._side, epoch, step)
        of_image, of_positions = token_targets(self._scores[shown].float(), cuts, size)
        box = Box(0, 0, 0, 0)
        if self._config.mix_token:
            box = draw_box(size, stream(Purpose.MIX, train.transform.seed, epoch, step))
        logits, dense = network.parts(images, box)
        restored = exchange(dense, box)
        return token_loss(logits, restored, of_image, of_positions, box, self._config.token_weight)


class Targets(NamedTuple):
    """Probabilities of the classes: of each image (B, classes), and (B, classes, H, W)."""

    image: Tensor
    positions: Tensor


def token_loss(
    logits: Tensor, dense: Tensor, image: Tensor, positions: Tensor, box: Box, weight: float
) -> Tensor:
    """Cross-entropy of the image, with its share of the other's target, and `weight` times that of
    the positions.

    Logits (B, classes), dense logits (B, classes, H, W) with each image's own positions, targets
    likewise. Source: `TokenLabelCrossEntropy` in zihangJiang/TokenLabeling and sail-sg/volo.
    """
    share = 1 - box.area / (dense.shape[2] * dense.shape[3])
    mixed = share * image + (1 - share) * image.flip(0)
    return F.cross_entropy(logits, mixed) + weight * F.cross_entropy(dense, positions)


def draw_box(size: Size, generator: np.random.Generator) -> Box:
    """A box of a map of `size` for mix-token: CutMix's, in whole positions, cut at the edges.

    Source: `rand_bbox` in sail-sg/volo models/volo.py, with the Beta(1, 1) of its forward pass.
    """
    side = np.sqrt(1 - generator.beta(1.0, 1.0))
    half = (np.array(size) * side).astype(np.int64) // 2
    centre = generator.integers(np.array(size))
    low, high = (np.clip(centre + move, 0, size) for move in (-half, half))
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def token_targets(scores: Tensor, cuts: Cuts, size: Size) -> Targets:
    """What scores (B, classes, h, w) of whole images ask of a batch that shows `cuts` of them."""
    from torchvision.ops import roi_align  # torchvision takes half a second to import

    boxes = torch.from_numpy(cuts.boxes).to(scores) * scores.shape[3] + 0.5
    # A frame of one position: crops with padding reach beyond the image.
    framed = F.pad(scores, (1, 1, 1, 1), mode="replicate")
    which = torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)
    rois = torch.column_stack((which, boxes))  # in the authors' code less 1, without the frame
    image = roi_align(framed, rois, 1).flatten(1)
    positions = roi_align(framed, rois, tuple(size))
    mirrored = torch.from_numpy(cuts.mirrored).to(scores.device).view(-1, 1, 1, 1)
    positions = torch.where(mirrored, positions.flip(3), positions)
    return Targets(image.softmax(1), positions.softmax(1))


def annotate(
    teacher: TrainedTeacher, train: TrainLoader, precision: torch.autocast, limit_mb: int
) -> Tensor:
    """Scores (N, classes, h, w) of all training images, whole, kept in 16 bits.

    Raises `InputError` where images or scores take more memory than `limit_mb`.
    """
    if not isinstance(train.fetch, MemoryFetch):
        raise InputError(
            f"token labelling needs all images in memory, and {limit_mb} MB don't hold them, or "
            "random_resized_crop cuts from images larger than the network's",
            key="recipe.data.memory_limit_mb",
        )
    pixels, found = train.fetch.pixels, list[Tensor]()
    for part in torch.split(pixels, BATCH):
        with precision:
            scores = teacher.dense(train.transform.normalise(part))
        if scores[0].numel() * 2 * len(pixels) > limit_mb * 2**20:
            needed = scores[0].numel() * 2 * len(pixels) >> 20
            raise InputError(
                f"the scores of {len(pixels)} images take {needed} MB, more than {limit_mb}",
                key="recipe.data.memory_limit_mb",
            )
        found.append(scores.half())
    return torch.cat(found)
