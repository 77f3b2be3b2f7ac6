"""One image with what is in it, and sets of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from workbench.config import Colour, DataConfig
from workbench.data.source import Bytes, DataInfo, Ints, refuse_more_than
from workbench.errors import InputError

Boxes = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
IGNORED = 255  # in a map of classes: pixels that are neither trained nor scored


@dataclass(frozen=True)
class Scene:
    """An image with its objects, or with the class of every pixel."""

    image: Bytes  # (H, W, 3)
    boxes: Boxes  # (N, 4) as left, top, right, bottom
    labels: Ints  # (N,) from 0
    masks: Mask | None = None  # (N, H, W) of the objects
    crowd: Mask | None = None  # (N,): groups, which training and scores of detectors pass over
    classes: Bytes | None = None  # (H, W); where None, made of the masks, with 0 the background

    @property
    def class_map(self) -> Bytes:
        """(H, W): the class of every pixel."""
        if self.classes is not None:
            return self.classes
        found = np.zeros(self.image.shape[:2], np.uint8)
        if self.masks is not None:
            order = np.arange(len(self.labels))
            if self.crowd is not None:
                order = np.argsort(~self.crowd, kind="stable")  # single objects on top
            for index in order:
                found[self.masks[index]] = self.labels[index] + 1
        return found


class SceneSplit(Protocol):
    """Scenes that can be opened one by one, in any order and process."""

    def __len__(self) -> int: ...

    def open(self, index: int, side: int) -> Scene: ...  # square, of that side

    def take(self, indices: Ints) -> Self: ...

    def identity(self) -> bytes: ...  # what tells its scenes from others

    def names(self) -> tuple[str, ...]: ...  # of its images


Has = Literal["boxes", "masks", "classes"]


@dataclass(frozen=True)
class Scenes:
    """A set of scenes, opened. `has` says what its scenes know."""

    name: str
    class_names: tuple[str, ...]
    train: SceneSplit
    test: SceneSplit
    has: frozenset[Has]
    mean: Colour
    std: Colour
    validation: SceneSplit | None = None

    @property
    def pixel_classes(self) -> int:
        """Classes of a pixel: those of objects, with a background before them, or those named."""
        return len(self.class_names) + ("classes" not in self.has)

    @property
    def test_set(self) -> str:
        """A digest of the test images: which they are, and in which order."""
        return hashlib.sha256(self.test.identity()).hexdigest()

    @property
    def info(self) -> DataInfo:
        """The facts, without the images."""
        return DataInfo(
            name=self.name,
            classes=len(self.class_names),
            class_names=self.class_names,
            native_side=None,
            train_size=len(self.train),
            test_size=len(self.test),
            validation_size=len(self.validation) if self.validation else 0,
            mean=self.mean,
            std=self.std,
        )

    def subset(self, config: DataConfig) -> "Scenes":
        """Cut down to `train_size` and `test_size`; then `validation` takes its share."""
        train = _cut(self.train, config.train_size, config, "train")
        test = _cut(self.test, config.test_size, config, "test")
        if config.validation is None:
            return replace(self, train=train, test=test)
        order = _order(len(train), config)
        held = round(config.validation * len(train))
        if not 0 < held < len(train):
            raise InputError(
                f"{config.validation:g} of {len(train)} images leaves none to train on, or none"
                " to choose by",
                key="data.validation",
            )
        chosen, rest = np.sort(order[:held]), np.sort(order[held:])
        return replace(self, train=train.take(rest), test=test, validation=train.take(chosen))


def _cut(split: SceneSplit, size: int | None, config: DataConfig, which: str) -> SceneSplit:
    if size is None or size == len(split):
        return split
    refuse_more_than(len(split), size, config.name, f"{which}_size")
    return split.take(np.sort(_order(len(split), config)[:size]))


def _order(count: int, config: DataConfig) -> Ints:
    return np.random.RandomState(config.subset_seed % 2**32).permutation(count)


def tight_boxes(masks: Sequence[Mask]) -> Boxes:
    """(N, 4): the boxes around masks (H, W), to the outer edges of their pixels."""
    found = []
    for mask in masks:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        found.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    return np.array(found, np.float32).reshape(-1, 4)
