"""Image files of every kind, made on the spot, and a cache of their own for the verdicts."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import workbench.data as data

MakeFolder = Callable[..., Path]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No cache of this user's and none of another test's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    data._source.cache_clear()
    data._pixels.cache_clear()
    yield
    torch.set_num_threads(threads)


def picture(seed: int, size: tuple[int, int] = (20, 16)) -> Image.Image:
    """A smooth RGB image that a seed fixes."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    """The file that holds `image`."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Makes an image folder: `count` images of each class in train/, two in `test`."""

    def make(classes: tuple[str, ...] = ("cat", "dog"), count: int = 4, test: str = "val") -> Path:
        root = tmp_path / "images"
        for split, images in (("train", count), (test, 2)):
            for label, name in enumerate(classes):
                place = root / split / name
                place.mkdir(parents=True)
                for index in range(images):
                    seed = 1000 * (split == "train") + 100 * label + index
                    picture(seed, (20 + index, 16)).save(place / f"{index}.png")
        return root

    return make
