"""Data sets that need no file: the digits that ship with scikit-learn, and synthetic images."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.config import DataConfig
from workbench.data.keys import Purpose, stream
from workbench.data.known import KNOWN
from workbench.data.source import ArraySplit, Source, array_source, refuse_classes
from workbench.data.subset import stratified
from workbench.errors import InputError

DIGITS = "datasets/data/digits.csv.gz"  # in scikit-learn
SYNTHETIC_CLASSES = 10
SYNTHETIC_SIDE = 32
SYNTHETIC_TRAIN = 256
SYNTHETIC_TEST = 64


def digits(config: DataConfig) -> Source:
    """1,797 handwritten digits of 8x8 pixels (UCI, by way of scikit-learn): 1,198 and 599.

    The split is stratified and the same for every seed of a run.
    """
    table = _digits()
    images = table[:, :-1].reshape(-1, 8, 8)
    grey = np.rint(images * (255 / 16)).astype(np.uint8)  # 16 levels of ink
    whole = ArraySplit(np.repeat(grey[..., None], 3, axis=3), table[:, -1].astype(np.int64))
    test = stratified(whole.labels, len(whole.labels) // 3, seed=0)
    train = np.setdiff1d(np.arange(len(whole.labels)), test)
    names = tuple(str(digit) for digit in range(10))
    return array_source("digits", names, whole.take(train), whole.take(test))


def _digits() -> npt.NDArray[np.float64]:
    """(1797, 65): the pixels of each digit, and which it is.

    From scikit-learn's own file, since importing scikit-learn takes a second; where a version of
    it keeps the file elsewhere, by its function.
    """
    found = find_spec("sklearn")
    file = Path(found.origin if found and found.origin else "").parent / DIGITS
    if file.is_file():
        return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits

    data = load_digits()
    return np.column_stack([data.images.reshape(-1, 64), data.target])


def synthetic(config: DataConfig) -> Source:
    """Noise over one coarse pattern per class: learnable within a few steps, for smoke tests.

    `subset_seed` draws it; `train_size` and `test_size` are its sizes. Where `path` is the name of
    a set that can be fetched, it has the classes of that one and, if they have one, their side.
    """
    like = KNOWN.get(config.path or "")
    classes = like.classes if like else SYNTHETIC_CLASSES
    side = (like and like.side) or SYNTHETIC_SIDE
    sizes = config.train_size or SYNTHETIC_TRAIN, config.test_size or SYNTHETIC_TEST
    needed = sum(sizes) * side**2 * 3
    if needed > config.memory_limit_mb * 2**20:
        raise InputError(
            f"{sizes[0]} + {sizes[1]} synthetic images take {needed >> 20} MB, "
            f"more than data.memory_limit_mb={config.memory_limit_mb}",
            key="data.train_size",
        )
    cells = stream(Purpose.SYNTHETIC, config.subset_seed, 0).uniform(64, 192, (classes, 4, 4, 3))
    cell = side // 4
    patterns = cells.repeat(cell, axis=1).repeat(cell, axis=2)
    train, test = (_noisy(patterns, size, config, split + 1) for split, size in enumerate(sizes))
    if config.classes is not None:  # as many images of these alone
        refuse_classes(config.classes, classes, config.name)
    names = tuple(f"pattern {index}" for index in range(classes))
    return array_source("synthetic", names, train, test)


def _noisy(patterns: np.ndarray, size: int, config: DataConfig, split: int) -> ArraySplit:
    classes = np.array(config.classes or range(len(patterns)), np.int64)
    labels = classes[np.arange(size) % len(classes)]
    random = stream(Purpose.SYNTHETIC, config.subset_seed, split)
    noise = random.standard_normal((size, *patterns.shape[1:]), dtype=np.float32)
    return ArraySplit(np.clip(patterns[labels] + 40 * noise, 0, 255).astype(np.uint8), labels)
