"""Tables of positions for another size of map, and how a resized one is kept."""

from collections.abc import Callable
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.models.ops import Size, square


def is_square(number: int) -> bool:
    """Whether a table of `number` entries can be a square one."""
    return number > 0 and isqrt(number) ** 2 == number


def square_of(number: int) -> Size:
    """The square grid of `number` entries."""
    return square(isqrt(number))


def resize_absolute(table: Tensor, old: Size, new: Size, tokens: int = 0) -> Tensor:
    """A table (1, tokens + old area, C) for another grid, bicubic; tokens stay as they are."""
    return resize_rows(table[0].t(), old, new, tokens).t()[None]


def resize_relative(
    table: Tensor, old: tuple[Size, Size], new: tuple[Size, Size], tokens: int = 0
) -> Tensor:
    """A table (heads, n, m) for other grids of queries and of keys, bicubic over both."""
    heads, n, _ = table.shape
    by_key = resize_rows(table.flatten(0, 1), old[1], new[1], tokens).view(heads, n, -1)
    keys = by_key.shape[2]
    by_query = resize_rows(by_key.transpose(1, 2).flatten(0, 1), old[0], new[0], tokens)
    return by_query.view(heads, keys, -1).transpose(1, 2)


def resize_rows(rows: Tensor, old: Size, new: Size, tokens: int = 0) -> Tensor:
    """Rows (R, tokens + old area), each of a grid behind its tokens, as (R, tokens + new area)."""
    if old == new:
        return rows
    grid = rows[:, tokens:].reshape(-1, 1, *old)
    resized = F.interpolate(grid, new, mode="bicubic", align_corners=False).flatten(1)
    return torch.cat([rows[:, :tokens], resized], 1) if tokens else resized


class Kept:
    """The last resized form of each table of a component, one a table.

    It is given again while size and values of the table stay. What has to reach the table with a
    gradient is never kept, nor is anything while a graph is recorded. Copies start empty, and no
    state dict holds it.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[Size, Tensor, Tensor]] = {}

    def get(
        self, table: Tensor, size: Size, resize: Callable[[Tensor], Tensor], index: int = 0
    ) -> Tensor:
        """`resize(table)`, for a map of `size`."""
        if torch.compiler.is_compiling() or torch._C._get_tracing_state() or table.is_meta:
            return resize(table)
        if torch.is_grad_enabled() and table.requires_grad:
            self._last.pop(index, None)
            return resize(table)
        found = self._last.get(index)
        if found is None or found[0] != size or not _same(found[1], table):
            with torch.inference_mode(False), torch.no_grad():
                found = size, table.detach().clone(), resize(table).detach()
            self._last[index] = found
        return found[2]

    def __reduce__(self) -> tuple[type["Kept"], tuple[()]]:
        return Kept, ()


def _same(kept: Tensor, table: Tensor) -> bool:
    """By value, for `table.data` can change without a trace; tables are small."""
    alike = kept.dtype == table.dtype and kept.device == table.device
    return alike and torch.equal(kept, table)
