"""CIFAR and Flowers as torchvision downloads and verifies them."""

from pathlib import Path
from typing import Any

import numpy as np

from workbench.config import DataConfig
from workbench.data.encoded import Encoded, Files, encoded_source
from workbench.data.image_folder import fingerprint
from workbench.data.source import ArraySplit, Source, array_source
from workbench.errors import InputError
from workbench.machine import cache_folder

PARQUET = "--set recipe.data.name=parquet --set recipe.data.path=FOLDER reads its parquet files"


def cifar10(config: DataConfig) -> Source:
    """CIFAR-10 (Krizhevsky 2009): 50,000 and 10,000 images of 32x32."""
    from torchvision.datasets import CIFAR10

    return cifar(config, CIFAR10)


def cifar100(config: DataConfig) -> Source:
    """CIFAR-100, fine labels: 50,000 and 10,000 images of 32x32."""
    from torchvision.datasets import CIFAR100

    return cifar(config, CIFAR100)


def flowers102(config: DataConfig) -> Source:
    """Oxford Flowers-102 (Nilsback 2008): train and val as 2,040 for training, 6,149 for test."""
    from torchvision.datasets import Flowers102

    return flowers(config, Flowers102)


def cifar(config: DataConfig, dataset: Any) -> Source:
    """CIFAR as read by the torchvision class `dataset`."""
    train, test = (_open(config, dataset, train=train) for train in (True, False))
    splits = [ArraySplit(part.data, np.array(part.targets, np.int64)) for part in (train, test)]
    return array_source(config.name, tuple(train.classes), *splits)


def flowers(config: DataConfig, dataset: Any) -> Source:
    """Flowers as read by the torchvision class `dataset`."""
    parts = {name: _open(config, dataset, split=name) for name in ("train", "val", "test")}
    train = _encoded([parts["train"], parts["val"]])
    return encoded_source(
        config, tuple(dataset.classes), train, _encoded([parts["test"]]), own_colours=False
    )


def _encoded(parts: list[Any]) -> Encoded:
    paths = [Path(file) for part in parts for file in part._image_files]
    labels = np.array([label for part in parts for label in part._labels], np.int64)
    top = paths[0].parent
    names = [path.name for path in paths]
    return Encoded(Files(top, tuple(names)), names, labels, fingerprint(top, names))


def _open(config: DataConfig, dataset: Any, **split: object) -> Any:
    root = Path(config.path).expanduser() if config.path else cache_folder() / "torchvision"
    try:
        return dataset(root, download=config.download, **split)
    except (RuntimeError, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        if config.download:
            message = f"data.download: {config.name} could not be fetched to {str(root)!r}: {first}"
            ways = f"without a network a sweep's {PARQUET}"
        else:
            message = f"data.path: {config.name} is not in {str(root)!r}, or not whole"
            other = "name the folder that holds it, or without data.path: " if config.path else ""
            ways = f"{other}workbench fetch {config.name}; or {PARQUET}"
        raise InputError(f"{message}; {ways}") from None
