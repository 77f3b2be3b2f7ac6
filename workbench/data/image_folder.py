"""Image folders in ImageNet's layout: `train/CLASS/*.jpg` and `val/CLASS/*.jpg` (or `test/`).

Links are followed, to files and to folders, as long as no folder is read twice by them.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.config import DataConfig
from workbench.data.encoded import (
    Encoded,
    Files,
    encoded_source,
    existing_folder,
    refuse_few_classes,
)
from workbench.data.source import Source
from workbench.errors import InputError, nearest

LAYOUT = "train/CLASS/ and val/CLASS/ (or test/CLASS/) full of images"
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


def folder(config: DataConfig) -> Source:
    """The images below `data.path`; classes are the sorted names of the folders in `train/`."""
    root = existing_folder(config, LAYOUT)
    train = root / "train"
    if not train.is_dir():
        raise InputError(
            f"{config.path!r} has no train/; give a folder with {LAYOUT}", key="data.path"
        )
    test = next((root / name for name in ("val", "test") if (root / name).is_dir()), None)
    if test is None:
        raise InputError(
            f"{config.path!r} has neither val/ nor test/ beside train/", key="data.path"
        )
    classes = tuple(sorted(entry.name for entry in train.iterdir() if entry.is_dir()))
    _refuse_unnamed(config, classes)
    refuse_few_classes(config, classes)
    _refuse_strangers(config, test, classes)
    folders = _Folders(config, (train, test))
    splits = (_index(config, top, classes, folders) for top in (train, test))
    return encoded_source(config, classes, *splits, own_colours=False)


def _refuse_strangers(config: DataConfig, test: Path, classes: tuple[str, ...]) -> None:
    found = {entry.name for entry in test.iterdir() if entry.is_dir()}
    strange = sorted(found - set(classes))
    if strange:
        raise InputError(
            f"{config.path!r} has class {strange[0]!r} in {test.name}/ but not in "
            f"train/; {nearest(strange[0], classes)}",
            key="data.path",
        )


def _refuse_unnamed(config: DataConfig, classes: tuple[str, ...]) -> None:
    """A class has a name in tables and files, all of them UTF-8."""
    odd = next((name for name in classes if name != printable(name)), None)
    if odd is not None:
        raise InputError(
            f"{config.path!r}: train/{printable(odd)} is a class whose name is not UTF-8; rename"
            " its folder",
            key="data.path",
        )


def _index(config: DataConfig, top: Path, classes: tuple[str, ...], folders: "_Folders") -> Encoded:
    names: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = folders.images(top, name) if (top / name).is_dir() else []
        names += found
        labels += [label] * len(found)
    if not names:
        raise InputError(f"{config.path!r} has no image in {top.name}/", key="data.path")
    shown = [f"{top.name}/{printable(name)}" for name in names]
    key = fingerprint(top, names)
    return Encoded(Files(top, tuple(names)), shown, np.array(labels, np.int64), key)


class _Folders:
    """The folders that were read, by what they are on disk: links may lead to one again.

    An image would then count more than once, with another label perhaps. The same class may be read
    for both splits: a try-out may link its test images to those of training.
    """

    def __init__(self, config: DataConfig, tops: Sequence[Path]) -> None:
        self._path = config.path
        self._read: dict[tuple[int, int], tuple[str, str | None, str]] = {}
        root = tops[0].resolve().parent
        for place in (*root.parents, root, *tops):
            self._read[_identity(place)] = ("", None, str(place))

    def images(self, top: Path, name: str) -> list[str]:
        """The images below `top`/`name`, relative to `top`, sorted."""
        found: list[str] = []
        for base, _, files in os.walk(top / name, onerror=self._refuse, followlinks=True):
            self._enter(top, name, Path(base))
            paths = (os.path.join(base, file) for file in files if file.lower().endswith(SUFFIXES))
            found += [os.path.relpath(path, top) for path in paths]
        return sorted(found)

    def _enter(self, top: Path, name: str, folder: Path) -> None:
        identity, shown = _identity(folder), f"{top.name}/{printable(str(folder.relative_to(top)))}"
        split, label, before = self._read.get(identity, (top.name, name, ""))
        if before and (label != name or split == top.name):
            raise InputError(
                f"{self._path!r}: {shown} and {before} are one folder, through a link; its"
                " images would count twice",
                key="data.path",
            )
        self._read[identity] = (top.name, name, shown)

    def _refuse(self, error: OSError) -> None:
        name = printable(str(error.filename))
        raise InputError(f"{self._path!r}: {name} can't be read: {error.strerror}", key="data.path")


def _identity(folder: Path) -> tuple[int, int]:
    facts = folder.stat()
    return facts.st_dev, facts.st_ino


def printable(name: str) -> str:
    """A file's name whose bytes need not be UTF-8, for people."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def fingerprint(top: Path, names: list[str]) -> str:
    """A digest that changes when a file below `top` is added, removed, renamed or written."""
    seen = hashlib.sha256(os.fsencode(top.resolve()))
    for name in names:
        try:
            facts = os.stat(top / name)
        except OSError:  # a broken link, say: the check calls it unreadable
            seen.update(b"\0%b\0" % os.fsencode(name))
            continue
        size_and_time = f"{facts.st_size}\0{facts.st_mtime_ns}".encode()
        seen.update(b"\0%b\0%b" % (os.fsencode(name), size_and_time))
    return seen.hexdigest()
