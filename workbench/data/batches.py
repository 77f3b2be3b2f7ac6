"""Batches of one run: from memory where the set fits there, else through worker processes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workbench.config import Augment, DataConfig
from workbench.data.fetch import Fetch, MemoryFetch, RandomCrop, stream_fetch
from workbench.data.keys import Purpose, stream
from workbench.data.source import Bytes, DataInfo, Ints, Source
from workbench.data.subset import stratified
from workbench.data.transforms import Batch, Normalise, TrainTransform


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
    splits = source.splits
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
    images = sum(len(split.labels) for split in source.splits)
    return images * side**2 * 3 <= config.memory_limit_mb * 2**20
