"""What is done to a training batch after it was fetched, on the device that trains.

Batches are fetched as bytes (B, H, W, 3). All draws of a batch come from one stream, keyed by
seed, epoch and step, made on the CPU: neither the network nor the device has a say in them.

That is why augmentation is written here, and not taken from a library: torchvision and timm draw
from the global generators, one image at a time, so that what an image gets depends on the network
(dropout draws, too), on the number of workers and on where a run was taken up again.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from workbench.config import Augment
from workbench.data.keys import Purpose, stream
from workbench.data.mixing import mix
from workbench.data.randaugment import (
    Interpolation,
    brightness,
    contrast,
    parse_policy,
    rand_augment,
    saturation,
)
from workbench.data.source import DataInfo, Ints
from workbench.errors import InputError

Batch = tuple[Tensor, Tensor]
_RATIOS = (math.log(3 / 4), math.log(4 / 3))  # aspect of random resized crops, as in torchvision
_ERASED_AREA = (0.02, 1 / 3)  # and of erased boxes, as in timm
_ERASED_RATIOS = (math.log(0.3), -math.log(0.3))
_ATTEMPTS = 10


def check_augment(augment: Augment, side: int) -> None:
    """Refuse settings that contradict each other, or that images of `side` pixels can't have."""
    if augment.crop_padding >= side:
        raise InputError(
            f"{augment.crop_padding} must be less than the side, {side}", key="augment.crop_padding"
        )
    if augment.crop_padding and augment.random_resized_crop:
        raise InputError(
            f"{augment.crop_padding} goes with random_resized_crop=false",
            key="augment.crop_padding",
        )
    if augment.randaugment is not None:
        parse_policy(augment.randaugment)
        if augment.color_jitter:  # timm drops the jitter in silence
            raise InputError(
                f"{augment.color_jitter} has no effect beside randaugment; set it to 0",
                key="augment.color_jitter",
            )


class Normalise:
    """Bytes (B, H, W, 3) to float32 (B, 3, H, W) in channels_last memory, mean 0 and spread 1."""

    def __init__(self, info: DataInfo, device: torch.device) -> None:
        scale = 1 / (255 * torch.tensor(info.std, dtype=torch.float64))
        shift = -torch.tensor(info.mean, dtype=torch.float64) * 255 * scale
        self.scale, self.shift = scale.float().to(device), shift.float().to(device)

    def __call__(self, pixels: Tensor) -> Tensor:
        """The normalised images."""
        batch, height, width, _ = pixels.shape
        rows = pixels.reshape(batch, height, width * 3).float()
        # Constants as long as a row: broadcasting over three channels takes ten times as long.
        rows = torch.addcmul(self.shift.repeat(width), rows, self.scale.repeat(width))
        return rows.view(batch, height, width, 3).permute(0, 3, 1, 2)


class Cuts(NamedTuple):
    """Which part of each image a training batch shows.

    `boxes` (B, 4) are left, top, right and bottom in shares of the image's side, and may reach
    beyond it; `mirrored` (B,) says which were mirrored after that.
    """

    boxes: npt.NDArray[np.float64]
    mirrored: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TrainTransform:
    """Augments, normalises and mixes the batches of one run."""

    augment: Augment
    info: DataInfo
    normalise: Normalise
    seed: int
    crops: bool  # whether the random resized crop is still to be done

    def __call__(self, pixels: Tensor, labels: Tensor, epoch: int, step: int) -> Batch:
        """Bytes (B, S, S, 3) and labels (B,) to images (B, 3, S, S) and targets.

        Targets are the labels, or (B, classes) where images are mixed.
        """
        augment = self.augment
        generator = stream(Purpose.AUGMENT, self.seed, epoch, step)
        images = self.normalise(self._colours(self._geometry(pixels, generator), generator))
        if augment.random_erasing:
            erase(images, augment.random_erasing, generator)
        if not augment.mixup and not augment.cutmix:
            return images, labels
        mixing = stream(Purpose.MIX, self.seed, epoch, step)
        return mix(images, labels, self.info.classes, augment, mixing)

    def cuts(self, count: int, side: int, epoch: int, step: int) -> Cuts:
        """What `__call__` shows of the `count` images of a batch: the same draws once more."""
        augment, generator = self.augment, stream(Purpose.AUGMENT, self.seed, epoch, step)
        corners, mirrored = np.tile([0.0, 0.0, 1.0, 1.0], (count, 1)), np.zeros(count, np.bool_)
        if self.crops:
            boxes = crop_boxes(side, side, count, augment.crop_scale, generator) / side
            corners = np.concatenate((boxes[:, :2], boxes[:, :2] + boxes[:, 2:]), axis=1)
        if augment.crop_padding or augment.hflip:
            offsets, flipped = _shifts(count, augment.crop_padding, augment.hflip, generator)
            corners = corners + offsets[[1, 0, 1, 0], :, 0].T / side
            mirrored = flipped[:, 0]
        return Cuts(corners, mirrored)

    def _geometry(self, pixels: Tensor, generator: np.random.Generator) -> Tensor:
        augment = self.augment
        if self.crops:
            pixels = resized_crop(pixels, augment.crop_scale, augment.interpolation, generator)
        if augment.crop_padding or augment.hflip:
            pixels = shift_and_flip(pixels, augment.crop_padding, augment.hflip, generator)
        return pixels

    def _colours(self, pixels: Tensor, generator: np.random.Generator) -> Tensor:
        augment = self.augment
        images = pixels.permute(0, 3, 1, 2)
        if augment.color_jitter:
            images = jitter(images, augment.color_jitter, generator)
        if augment.randaugment is not None:
            policy = parse_policy(augment.randaugment)
            fill = torch.tensor(self.info.mean).mul_(255).round_()
            images = rand_augment(images, policy, fill, augment.interpolation, generator)
        return images.permute(0, 2, 3, 1)


