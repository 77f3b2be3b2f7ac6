"""A scene of any size, opened and brought into a square."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from workbench.data.scenes.scene import IGNORED, Mask, Scene
from workbench.errors import InputError


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The image in a file, read when it is used. `InputError` for one that can't be read."""
    try:
        with Image.open(path) as image:
            yield image
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # as Pillow has it
        raise InputError(f"{path} can't be read: {error}", key="data.path") from None


def fitted(scene: Scene, side: int) -> Scene:
    """`scene` with its longer side at `side`; below or beside it the square is grey.

    Boxes and masks follow. Pixels that were added are of no class.
    """
    height, width = scene.image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))  # as Pillow has it
    image = np.full((side, side, 3), 127, np.uint8)
    image[: size[1], : size[0]] = np.asarray(
        Image.fromarray(scene.image).resize(size, Image.Resampling.BILINEAR)
    )
    ratio = np.array([size[0] / width, size[1] / height] * 2, np.float32)
    masks = None
    if scene.masks is not None:
        moved = [_moved(mask, size, side) for mask in scene.masks]
        masks = np.stack(moved) if moved else np.zeros((0, side, side), np.bool_)
    classes = None
    if scene.classes is not None:
        classes = np.full((side, side), IGNORED, np.uint8)
        whole = Image.fromarray(scene.classes).resize(size, Image.Resampling.NEAREST)
        classes[: size[1], : size[0]] = np.asarray(whole)
    return Scene(image, scene.boxes * ratio, scene.labels, masks, scene.crowd, classes)


def _moved(mask: Mask, size: tuple[int, int], side: int) -> Mask:
    found = np.zeros((side, side), np.bool_)
    found[: size[1], : size[0]] = np.asarray(
        Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)
    )
    return found
