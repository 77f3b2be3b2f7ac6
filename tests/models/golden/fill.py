"""The rule that fills a state dict, so that golden logits need no stored weights.

Each tensor is drawn from NumPy's frozen `RandomState` stream seeded with the CRC-32 of its name.
"""

import zlib

import numpy as np
import torch
from torch import Tensor


def tensor(name: str, shape: list[int]) -> Tensor:
    """The values of the tensor `name`, float64."""
    leaf = name.rsplit(".", 1)[-1]
    z = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(tuple(shape))
    if leaf == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.long)
    if leaf == "running_var":
        z = 1 + 0.5 * np.abs(z)
    elif leaf in ("running_mean", "bias"):
        z = 0.1 * z
    elif len(shape) == 1:  # the weight of a norm
        z = 1 + 0.1 * z
    elif not leaf.startswith("relative_pos"):
        z = z * float(np.prod(shape[1:])) ** -0.5
    return torch.from_numpy(np.asarray(z))


def images(side: int) -> Tensor:
    """The input batch, float64, (2, 3, side, side)."""
    return torch.from_numpy(np.random.RandomState(20220601).standard_normal((2, 3, side, side)))
