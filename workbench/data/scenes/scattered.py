"""Digits scattered on canvases of noise and clutter: boxes and masks are exact, for any side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from workbench.config import Colour, DataConfig
from workbench.data.keys import Purpose, stream
from workbench.data.scenes.scene import Boxes, Has, Mask, Scene, Scenes, tight_boxes
from workbench.data.small import digits
from workbench.data.source import ArraySplit, Bytes, Ints

TRAIN, TEST = 1000, 250  # scenes, where the recipe says no other sizes
LEAST, MOST = 12, 28  # pixels, heights of digits; no more than half of the side
AREA = 900  # pixels to one digit, at most
TRIES = 20  # to find each a free place
INK = 96  # of 255: from there on a pixel belongs to the digit
MEAN: Colour = (0.42, 0.42, 0.42)
STD: Colour = (0.14, 0.14, 0.14)

Grey = npt.NDArray[np.float32]
Place = tuple[int, int, int, int]  # left, top, right, bottom


def scattered_digits(config: DataConfig) -> Scenes:
    """Scikit-learn's digits, each 12 to 28 pixels high, 2 and more to a canvas, apart.

    `data.subset_seed` draws the canvases; those of the test show digits that training never sees.
    """
    own = digits(DataConfig())
    sizes = config.train_size or TRAIN, config.test_size or TEST
    train, test = (
        ScatteredDigits(which, config.subset_seed, tuple(range(size)))
        for which, size in enumerate(sizes)
    )
    has: frozenset[Has] = frozenset({"boxes", "masks"})
    return Scenes("scattered_digits", own.class_names, train, test, has, MEAN, STD)


@dataclass(frozen=True)
class ScatteredDigits:
    """Scenes of one split, 0 the training's and 1 the test's; drawn as they are opened."""

    which: int
    seed: int
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def open(self, index: int, side: int) -> Scene:
        """Scene `index` on a canvas of `side`."""
        return _drawn(self.which, self.seed, self.indices[index], side)

    def take(self, indices: Ints) -> "ScatteredDigits":
        """The scenes at `indices`."""
        return replace(self, indices=tuple(self.indices[index] for index in indices))

    def identity(self) -> bytes:
        """What they are drawn from."""
        return repr((self.which, self.seed, self.indices, LEAST, MOST, AREA, INK)).encode()

    def names(self) -> tuple[str, ...]:
        """Their numbers."""
        return tuple(map(str, self.indices))


@lru_cache(maxsize=4096)
def _drawn(which: int, seed: int, index: int, side: int) -> Scene:
    random = stream(Purpose.SCENES, seed, which, index, side)
    ink = _ink(which)
    canvas = _background(side, random)
    _clutter(canvas, ink.pixels, random)
    count = int(random.integers(2, max(3, min(12, side**2 // AREA)) + 1))
    masks: list[Mask] = []
    labels: list[int] = []
    taken: list[Place] = []
    for _ in range(count):
        chosen = int(random.integers(len(ink.labels)))
        place = _place(side, taken, random)
        if place is None:
            continue
        taken.append(place)
        masks.append(_write(canvas, ink.pixels[chosen], place, random))
        labels.append(int(ink.labels[chosen]))
    boxes: Boxes = tight_boxes(masks)
    pixels = np.clip(canvas, 0, 255).astype(np.uint8)
    found = np.stack(masks) if masks else np.zeros((0, side, side), np.bool_)
    return Scene(np.repeat(pixels[..., None], 3, 2), boxes, np.array(labels, np.int64), found)


@lru_cache(maxsize=2)
def _ink(which: int) -> "_Ink":
    source = digits(DataConfig())
    split = (source.train, source.test)[which]
    assert isinstance(split, ArraySplit)
    return _Ink(split.pixels[..., 0], split.labels)


@dataclass(frozen=True)
class _Ink:
    pixels: Bytes  # (N, 8, 8)
    labels: Ints  # (N,)


def _background(side: int, random: np.random.Generator) -> Grey:
    """(side, side): grey levels that drift over the canvas, and noise."""
    cells = random.uniform(60, 150, (4, 4)).astype(np.float32)
    smooth = Image.fromarray(cells).resize((side, side), Image.Resampling.BILINEAR)
    return np.array(smooth) + random.normal(0, 14, (side, side)).astype(np.float32)


def _clutter(canvas: Grey, ink: Bytes, random: np.random.Generator) -> None:
    """Strokes and quarters of digits, which are like digits in all but their whole."""
    side = len(canvas)
    drawing = Image.new("L", (side, side))
    pen = ImageDraw.Draw(drawing)
    for _ in range(int(random.integers(2, 3 + side // 24))):
        start, end = random.uniform(0, side, 2), random.normal(0, 10, 2)
        width = int(random.integers(1, 3))
        pen.line(
            [tuple(start), tuple(start + end)], fill=int(random.integers(60, 200)), width=width
        )
    for _ in range(side**2 // 1500):
        part = ink[int(random.integers(len(ink)))][:4, :4] if random.random() < 0.5 else None
        part = ink[int(random.integers(len(ink)))][4:, 4:] if part is None else part
        size = int(random.integers(6, 12))
        place = (int(random.integers(0, side)), int(random.integers(0, side)))
        drawing.paste(Image.fromarray(np.ascontiguousarray(part)).resize((size, size)), place)
    sign = random.choice((-1.0, 1.0))
    canvas += sign * np.asarray(drawing, np.float32) * 0.5


def _place(side: int, taken: Sequence[Place], random: np.random.Generator) -> Place | None:
    """Left, top, right and bottom of a free place; None if none is found."""
    most = min(MOST, side // 2)
    for _ in range(TRIES):
        height = int(random.integers(min(LEAST, most), most + 1))
        width = max(4, round(height * random.uniform(0.7, 1.0)))
        left, top = (int(random.integers(0, side - size + 1)) for size in (width, height))
        box = (left, top, left + width, top + height)
        if not any(_touch(box, other) for other in taken):
            return box
    return None


def _touch(one: Place, other: Place) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


def _write(
    canvas: Grey,
    digit: Bytes,
    place: Place,
    random: np.random.Generator,
) -> Mask:
    """Draws a digit, lighter or darker than what it covers; the mask (side, side) of its ink."""
    left, top, right, bottom = place
    size = (right - left, bottom - top)
    ink = np.asarray(Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC), np.float32)
    below = canvas[top:bottom, left:right]
    tone = random.uniform(190, 255) if below.mean() < 105 else random.uniform(0, 45)
    share = ink / 255
    canvas[top:bottom, left:right] = below * (1 - share) + tone * share
    mask = np.zeros(canvas.shape, np.bool_)
    mask[top:bottom, left:right] = ink >= min(INK, ink.max())
    return mask
