"""CIFAR, Flowers, Pets and Cars as torchvision reads them; all but the last it downloads, too."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.config import DataConfig
from workbench.data.encoded import Encoded, Files, encoded_source
from workbench.data.image_folder import fingerprint
from workbench.data.source import ArraySplit, Source, array_source
from workbench.errors import InputError, first_line
from workbench.machine import cache_folder

PARQUET = "--set recipe.data.name=parquet --set recipe.data.path=FOLDER reads its parquet files"


def cifar10(config: DataConfig) -> Source:
    """CIFAR-10 (Krizhevsky 2009): 50,000 and 10,000 images of 32x32."""
    _refuse_nothing(config)
    from torchvision.datasets import CIFAR10

    return cifar(config, CIFAR10)


def cifar100(config: DataConfig) -> Source:
    """CIFAR-100, fine labels: 50,000 and 10,000 images of 32x32."""
    _refuse_nothing(config)
    from torchvision.datasets import CIFAR100

    return cifar(config, CIFAR100)


def flowers102(config: DataConfig) -> Source:
    """Oxford Flowers-102 (Nilsback 2008): train and val as 2,040 for training, 6,149 for test."""
    _refuse_nothing(config)
    from torchvision.datasets import Flowers102

    return flowers(config, Flowers102)


def oxford_iiit_pets(config: DataConfig) -> Source:
    """Oxford-IIIT Pets (Parkhi 2012), 37 breeds: 3,680 and 3,669 images."""
    _refuse_nothing(config)
    from torchvision.datasets import OxfordIIITPet

    return pets(config, OxfordIIITPet)


def stanford_cars(config: DataConfig) -> Source:
    """Stanford Cars (Krause 2013), 196 models: 8,144 and 8,041 images.

    Its address is gone, so that it is only read: `stanford_cars/` in the folder, as torchvision
    says where its files go.
    """
    _refuse_nothing(config)
    from torchvision.datasets import StanfordCars

    return cars(config, StanfordCars)


def cifar(config: DataConfig, dataset: Any) -> Source:
    """CIFAR as read by the torchvision class `dataset`."""
    train, test = (_open(config, dataset, train=train) for train in (True, False))
    splits = [ArraySplit(part.data, np.array(part.targets, np.int64)) for part in (train, test)]
    return array_source(config.name, tuple(train.classes), *splits)


def flowers(config: DataConfig, dataset: Any) -> Source:
    """Flowers as read by the torchvision class `dataset`."""
    parts = {name: _open(config, dataset, split=name) for name in ("train", "val", "test")}
    files = {name: [*zip(each._image_files, each._labels, strict=True)]
             for name, each in parts.items()}  # fmt: skip
    train = files["train"] + files["val"]
    return _source(config, tuple(dataset.classes), train, files["test"])


def pets(config: DataConfig, dataset: Any) -> Source:
    """Pets as read by the torchvision class `dataset`."""
    parts = [_open(config, dataset, split=name) for name in ("trainval", "test")]
    files = [[*zip(each._images, each._labels, strict=True)] for each in parts]
    return _source(config, tuple(parts[0].classes), *files)


def cars(config: DataConfig, dataset: Any) -> Source:
    """Cars as read by the torchvision class `dataset`."""
    parts = [_open(config, dataset, split=name) for name in ("train", "test")]
    return _source(config, tuple(parts[0].classes), *(each._samples for each in parts))


Labelled = Sequence[tuple[str | Path, int]]


def _source(
    config: DataConfig, classes: tuple[str, ...], train: Labelled, test: Labelled
) -> Source:
    return encoded_source(config, classes, _encoded(train), _encoded(test), own_colours=False)


def _encoded(files: Labelled) -> Encoded:
    paths = [Path(file) for file, _ in files]
    labels = np.array([label for _, label in files], np.int64)
    top = paths[0].parent
    names = [path.name for path in paths]
    return Encoded(Files(top, tuple(names)), names, labels, fingerprint(top, names))


def _refuse_nothing(config: DataConfig) -> None:
    """An empty folder needs no look by torchvision, which takes seconds to import."""
    root = _root(config)
    if not config.download and not (root.is_dir() and any(root.iterdir())):
        raise _absent(config, root)


def _root(config: DataConfig) -> Path:
    return Path(os.path.expanduser(config.path)) if config.path else cache_folder() / "torchvision"


def _open(config: DataConfig, dataset: Any, **split: object) -> Any:
    root = _root(config)
    try:
        return dataset(root, download=config.download, **split)
    except (RuntimeError, OSError) as error:
        if not config.download:
            raise _absent(config, root) from None
        raise InputError(
            f"data.download: {config.name} could not be fetched to {str(root)!r}: "
            f"{first_line(error)}; without a network a sweep's {PARQUET}"
        ) from None


def _absent(config: DataConfig, root: Path) -> InputError:
    other = "name the folder that holds it, or without data.path: " if config.path else ""
    known = config.name != "stanford_cars"  # whose address is gone
    ways = f"{other}workbench fetch {config.name}; or {PARQUET}" if known else PARQUET
    return InputError(f"data.path: {config.name} is not in {str(root)!r}, or not whole; {ways}")
