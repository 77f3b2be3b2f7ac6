"""Sets of encoded images: what folders, parquet files and torchvision's flowers have in common."""

import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from workbench.config import IMAGENET_MEAN, IMAGENET_STD, Colour, DataConfig
from workbench.data.images import PLAIN, TRUNCATED, UNREADABLE, Checked, Read, check, decode
from workbench.data.source import Ints, Source, moments
from workbench.errors import InputError, InputWarning

Mask = npt.NDArray[np.bool_]


class BadImagesWarning(InputWarning):
    """Images that were skipped or are incomplete."""


@dataclass(frozen=True)
class Files:
    """Reads whole files below `root`."""

    root: Path
    names: tuple[str, ...]

    def __call__(self, index: int) -> bytes:
        """The bytes of file `index`. Raises `OSError` for a pipe or device, which never ends."""
        file = self.root / self.names[index]
        if not file.is_file():
            raise OSError(f"{file} is no file")
        return file.read_bytes()


@dataclass(frozen=True)
class Encoded:
    """N encoded images, not yet looked at."""

    read: Read
    names: Sequence[str]
    labels: Ints
    key: str  # changes when the images do


@dataclass(frozen=True)
class EncodedSplit:
    """Images that are decoded as they are opened."""

    read: Read
    positions: Ints  # (N,), what `read` calls them
    truncated: Mask  # (N,)
    labels: Ints  # (N,)

    def open(self, index: int) -> Image.Image:
        """Image `index`."""
        return decode(self.read(int(self.positions[index])), bool(self.truncated[index]))

    def take(self, indices: Ints) -> "EncodedSplit":
        """The images at `indices`."""
        return EncodedSplit(
            self.read, self.positions[indices], self.truncated[indices], self.labels[indices]
        )

    def relabelled(self, labels: Ints) -> "EncodedSplit":
        """The same images with other labels."""
        return replace(self, labels=labels)

    def identities(self) -> Iterator[bytes]:
        """The bytes of each file's digest: names and times differ from machine to machine."""
        for position in self.positions:
            yield hashlib.sha256(self.read(int(position))).digest()


def encoded_source(
    config: DataConfig,
    class_names: tuple[str, ...],
    train: Encoded,
    test: Encoded,
    *,
    own_colours: bool,
) -> Source:
    """A source of those images that `config.bad_images` lets through.

    Small images are normalised by their own colours where `own_colours`, else by ImageNet's.
    """
    checked = [check(split.read, len(split.labels), split.key) for split in (train, test)]
    names = [*train.names, *test.names]
    kinds = np.concatenate([each.kinds for each in checked])
    kept = np.split(_allowed(config, names, kinds), [len(train.names)])
    _say_turned(names, np.concatenate([each.turned for each in checked]) & np.concatenate(kept))
    sizes = np.concatenate([each.sizes[mask] for each, mask in zip(checked, kept, strict=True)])
    splits = [_kept(*each) for each in zip((train, test), checked, kept, strict=True)]
    _refuse_lost_classes(config, class_names, splits[0].labels, splits[1].labels)
    alike = bool((sizes == sizes[0, 0]).all())
    whole = kept[0] & (checked[0].kinds != TRUNCATED)
    mean, std = _colours(checked[0].sums[whole], own_colours)
    return Source(
        name=config.name,
        class_names=class_names,
        train=splits[0],
        test=splits[1],
        largest_side=int(sizes.max()),
        native_side=int(sizes[0, 0]) if alike else None,
        mean=mean,
        std=std,
    )


def _kept(split: Encoded, checked: Checked, kept: Mask) -> EncodedSplit:
    positions = np.flatnonzero(kept)
    truncated = checked.kinds[positions] == TRUNCATED
    return EncodedSplit(split.read, positions, truncated, split.labels[positions])


def _allowed(config: DataConfig, names: Sequence[str], kinds: npt.NDArray[np.str_]) -> Mask:
    """Which images are used; those that are not whole, or not used, are named in one warning."""
    odd = kinds != PLAIN
    convert = config.bad_images == "convert"
    if odd.any() and config.bad_images == "fail":
        raise InputError(
            f"{config.path!r} has {_listing(names, kinds, odd)} that are not plain RGB; "
            "--set recipe.data.bad_images=convert or skip goes on with them or without",
            key="data.path",
        )
    lost = kinds == UNREADABLE if convert else odd
    partial = (kinds == TRUNCATED) & convert
    notes = [f"{_listing(names, kinds, lost)} skipped"] if lost.any() else []
    if partial.any():
        way = "leave them out with --set recipe.data.bad_images=skip"
        notes.append(f"{_listing(names, kinds, partial)} used in part; {way}")
    if notes:
        warnings.warn(f"data.path: {'; '.join(notes)}", BadImagesWarning, stacklevel=2)
    return np.asarray(~lost)


def _say_turned(names: Sequence[str], turned: Mask) -> None:
    if turned.any():
        kinds = np.full(len(names), "EXIF")
        warnings.warn(
            f"data.path: {_listing(names, kinds, turned)} are for viewers to turn or mirror, and"
            " are taken as they are stored, as torchvision and timm take them",
            BadImagesWarning,
            stacklevel=2,
        )


def _listing(names: Sequence[str], kinds: npt.NDArray[np.str_], which: Mask, most: int = 10) -> str:
    found = np.flatnonzero(which)
    named = [f"{names[index]} ({kinds[index]})" for index in found[:most]]
    rest = [f"{len(found) - most} more"] if len(found) > most else []
    return f"{len(found)} of {len(names)} images ({', '.join(named + rest)})"


def _refuse_lost_classes(
    config: DataConfig, class_names: tuple[str, ...], train: Ints, test: Ints
) -> None:
    if not len(test):
        raise InputError(f"{config.path!r} has no test image that can be used", key="data.path")
    lost = np.setdiff1d(np.arange(len(class_names)), train)
    if len(lost):
        raise InputError(
            f"{config.path!r} has no usable training image of class {class_names[lost[0]]!r}",
            key="data.path",
        )


def _colours(sums: npt.NDArray[np.float64], own: bool) -> tuple[Colour, Colour]:
    if not own or not len(sums) or np.isnan(sums).any():  # NaN: a large image
        return IMAGENET_MEAN, IMAGENET_STD
    mean = sums.mean(axis=0)
    return moments(mean[:3], mean[3:])


def refuse_few_classes(config: DataConfig, class_names: Sequence[str]) -> None:
    """Fewer than two classes leave nothing to learn."""
    if len(class_names) < 2:
        found = f"one class, {class_names[0]!r}" if class_names else "no class"
        raise InputError(f"{config.path!r} has {found}; at least two are needed", key="data.path")


def existing_folder(config: DataConfig, layout: str) -> Path:
    """`config.path` as a folder that exists; `layout` says in the error what it should hold."""
    if config.path is None:
        raise InputError(
            f"missing; data.name={config.name} reads a folder with {layout}", key="data.path"
        )
    path = Path(os.path.expanduser(config.path))
    if not path.exists():
        raise InputError(f"{config.path!r} does not exist", key="data.path")
    if not path.is_dir():
        raise InputError(
            f"{config.path!r} is not a folder; give one with {layout}", key="data.path"
        )
    return path
