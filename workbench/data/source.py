"""What every data set comes down to: splits of labelled RGB images."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from workbench.config import Colour, Count, DataConfig, Frozen, Natural
from workbench.data.subset import held_out, stratified
from workbench.errors import InputError

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


class DataFacts(Frozen):
    """What a plan needs to know of a data set."""

    classes: Count
    train_size: Count  # without the validation images
    test_size: Count
    validation_size: Natural = 0


class DataInfo(DataFacts):
    """What is known of a data set that is here."""

    name: str
    class_names: tuple[str, ...]
    channels: Count = 3
    native_side: Count | None  # None: the images are of several sizes, or not square
    mean: Colour  # of the training images, RGB, 0 to 1
    std: Colour


class Split(Protocol):
    """Labelled images that can be opened one by one, in any order and process."""

    @property
    def labels(self) -> Ints: ...  # (N,)

    def open(self, index: int) -> Image.Image: ...  # RGB

    def take(self, indices: Ints) -> Self: ...

    def relabelled(self, labels: Ints) -> Self: ...

    def identities(self) -> Iterator[bytes]:
        """What tells its images from others, in their order; the same on every machine."""


@dataclass(frozen=True)
class ArraySplit:
    """Images of one size, decoded: pixels (N, H, W, 3), labels (N,)."""

    pixels: Bytes
    labels: Ints

    def open(self, index: int) -> Image.Image:
        """Image `index`."""
        return Image.fromarray(self.pixels[index])

    def take(self, indices: Ints) -> "ArraySplit":
        """The images at `indices`, copied."""
        return ArraySplit(self.pixels[indices], self.labels[indices])

    def relabelled(self, labels: Ints) -> "ArraySplit":
        """The same images with other labels."""
        return replace(self, labels=labels)

    def identities(self) -> Iterator[bytes]:
        """The pixels of all images."""
        yield np.ascontiguousarray(self.pixels).tobytes()


@dataclass(frozen=True)
class Source:
    """A data set, opened."""

    name: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    largest_side: int  # of any image, before it is resized
    native_side: int | None
    mean: Colour
    std: Colour
    validation: Split | None = None  # cut from the training images, for choices

    @property
    def splits(self) -> tuple[Split, ...]:
        """Training, test and, where there are some, validation images."""
        return (self.train, self.test, *([self.validation] if self.validation else []))

    @cached_property
    def test_set(self) -> str:
        """A digest of the test images: which they are, in which order, with which labels."""
        seen = hashlib.sha256(self.test.labels.astype("<i8").tobytes())
        for identity in self.test.identities():
            seen.update(b"\0" + identity)
        return seen.hexdigest()

    @property
    def info(self) -> DataInfo:
        """The facts, without the images."""
        return DataInfo(
            name=self.name,
            classes=len(self.class_names),
            class_names=self.class_names,
            native_side=self.native_side,
            train_size=len(self.train.labels),
            test_size=len(self.test.labels),
            validation_size=len(self.validation.labels) if self.validation else 0,
            mean=self.mean,
            std=self.std,
        )

    def only(self, classes: Sequence[int] | None) -> "Source":
        """The images of `classes` alone, which get the labels 0, 1, ... in the order given.

        Colours stay those of the whole set. Raises `InputError` for a class that is not there.
        """
        if classes is None:
            return self
        refuse_classes(classes, len(self.class_names), self.name)
        names = tuple(self.class_names[each] for each in classes)
        train, test = _relabelled(self.train, classes), _relabelled(self.test, classes)
        return replace(self, class_names=names, train=train, test=test)

    def subset(self, config: DataConfig) -> "Source":
        """The source cut down to `train_size` and `test_size`, where they are given.

        Then `validation` cuts its share from the training images that are left.
        """
        train = _cut(self.train, config.train_size, config, "train")
        test = _cut(self.test, config.test_size, config, "test")
        if config.validation is None:
            return replace(self, train=train, test=test)
        chosen = held_out(train.labels, config.validation, config.subset_seed, self.class_names)
        rest = np.setdiff1d(np.arange(len(train.labels)), chosen)
        return replace(self, train=train.take(rest), test=test, validation=train.take(chosen))


def refuse_classes(classes: Sequence[int], count: int, name: str) -> None:
    """Refuse numbers of classes that set `name` has not, or that stand there twice."""
    for each in classes:
        if each >= count:
            raise InputError(
                f"{each} is no class of {name}, which has 0 to {count - 1}", key="data.classes"
            )
        if classes.count(each) > 1:
            raise InputError(f"{each} stands there more than once", key="data.classes")


def _relabelled(split: Split, classes: Sequence[int]) -> Split:
    order = np.array(classes)
    chosen = split.take(np.flatnonzero(np.isin(split.labels, order)))
    places = np.argsort(order)
    labels = places[np.searchsorted(order[places], chosen.labels)].astype(np.int64)
    return chosen.relabelled(labels)


def _cut(split: Split, size: int | None, config: DataConfig, which: str) -> Split:
    count = len(split.labels)
    if size is None or size == count:
        return split
    refuse_more_than(count, size, config.name, f"{which}_size")
    return split.take(stratified(split.labels, size, config.subset_seed))


def refuse_more_than(count: int, size: int, name: str, key: str) -> None:
    """Refuse a `train_size` or `test_size` of more images than set `name` has."""
    if size > count:
        which = key.removesuffix("_size")
        raise InputError(
            f"{size} is more than the {count} {which} images of {name}", key=f"data.{key}"
        )


def array_source(
    name: str, class_names: tuple[str, ...], train: ArraySplit, test: ArraySplit
) -> Source:
    """A source of square decoded images, normalised by its own training images."""
    side = train.pixels.shape[1]
    mean, std = statistics(train.pixels)
    return Source(name, class_names, train, test, side, side, mean, std)


def statistics(pixels: Bytes) -> tuple[Colour, Colour]:
    """Mean and standard deviation of each channel of (N, H, W, 3), in units of 0 to 1."""
    counts = np.stack([np.bincount(pixels[..., c].ravel(), minlength=256) for c in range(3)])
    levels = np.arange(256) / 255
    total = counts.sum(axis=1)
    return moments(counts @ levels / total, counts @ levels**2 / total)


def moments(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> tuple[Colour, Colour]:
    """Mean and standard deviation from the means of x and x squared, one of each per channel."""
    # A channel that never changes would divide by zero: one grey level is the least spread.
    deviation = np.sqrt(np.maximum(second - first**2, 1 / 255**2))
    r, g, b = (float(value) for value in first)
    dr, dg, db = (float(value) for value in deviation)
    return (r, g, b), (dr, dg, db)
