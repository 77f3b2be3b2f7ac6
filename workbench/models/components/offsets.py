"""Tables with one entry per head and absolute offset (|dy|, |dx|), as LeViT has them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.models.ops import Size


def centre_offsets(side: int, k: int) -> Tensor:
    """Steps (side, ceil(side / k)) between a position and the centre of a cell of k.

    Along one axis, as indices of a table. With k = 1 they are |i - j|; a wider cell is met at
    half positions, so that the steps are floor(|i - centre|), and left and right stay alike.
    """
    key_side = -(-side // k)
    twice = 2 * torch.arange(side)[:, None] + 1 - (2 * torch.arange(key_side)[None] + 1) * k
    return twice.abs() // 2


def centre_span(side: int, k: int) -> int:
    """How many steps `centre_offsets` can give."""
    last = (2 * -(-side // k) - 1) * k  # twice the centre of the last cell, which may stick out
    return (max(2 * side - 1 - k, last - 1)) // 2 + 1


def strided_offsets(side: int, stride: int) -> Tensor:
    """Steps (ceil(side / stride), side) between every stride-th position and all of them."""
    return (torch.arange(0, side, stride)[:, None] - torch.arange(side)[None]).abs()


def steps_of(size: Size, along: Callable[[int], Tensor]) -> tuple[Tensor, Tensor]:
    """The steps along both axes of a map; a square one has them but once."""
    rows = along(size.height)
    return rows, rows if size.width == size.height else along(size.width)


def spread(table: Tensor, rows: Tensor, columns: Tensor, span: Size) -> Tensor:
    """The bias (heads, queries, keys) that a table (heads, span area) means.

    `rows` and `columns`, each (queries, keys) of one axis, hold the indices along it.
    """
    heads, (qy, ky), (qx, kx) = table.shape[0], rows.shape, columns.shape
    grid = table.reshape(heads, *span)
    grid = grid.index_select(1, rows.flatten()).index_select(2, columns.flatten())
    grid = grid.view(heads, qy, ky, qx, kx).transpose(2, 3)
    return grid.reshape(heads, qy * qx, ky * kx)


def resize_offsets(table: Tensor, old: Size, new: Size) -> Tensor:
    """A table (heads, old area) as (heads, new area), bicubic; the end points stay end points.

    An offset is taken as a share of the map: no offset stays no offset, the farthest the farthest.
    """
    if old == new:
        return table
    grid = table.reshape(1, -1, *old)
    return F.interpolate(grid, new, mode="bicubic", align_corners=True)[0].flatten(1)