def shift_and_flip(
    pixels: Tensor, padding: int, hflip: float, generator: np.random.Generator
) -> Tensor:
    """Images (B, S, S, 3) cropped after `padding` by reflection, and mirrored at times."""
    count, side = pixels.shape[:2]
    offsets, flipped = _shifts(count, padding, hflip, generator)
    steps = np.arange(side)
    rows = _reflected(offsets[0] + steps, side)
    columns = _reflected(offsets[1] + np.where(flipped, steps[::-1], steps), side)
    # One index per pixel into the flat batch: several times as fast as indexing three axes.
    rows += side * np.arange(count)[:, None]
    flat = torch.from_numpy(rows[:, :, None] * side + columns[:, None, :]).to(pixels.device)
    return pixels.reshape(-1, 3).index_select(0, flat.view(-1)).view(pixels.shape)


def _shifts(
    count: int, padding: int, hflip: float, generator: np.random.Generator
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Down and right (2, count, 1), in pixels, and who is mirrored (count, 1)."""
    offsets = generator.integers(-padding, padding + 1, size=(2, count, 1))
    return offsets, generator.random((count, 1)) < hflip


def _reflected(index: Ints, side: int) -> Ints:
    index = np.abs(index)  # at the near edge, and then at the far one
    return np.where(index < side, index, 2 * (side - 1) - index)


def crop_boxes(
    width: int, height: int, count: int, least: float, generator: np.random.Generator
) -> np.ndarray:
    """Boxes (count, 4) of left, top, width and height that hold `least` to all of the area.

    Drawn as torchvision's RandomResizedCrop draws them: the first of ten that fits, else the
    whole image, cut to an allowed aspect.
    """
    area = generator.uniform(least, 1, (count, _ATTEMPTS)) * width * height
    ratio = np.exp(generator.uniform(*_RATIOS, (count, _ATTEMPTS)))
    sizes = np.rint(np.sqrt([area * ratio, area / ratio]))  # (2, count, attempts)
    fits = (sizes > 0).all(0) & (sizes[0] <= width) & (sizes[1] <= height)
    first = fits.argmax(axis=1)
    chosen = sizes[:, np.arange(count), first].T
    low, high = np.exp(_RATIOS)
    whole = (min(width, round(height * high)), min(height, round(width / low)))
    missing = ~fits.any(axis=1)
    chosen[missing] = whole
    room = np.array([width, height]) - chosen
    start = np.floor(generator.random((count, 2)) * (room + 1))
    start[missing] = np.floor(room[missing] / 2)
    return np.concatenate((start, chosen), axis=1)


def resized_crop(
    pixels: Tensor, least: float, interpolation: Interpolation, generator: np.random.Generator
) -> Tensor:
    """A random box of each image (B, S, S, 3), enlarged to the old size."""
    side = pixels.shape[1]
    boxes = crop_boxes(side, side, len(pixels), least, generator).astype(np.float32)
    left, top, width, height = torch.from_numpy(boxes).to(pixels.device).T[:, :, None]
    steps = (torch.arange(side, device=pixels.device) + 0.5) / side
    across = ((left + width * steps) / side * 2 - 1)[:, None, :].expand(-1, side, -1)
    down = ((top + height * steps) / side * 2 - 1)[:, :, None].expand(-1, -1, side)
    grid = torch.stack((across, down), dim=-1)
    images = pixels.permute(0, 3, 1, 2).float()
    sampled = grid_sample(
        images, grid, mode=interpolation, padding_mode="border", align_corners=False
    )
    return sampled.round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def jitter(images: Tensor, strength: float, generator: np.random.Generator) -> Tensor:
    """Brightness, contrast and saturation by factors up to 1 +- strength, in a random order."""
    low = max(0.0, 1 - strength)
    factors = generator.uniform(low, 1 + strength, (3, len(images), 1, 1, 1)).astype(np.float32)
    changes = (brightness, contrast, saturation)
    for each in generator.permutation(3):
        images = changes[each](images, torch.from_numpy(factors[each]).to(images.device))
    return images


def erase(images: Tensor, probability: float, generator: np.random.Generator) -> None:
    """Random erasing (Zhong 2020) in place: a box of normal noise, as timm's mode `pixel`."""
    height, width = images.shape[2:]
    for index in np.flatnonzero(generator.random(len(images)) < probability):
        area = generator.uniform(*_ERASED_AREA, _ATTEMPTS) * height * width
        ratio = np.exp(generator.uniform(*_ERASED_RATIOS, _ATTEMPTS))
        sizes = np.rint(np.sqrt([area * ratio, area / ratio])).astype(np.int64)
        (fitting,) = np.nonzero((sizes[0] < height) & (sizes[1] < width))
        if not len(fitting):
            continue
        h, w = (int(size) for size in sizes[:, fitting[0]])
        top, left = (int(start) for start in generator.integers([height - h + 1, width - w + 1]))
        noise = torch.from_numpy(generator.standard_normal((3, h, w), dtype=np.float32))
        images[int(index), :, top : top + h, left : left + w] = noise.to(images.device)
