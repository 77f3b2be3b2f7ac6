"""Image folders in ImageNet's layout: `train/CLASS/*.jpg` and `val/CLASS/*.jpg` (or `test/`)."""

import hashlib
import os
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
    refuse_few_classes(config, classes)
    _refuse_strangers(config, test, classes)
    splits = (_index(config, top, classes) for top in (train, test))
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


def _index(config: DataConfig, top: Path, classes: tuple[str, ...]) -> Encoded:
    names: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(_images(top, name)) if (top / name).is_dir() else []
        names += found
        labels += [label] * len(found)
    if not names:
        raise InputError(f"{config.path!r} has no image in {top.name}/", key="data.path")
    shown = [f"{top.name}/{name}" for name in names]
    key = fingerprint(top, names)
    return Encoded(Files(top, tuple(names)), shown, np.array(labels, np.int64), key)


def _images(top: Path, name: str) -> list[str]:
    return [
        os.path.relpath(os.path.join(base, file), top)
        for base, _, files in os.walk(top / name, followlinks=True)
        for file in files
        if file.lower().endswith(SUFFIXES)
    ]


def fingerprint(top: Path, names: list[str]) -> str:
    """A digest that changes when a file below `top` is added, removed, renamed or written."""
    seen = hashlib.sha256(str(top.resolve()).encode())
    for name in names:
        try:
            facts = os.stat(top / name)
        except OSError:  # a broken link, say: the check calls it unreadable
            seen.update(f"\0{name}\0".encode())
            continue
        seen.update(f"\0{name}\0{facts.st_size}\0{facts.st_mtime_ns}".encode())
    return seen.hexdigest()
