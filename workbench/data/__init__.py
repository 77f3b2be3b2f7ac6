"""Data sets, and the batches that runs train on."""

from collections.abc import Callable
from functools import lru_cache

import torch

from workbench.config import Augment, DataConfig
from workbench.data.batches import Loaders, make_loaders
from workbench.data.encoded import BadImagesWarning
from workbench.data.fetch import decode_all
from workbench.data.image_folder import folder
from workbench.data.image_parquet import parquet
from workbench.data.known import stand_in
from workbench.data.mixing import mix
from workbench.data.randaugment import Interpolation
from workbench.data.scenes import SCENES, open_scenes, refuse_scenes
from workbench.data.small import digits, synthetic
from workbench.data.source import Bytes, DataFacts, DataInfo, Source
from workbench.data.transforms import check_augment
from workbench.data.vision import cifar10, cifar100, flowers102, oxford_iiit_pets, stanford_cars
from workbench.errors import InputError, unknown

__all__ = [
    "DATASETS",
    "SCENES",
    "BadImagesWarning",
    "DataFacts",
    "DataInfo",
    "Loaders",
    "check_augment",
    "describe",
    "facts",
    "loaders",
    "mix",
    "open_source",
    "stand_in",
]

DATASETS: dict[str, Callable[[DataConfig], Source]] = {
    "digits": digits,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "flowers102": flowers102,
    "oxford_iiit_pets": oxford_iiit_pets,
    "stanford_cars": stanford_cars,
    "folder": folder,
    "parquet": parquet,
    "synthetic": synthetic,
}


def describe(config: DataConfig) -> DataInfo:
    """The facts on a data set, found out once per process.

    The first look at a set of image files reads all of them, so that a broken one is known before
    training; the verdicts are cached on disk. Raises `InputError` for a set that can't be used.
    """
    if config.name in SCENES:
        return open_scenes(config).info
    return _source(config).info


def facts(config: DataConfig) -> DataFacts:
    """Those that are known without the images, else those found in them."""
    known = stand_in(config)
    return known[0] if known else describe(config)


def open_source(config: DataConfig) -> Source:
    """The images as runs see them, after their subsets; nothing is downloaded.

    Raises `InputError` for a set that is not here, or can't be used.
    """
    return _source(config.model_copy(update={"download": False}))


def loaders(
    config: DataConfig,
    augment: Augment,
    batch_size: int,
    side: int,
    seed: int,
    device: torch.device,
) -> Loaders:
    """The batches of one run, images (B, 3, side, side) in float32 and channels_last memory.

    Order and augmentation are a function of (seed, epoch, step). Labels are not smoothed: that
    is the loss's. Raises `InputError` for a set or an augmentation that can't be used.
    """
    check_augment(augment, side)
    return make_loaders(
        _source(config),
        config,
        augment,
        batch_size,
        side,
        seed,
        device,
        lambda: _pixels(config, side, augment.crop_pct, augment.interpolation),
    )


# The runs of a sweep that share a process share the open data set.
@lru_cache(maxsize=2)
def _source(config: DataConfig) -> Source:
    if "imagenet" in config.name.lower():
        raise InputError(
            f"unknown {config.name!r}; nearest: 'folder', which reads ImageNet's layout "
            "from data.path: train/CLASS/ and val/CLASS/, val sorted into folders like train",
            key="data.name",
        )
    refuse_scenes(config)
    if config.name not in DATASETS:
        raise unknown("data.name", config.name, (*DATASETS, *SCENES))
    return DATASETS[config.name](config).only(config.classes).subset(config)


@lru_cache(maxsize=2)
def _pixels(
    config: DataConfig, side: int, crop_pct: float, interpolation: Interpolation
) -> tuple[Bytes, ...]:
    """Of `Source.splits`."""
    train, *held_out = _source(config).splits
    return (
        decode_all(train, side, 1.0, interpolation),
        *(decode_all(split, side, crop_pct, interpolation) for split in held_out),
    )
