"""Two photographs that ship with scikit-learn: a temple in China and a flower."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

NAMES = ("china", "flower")


def photographs(side: int) -> Tensor:
    """Their central squares at `side` pixels, values in [0, 1]: (2, 3, side, side)."""
    from sklearn.datasets import load_sample_image

    squares = (_square(load_sample_image(f"{name}.jpg"), side) for name in NAMES)
    return torch.stack(list(squares))


def _square(pixels: np.ndarray, side: int) -> Tensor:
    image = Image.fromarray(pixels)
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    box = (left, top, left + short, top + short)
    small = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=box))
    return torch.from_numpy(small.copy()).permute(2, 0, 1).float() / 255
