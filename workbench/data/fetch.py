"""Images of a split as bytes, batch by batch: from memory, or through worker processes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from workbench.config import DataConfig
from workbench.data.keys import Purpose, stream
from workbench.data.randaugment import Interpolation
from workbench.data.source import ArraySplit, Bytes, Ints, Split
from workbench.data.transforms import crop_boxes

RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
Box = tuple[float, float, float, float]


class Fetch(Protocol):
    """Brings the images of each of `batches` as bytes (B, S, S, 3), on the device."""

    def __call__(self, batches: list[Ints], epoch: int, repeats: int) -> Iterator[Tensor]: ...


# ---------------------------------------------------------------- from memory


class MemoryFetch:
    """Picks images from one tensor of bytes (N, S, S, 3)."""

    def __init__(self, pixels: Bytes, device: torch.device) -> None:
        self.pixels = torch.from_numpy(pixels).to(device)

    def __call__(self, batches: list[Ints], epoch: int, repeats: int) -> Iterator[Tensor]:
        """One tensor for each of `batches`."""
        for batch in batches:
            yield self.pixels.index_select(0, torch.from_numpy(batch).to(self.pixels.device))


def decode_all(split: Split, side: int, crop_pct: float, interpolation: Interpolation) -> Bytes:
    """Every image of `split` at `side`: (N, side, side, 3)."""
    if isinstance(split, ArraySplit) and split.pixels.shape[1:3] == (side, side) and crop_pct == 1:
        return split.pixels
    pixels = np.empty((len(split.labels), side, side, 3), np.uint8)

    def fill(start: int) -> None:
        for index in range(start, min(start + 256, len(pixels))):
            image = split.open(index)
            pixels[index] = resized(image, central_box(image, crop_pct), side, interpolation)

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(0, len(pixels), 256)))
    return pixels


def central_box(image: Image.Image, crop_pct: float) -> Box:
    """The square in the middle of `image` that takes `crop_pct` of its shorter side."""
    side = min(image.size) * crop_pct
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return left, top, left + side, top + side


def resized(image: Image.Image, box: Box, side: int, interpolation: Interpolation) -> Bytes:
    """What is within `box` (left, top, right, bottom), as (side, side, 3)."""
    return np.array(image.resize((side, side), RESAMPLING[interpolation], box=box))


# ---------------------------------------------------------------- through workers

Item = tuple[int, int, int]  # epoch, index, copy


@dataclass(frozen=True)
class RandomCrop:
    """The random resized crop of an image, drawn for (seed, epoch, index, copy) alone."""

    seed: int
    least: float

    def box(self, image: Image.Image, item: Item) -> Box:
        """Left, top, right and bottom."""
        generator = stream(Purpose.CROP, self.seed, *item)
        left, top, width, height = crop_boxes(*image.size, 1, self.least, generator)[0].tolist()
        return left, top, left + width, top + height


@dataclass(frozen=True)
class Resized(Dataset[Tensor]):
    """Opens, crops and resizes images in the workers: bytes (S, S, 3)."""

    split: Split
    side: int
    interpolation: Interpolation
    crop_pct: float
    crop: RandomCrop | None

    def __getitem__(self, item: Item) -> Tensor:
        image = self.split.open(item[1])
        box = self.crop.box(image, item) if self.crop else central_box(image, self.crop_pct)
        return torch.from_numpy(resized(image, box, self.side, self.interpolation))


class HandedBatches(Sampler[list[Item]]):
    """Hands the workers the batches that it was given last."""

    def __init__(self) -> None:
        self.batches: list[list[Item]] = []

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[Item]]:
        return iter(self.batches)


class StreamFetch:
    """Fetches images through a DataLoader whose workers outlive the epoch."""

    def __init__(
        self, loader: DataLoader[Tensor], batches: HandedBatches, device: torch.device
    ) -> None:
        self.loader, self.batches, self.device = loader, batches, device

    def __call__(self, batches: list[Ints], epoch: int, repeats: int) -> Iterator[Tensor]:
        """One tensor for each of `batches`."""
        start = 0
        self.batches.batches = []
        for batch in batches:
            copies = np.arange(start, start + len(batch)) % repeats
            items = zip(batch.tolist(), copies.tolist(), strict=True)
            self.batches.batches.append([(epoch, index, copy) for index, copy in items])
            start += len(batch)
        for pixels in self.loader:
            yield pixels.to(self.device, non_blocking=True)


def stream_fetch(
    split: Split,
    side: int,
    interpolation: Interpolation,
    crop_pct: float,
    crop: RandomCrop | None,
    config: DataConfig,
    device: torch.device,
) -> StreamFetch:
    """A fetch through `config.workers` processes, or in this one if they are 0."""
    batches = HandedBatches()
    loader: DataLoader[Tensor] = DataLoader(
        Resized(split, side, interpolation, crop_pct, crop),
        batch_sampler=batches,
        num_workers=config.workers,
        persistent_workers=config.workers > 0,
        pin_memory=device.type == "cuda",
        collate_fn=torch.stack,
        generator=torch.Generator(),  # else each epoch would draw from the global stream
    )
    return StreamFetch(loader, batches, device)
