"""Tables with one entry per head and absolute offset (|dy|, |dx|), as LeViT has them."""

from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor


def centre_offsets(side: int, key_side: int) -> Tensor:
    """Steps (side, key_side) between a position and the centre of a cell of k = side / key_side.

    Along one axis, as indices of a table. With k = 1 they are |i - j|; a wider cell is met at
    half positions, so that the steps are floor(|i - centre|), and left and right stay alike.
    """
    k = side // key_side
    twice = 2 * torch.arange(side)[:, None] + 1 - (2 * torch.arange(key_side)[None] + 1) * k
    return twice.abs() // 2


def centre_span(side: int, key_side: int) -> int:
    """How many steps `centre_offsets` can give."""
    return (2 * side + 1 - side // key_side) // 2


def strided_offsets(side: int, stride: int) -> Tensor:
    """Steps (ceil(side / stride), side) between every stride-th position and all of them."""
    return (torch.arange(0, side, stride)[:, None] - torch.arange(side)[None]).abs()


def spread(table: Tensor, steps: Tensor) -> Tensor:
    """The bias (heads, q * q, k * k) that a table (heads, span * span) means.

    `steps` (q, k) holds the indices along one axis; both axes are alike.
    """
    heads, span = table.shape[0], isqrt(table.shape[1])
    queries, keys = steps.shape
    flat = steps.flatten()
    grid = table.reshape(heads, span, span).index_select(1, flat).index_select(2, flat)
    grid = grid.view(heads, queries, keys, queries, keys).transpose(2, 3)
    return grid.reshape(heads, queries * queries, keys * keys)


def is_square(number: int) -> bool:
    """Whether a table of `number` entries can be a square one."""
    return number > 0 and isqrt(number) ** 2 == number


def resize_offsets(table: Tensor, span: int) -> Tensor:
    """A table (heads, s * s) as (heads, span * span), bicubic; the end points stay end points.

    An offset is taken as a share of the map: no offset stays no offset, the farthest the farthest.
    """
    heads, old = table.shape[0], isqrt(table.shape[1])
    if old == span:
        return table
    grid = table.reshape(1, heads, old, old)
    resized = F.interpolate(grid, (span, span), mode="bicubic", align_corners=True)
    return resized.reshape(heads, span * span)
