"""Folders of images and of masks, whose pixels are classes.

train/images/NAME.jpg and train/masks/NAME.png, the same below val/, and classes.txt with one name a
line. A pixel's value is the line of its class, counted from 0; 255 is neither trained nor scored.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.config import IMAGENET_MEAN, IMAGENET_STD, DataConfig
from workbench.data.encoded import existing_folder
from workbench.data.image_folder import SUFFIXES, fingerprint
from workbench.data.scenes.fit import fitted, opened
from workbench.data.scenes.scene import IGNORED, Scene, Scenes
from workbench.data.source import Ints
from workbench.errors import InputError

LAYOUT = "train/images, train/masks, val/images, val/masks and classes.txt"
MODES = ("1", "L", "P", "I", "I;16", "LA", "RGB", "RGBA")  # of a mask, as Pillow names them


def mask_folder(config: DataConfig) -> Scenes:
    """The images and masks below `data.path`; all masks are looked at before anything trains."""
    root = existing_folder(config, LAYOUT)
    names = _class_names(root)
    train, test = (_split(root / which, len(names)) for which in ("train", "val"))
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    return Scenes("mask_folder", names, train, test, frozenset({"classes"}), mean, std)


@dataclass(frozen=True)
class MaskSplit:
    """Pairs of files below `top`."""

    top: Path
    images: tuple[str, ...]
    masks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def open(self, index: int, side: int) -> Scene:
        """Pair `index`, fitted into a square of `side`."""
        with opened(self.top / "images" / self.images[index]) as file:
            image = file.convert("RGB")
        found = Scene(
            np.asarray(image),
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.int64),
            classes=_read(self.top / "masks" / self.masks[index]).astype(np.uint8),
        )
        return fitted(found, side)

    def take(self, indices: Ints) -> "MaskSplit":
        """The pairs at `indices`."""
        images, masks = (
            tuple(names[index] for index in indices) for names in (self.images, self.masks)
        )
        return MaskSplit(self.top, images, masks)

    def identity(self) -> bytes:
        """The names and contents of the files."""
        return repr((self.images, fingerprint(self.top / "masks", list(self.masks)))).encode()

    def names(self) -> tuple[str, ...]:
        """The files of the images."""
        return self.images


def _class_names(root: Path) -> tuple[str, ...]:
    file = root / "classes.txt"
    if not file.is_file():
        raise InputError(f"{file} does not exist; one name of a class a line", key="data.path")
    text = file.read_text(encoding="utf-8", errors="replace").rstrip()
    names = tuple(line.strip() for line in text.splitlines())
    if "" in names:
        raise InputError(f"{file}: line {names.index('') + 1} is empty", key="data.path")
    if not 2 <= len(names) < IGNORED:
        raise InputError(f"{file} names {len(names)} classes; 2 to 254 are needed", key="data.path")
    return names


def _split(top: Path, classes: int) -> MaskSplit:
    for each in (top / "images", top / "masks"):
        if not each.is_dir():
            raise InputError(f"{each} does not exist; give a folder with {LAYOUT}", key="data.path")
    files = (top / "images").iterdir()
    images = sorted(file.name for file in files if file.suffix.lower() in SUFFIXES)
    if not images:
        raise InputError(f"{top / 'images'} has no image", key="data.path")
    masks = [f"{Path(name).stem}.png" for name in images]
    for image, mask in zip(images, masks, strict=True):
        _check(top / "images" / image, top / "masks" / mask, classes)
    return MaskSplit(top, tuple(images), tuple(masks))


def _check(image: Path, mask: Path, classes: int) -> None:
    if not mask.is_file():
        raise InputError(f"{mask} does not exist, the mask of {image.name}", key="data.path")
    found = _read(mask)
    with opened(image) as file:
        size = file.size
    if found.shape[::-1] != size:
        raise InputError(
            f"{mask} has {found.shape[1]} x {found.shape[0]} pixels, and its image"
            f" {size[0]} x {size[1]}",
            key="data.path",
        )
    beyond = found[(found >= classes) & (found != IGNORED)]
    if beyond.size:
        raise InputError(
            f"{mask} has class {beyond.max()}, and classes.txt names {classes}: 0 to"
            f" {classes - 1}, or {IGNORED} for pixels that don't count",
            key="data.path",
        )


def _read(mask: Path) -> Ints:
    """(H, W), as the file has it: a palette's indices, or grey levels of 1, 8 or 16 bits."""
    with opened(mask) as file:
        mode, values = file.mode, np.asarray(file)
    grey = values[..., 0] if values.ndim == 3 else values
    coloured = mode in ("RGB", "RGBA") and (values[..., :3] != grey[..., None]).any()
    if coloured or mode not in MODES:
        raise InputError(
            f"{mask} has colours ({mode}); the pixels of a mask are numbers of classes",
            key="data.path",
        )
    return grey.astype(np.int64)
