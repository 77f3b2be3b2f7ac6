"""Batches of scenes for one run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from workbench.config import Augment, DataConfig
from workbench.data.batches import epoch_order
from workbench.data.scenes import open_scenes
from workbench.data.scenes.moves import Moves, Target, check_moves
from workbench.data.scenes.scene import Scenes, SceneSplit
from workbench.data.source import Ints

Targets = list[Target] | Tensor  # objects of each image, or classes (B, S, S) of the pixels
Item = tuple[int, int]  # epoch, index


@dataclass(frozen=True)
class SceneLoaders:
    """What one run trains on and is evaluated with."""

    train: "SceneLoader"
    test: "SceneLoader"
    validation: "SceneLoader | None"
    scenes: Scenes
    test_set: str


def scene_loaders(
    config: DataConfig, augment: Augment, batch_size: int, side: int, seed: int, pixels: bool
) -> SceneLoaders:
    """The batches of one run, on the CPU: images (B, 3, side, side) from 0 to 1, and targets.

    Targets are the classes of pixels where `pixels`, else objects. Order and augmentation are a
    function of (seed, epoch, image). Raises `InputError` for a set or an augmentation that can't
    be used.
    """
    check_moves(augment)
    found = open_scenes(config)
    held = [found.test, *([found.validation] if found.validation else [])]
    still, moved = (Moves(each, side, seed, pixels) for each in (None, augment))
    train = SceneLoader(
        SceneDataset(found.train, side, moved, pixels), batch_size, config.workers, seed
    )
    test, *validation = (
        SceneLoader(SceneDataset(each, side, still, pixels), batch_size, config.workers)
        for each in held
    )
    return SceneLoaders(
        train, test, validation[0] if validation else None, found, f"{found.test_set}:{side}"
    )


@dataclass(frozen=True)
class SceneDataset(Dataset[tuple[Tensor, Target | Tensor]]):
    """Opens and moves scenes, in this process or in workers."""

    split: SceneSplit
    side: int
    moves: Moves
    pixels: bool

    def __getitem__(self, item: Item) -> tuple[Tensor, Target | Tensor]:
        epoch, index = item
        scene = self.split.open(index, self.side)
        if self.pixels:
            return self.moves.segmentation(scene, epoch, index)
        return self.moves.detection(scene, epoch, index)


class SceneLoader:
    """Batches of one split: in an order that (seed, epoch) fixes, or with no seed as they are."""

    def __init__(
        self, data: SceneDataset, batch_size: int, workers: int, seed: int | None = None
    ) -> None:
        self.data, self.workers, self.seed = data, workers, seed
        self.order = np.arange(len(data.split))
        self.batch_size = min(batch_size, len(self.order)) if seed is not None else batch_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration goes through."""
        self.epoch = epoch

    def subset(self, images: int, seed: int) -> "SceneLoader":
        """Those of a subset of `images` images, which `seed` fixes."""
        if images >= len(self.order):
            return self
        found = SceneLoader(self.data, self.batch_size, self.workers)
        drawn = np.random.RandomState(seed % 2**32).permutation(self.order)
        found.order = np.sort(drawn[:images])
        return found

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.order)

    def __len__(self) -> int:
        """Steps; in training an incomplete last batch is dropped."""
        whole, rest = divmod(len(self.order), self.batch_size)
        return whole + (self.seed is None and rest > 0)

    def __iter__(self) -> Iterator[tuple[Tensor, Targets]]:
        loader = DataLoader(
            self.data,
            batch_sampler=self._batches(),
            num_workers=self.workers,
            collate_fn=_collate,
            generator=torch.Generator(),  # else it draws from the one that training draws from
        )
        yield from loader

    def _batches(self) -> list[list[Item]]:
        order: Ints = self.order
        if self.seed is not None:
            order = epoch_order(len(order), self.seed, self.epoch, 1)
        starts = range(0, len(self) * self.batch_size, self.batch_size)
        epoch = self.epoch
        return [
            [(epoch, int(index)) for index in order[start : start + self.batch_size]]
            for start in starts
        ]


def _collate(items: Sequence[tuple[Tensor, Target | Tensor]]) -> tuple[Tensor, Targets]:
    images = torch.stack([image for image, _ in items])
    maps = [target for _, target in items if isinstance(target, Tensor)]
    if maps:
        return images, torch.stack(maps)
    return images, [target for _, target in items if not isinstance(target, Tensor)]
