"""The first test images of a run with what is in them and what was found, for a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workbench.array_file import write_arrays
from workbench.data.scenes.moves import Target

NAME = "pictures.npz"
MOST = 6  # images that are kept
SURE = 0.5  # the least score of what is drawn

Arrays = dict[str, npt.NDArray[np.generic]]


@dataclass
class Pictures:
    """Objects or maps of the first images; what is unsure is left out."""

    names: tuple[str, ...]
    _arrays: Arrays = field(default_factory=dict)
    _count: int = 0

    def add(self, images: Tensor, targets: Sequence[Target], found: Sequence[Target]) -> None:
        """Images (B, 3, H, W) from 0 to 1, what is in them, and what was found with its scores."""
        for image, true, said in zip(images, targets, found, strict=True):
            if self._count == MOST:
                return
            sure = said["scores"] >= SURE
            self._add(image, {
                **{f"true_{key}": value for key, value in true.items()},
                **{f"found_{key}": value[sure] for key, value in said.items()},
            })  # fmt: skip

    def add_maps(self, images: Tensor, true: Tensor, said: Tensor) -> None:
        """Images (B, 3, H, W) from 0 to 1, and the classes (B, H, W) of their pixels."""
        for image, *maps in zip(images, true, said, strict=True):
            if self._count == MOST:
                return
            self._add(image, dict(zip(("true_map", "found_map"), maps, strict=True)))

    def _add(self, image: Tensor, found: Mapping[str, Tensor]) -> None:
        pixels = image.mul(255).round().to(torch.uint8).permute(1, 2, 0)
        for key, value in {"image": pixels, **found}.items():
            small = value.to(torch.uint8) if key.endswith(("masks", "map")) else value
            self._arrays[f"{self._count}_{key}"] = small.cpu().numpy()
        self._count += 1

    def write(self, folder: Path, run: str) -> None:
        """`pictures.npz` in `folder`, whole."""
        known = {"run": np.array(run), "names": np.array(self.names), **self._arrays}
        write_arrays(folder / NAME, known)
