"""Batches of one run: from memory where the set fits there, else through worker processes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from workbench.config import Augment, DataConfig
from workbench.data.keys import Purpose, stream
from workbench.data.randaugment import Interpolation
from workbench.data.source import ArraySplit, Bytes, DataInfo, Ints, Source, Split
from workbench.data.subset import stratified
from workbench.data.transforms import Batch, Normalise, TrainTransform, crop_boxes

RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
Box = tuple[float, float, float, float]


class Fetch(Protocol):
    """Brings the images of each of `batches` as bytes (B, S, S, 3), on the device."""

    def __call__(self, batches: list[Ints], epoch: int, repeats: int) -> Iterator[Tensor]: ...


# ---------------------------------------------------------------- loaders


class TrainLoader:
    """The training batches of one epoch, in an order that (seed, epoch) fixes.

    Yields images (B, 3, S, S) and targets: labels (B,), or (B, classes) where images are mixed.
    """

    def __init__(
        self, fetch: Fetch, labels: Tensor, batch_size: int, transform: TrainTransform
    ) -> None:
        self.fetch, self.labels, self.transform = fetch, labels, transform
        self.batch_size = min(batch_size, len(labels))
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration goes through."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Steps of an epoch; an incomplete last batch is dropped."""
        return len(self.labels) // self.batch_size

    def batches(self, epoch: int) -> list[Ints]:
        """The images of each batch of an epoch, by their indices."""
        repeats = self.transform.augment.repeats
        order = epoch_order(len(self.labels), self.transform.seed, epoch, repeats)
        return np.split(order[: len(self) * self.batch_size], len(self))

    def __iter__(self) -> Iterator[Batch]:
        epoch, repeats = self.epoch, self.transform.augment.repeats
        batches = self.batches(epoch)
        fetched = self.fetch(batches, epoch, repeats)
        for step, (batch, pixels) in enumerate(zip(batches, fetched, strict=True)):
            labels = self.labels[torch.from_numpy(batch).to(self.labels.device)]
            yield self.transform(pixels, labels, epoch, step)


class TestLoader:
    """Held-out images in batches, always in the same order, the last one as small as it is.

    `labels` are those of `order`, the indices of the images; by default all of them.
    """

    __test__ = False  # not one of pytest's

    def __init__(
        self,
        fetch: Fetch,
        labels: Tensor,
        batch_size: int,
        normalise: Normalise,
        order: Ints | None = None,
    ) -> None:
        self.fetch, self.labels, self.normalise = fetch, labels, normalise
        self.batch_size = batch_size
        self.order = np.arange(len(labels)) if order is None else order

    def subset(self, images: int, seed: int) -> "TestLoader":
        """Those of a stratified subset of `images` images, which `seed` fixes."""
        if images >= len(self.labels):
            return self
        chosen = stratified(self.labels.cpu().numpy(), images, seed)
        labels = self.labels[torch.from_numpy(chosen).to(self.labels.device)]
        return TestLoader(self.fetch, labels, self.batch_size, self.normalise, self.order[chosen])

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = self.order
        batches = np.split(order, range(self.batch_size, len(order), self.batch_size))
        labels = torch.split(self.labels, self.batch_size)
        for pixels, target in zip(self.fetch(batches, 0, 1), labels, strict=True):
            yield self.normalise(pixels), target


@dataclass(frozen=True)
class Loaders:
    """What one run trains on and is evaluated with."""

    train: TrainLoader
    test: TestLoader
    info: DataInfo
    in_memory: bool
    validation: TestLoader | None
    test_set: str  # the digest of the test images, see `Source.test_set`


def epoch_order(count: int, seed: int, epoch: int, repeats: int) -> Ints:
    """The images (count,) of an epoch. With repeats, copies follow each other in a batch and
    the epoch stays as long as before, so that it shows a part of the images (Hoffer 2020)."""
    order = stream(Purpose.ORDER, seed, epoch).permutation(count)
    return np.repeat(order[: -(-count // repeats)], repeats)[:count]


def make_loaders(
    source: Source,
    config: DataConfig,
    augment: Augment,
    batch_size: int,
    side: int,
    seed: int,
    device: torch.device,
    pixels: Callable[[], tuple[Bytes, ...]],
) -> Loaders:
    """The loaders of an open `source`; `pixels` decodes it whole, if it is to be in memory."""
    held = fits_in_memory(source, config, augment, side)
    splits = [source.train, source.test, *([source.validation] if source.validation else [])]
    fetches: list[Fetch]
    if held:
        fetches = [MemoryFetch(each, device) for each in pixels()]
    else:
        crop = RandomCrop(seed, augment.crop_scale) if augment.random_resized_crop else None
        views = [(1.0, crop), *[(augment.crop_pct, None)] * (len(splits) - 1)]
        fetches = [
            stream_fetch(split, side, augment.interpolation, *view, config, device)
            for split, view in zip(splits, views, strict=True)
        ]
    normalise = Normalise(source.info, device)
    crops = augment.random_resized_crop and held
    transform = TrainTransform(augment, source.info, normalise, seed, crops)
    labels = [torch.from_numpy(split.labels).to(device) for split in splits]
    test, *validation = (
        TestLoader(*each, batch_size, normalise)
        for each in zip(fetches[1:], labels[1:], strict=True)
    )
    return Loaders(
        TrainLoader(fetches[0], labels[0], batch_size, transform),
        test,
        source.info,
        held,
        validation[0] if validation else None,
        source.test_set,
    )


def fits_in_memory(source: Source, config: DataConfig, augment: Augment, side: int) -> bool:
    """Whether all images at `side` stay within the limit, and none loses detail by it.

    Random crops are enlarged, so they are cut from the full image where that is larger.
    """
    if augment.random_resized_crop and source.largest_side > side:
        return False
    held_out = len(source.test.labels) + (source.validation.labels.size if source.validation else 0)
    return (len(source.train.labels) + held_out) * side**2 * 3 <= config.memory_limit_mb * 2**20


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

    def fill(index: int) -> None:
        image = split.open(index)
        pixels[index] = resized(image, central_box(image, crop_pct), side, interpolation)

    def fill_part(start: int) -> None:
        for index in range(start, min(start + 256, len(pixels))):
            fill(index)

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill_part, range(0, len(pixels), 256)))
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
