"""Image files of every kind to RGB, and a check of all of them before training starts.

A truncated file opens like a sound one and fails only when its pixels are read, so the check
reads the pixels of every image. That is done once: the verdicts are cached, keyed by the names,
sizes and times of the files.
"""

import io
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile

from workbench.array_file import DAMAGED
from workbench.machine import cache_folder
from workbench.whole_file import written_whole

PLAIN, TRUNCATED, UNREADABLE = "plain", "truncated", "unreadable"
FORMAT = "checked-2"  # counted up when verdicts come to mean something else
SMALL = 64 * 64  # pixels up to which an image's colours are summed for the normalisation
_KINDS = {"1": "bilevel", "L": "grayscale", "LA": "grayscale", "La": "grayscale", "F": "float"}
_KINDS |= {"RGBA": "with alpha", "RGBa": "with alpha", "RGBX": "with alpha", "P": "palette"}
_KINDS |= {"PA": "palette", "I": "16 bit", "RGB": PLAIN}
_tolerance = threading.Lock()
_log = logging.getLogger(__name__)

Read = Callable[[int], bytes]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Checked:
    """What is known of N images."""

    kinds: npt.NDArray[np.str_]  # (N,): plain, truncated, unreadable, grayscale, CMYK, ...
    sizes: npt.NDArray[np.int64]  # (N, 2): width, height; 0 where unreadable
    sums: Array  # (N, 6): means of R, G, B and of their squares, 0 to 1; NaN for large images
    turned: npt.NDArray[np.bool_]  # (N,): whether EXIF says that a viewer turns or mirrors it


class CheckedImage(NamedTuple):
    """What is known of one image; see `Checked`."""

    kind: str
    size: tuple[int, int] = (0, 0)
    sums: tuple[float, ...] = (float("nan"),) * 6
    turned: bool = False


def decode(data: bytes, tolerant: bool = False) -> Image.Image:
    """The RGB image in `data`; a tolerant decoder fills what is missing with grey or black.

    Raises what Pillow raises, for data that is no image.
    """
    image = Image.open(io.BytesIO(data))
    if not tolerant:
        image.load()
        return _rgb(image)
    with _tolerance:  # Pillow's only switch for this is one for the whole process
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            image.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    return _rgb(image)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "F":
        raise ValueError("floating-point pixels have no fixed range")
    if image.mode.startswith("I"):  # Pillow's own conversion clips 16 bits at 255
        high = np.clip(np.asarray(image).astype(np.int64), 0, 65535) >> 8
        return Image.fromarray(high.astype(np.uint8)).convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def check(read: Read, count: int, key: str) -> Checked:
    """The verdicts on images 0 to `count` - 1, from the cache where `key` has been seen."""
    file = cache_folder() / FORMAT / f"{key}.npz"
    cached = _load(file, count)
    if cached is not None:
        return cached
    if count > 20_000:
        _log.info("checking %d images; this is done once", count)
    parts = [range(start, min(start + 256, count)) for start in range(0, count, 256)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = [
            verdict
            for part in pool.map(lambda part: [_verdict(read, index) for index in part], parts)
            for verdict in part
        ]
    for index, verdict in enumerate(verdicts):
        if verdict.kind == TRUNCATED and not _partly_readable(read(index)):
            verdicts[index] = verdict._replace(kind=UNREADABLE)
    kinds, sizes, sums, turned = zip(*verdicts, strict=True)
    checked = Checked(
        np.array(kinds),
        np.array(sizes, np.int64),
        np.array(sums, np.float64),
        np.array(turned, np.bool_),
    )
    _store(file, checked)
    return checked


def _verdict(read: Read, index: int) -> CheckedImage:
    try:
        image = Image.open(io.BytesIO(read(index)))
    except Exception:  # Pillow raises a dozen kinds for data that is no image
        return CheckedImage(UNREADABLE)
    size = image.size
    kind = "16 bit" if image.mode.startswith("I;16") else _KINDS.get(image.mode, image.mode)
    try:
        if size[0] * size[1] > SMALL:  # an eighth of the resolution still reads every byte
            image.draft(image.mode, (size[0] // 8, size[1] // 8))
        image.load()
    except Exception:
        return CheckedImage(TRUNCATED, size)
    try:
        rgb = _rgb(image)
    except Exception:
        return CheckedImage(UNREADABLE, size)
    found = CheckedImage(kind, size, turned=_turned(image))
    return found._replace(sums=_colour_sums(rgb)) if size[0] * size[1] <= SMALL else found


def _turned(image: Image.Image) -> bool:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except Exception:  # what cameras write there is of many kinds
        return False


def _colour_sums(image: Image.Image) -> tuple[float, ...]:
    pixels = np.asarray(image, np.float64).reshape(-1, 3) / 255
    return (*pixels.mean(axis=0).tolist(), *np.square(pixels).mean(axis=0).tolist())


def _partly_readable(data: bytes) -> bool:
    try:
        decode(data, tolerant=True)
    except Exception:
        return False
    return True


def _load(file: Path, count: int) -> Checked | None:
    try:
        with np.load(file, allow_pickle=False) as stored:
            checked = Checked(stored["kinds"], stored["sizes"], stored["sums"], stored["turned"])
    except DAMAGED:
        return None
    return checked if len(checked.kinds) == count else None


def _store(file: Path, checked: Checked) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(file) as half, half.open("wb") as out:
            np.savez(out, **vars(checked))
    except OSError as error:
        _log.info("the verdicts on the images are not cached: %s", error)
