"""Slot `position`: what a stage knows of where its tokens are."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.config import NonNegative
from workbench.models import ops
from workbench.models.components.base import Component, O, Options, Site
from workbench.models.ops import Op


class Position(Component[O]):
    """Adds to the tokens on entry to a stage, or gives its blocks a bias for their attention."""

    biases: ClassVar[bool] = False  # needs a mixer that takes a bias

    def enter(self, x: Tensor) -> Tensor:
        """The map (B, C, H, W) with what is added on entry."""
        return x

    def bias(self, block: int, side: int) -> Tensor | None:
        """The bias (heads, queries, keys) of one block for a map of `side`, or None."""
        return None


class NoPosition(Position[Options]):
    """No position information but what convolutions leak."""

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        return iter(())


class AbsoluteOptions(Options):
    std: NonNegative = 0.02


class Absolute(Position[AbsoluteOptions]):
    """A learned vector per position, added on entry to the stage (DeiT; PVT does so per stage)."""

    Options = AbsoluteOptions

    def __init__(self, site: Site, options: AbsoluteOptions) -> None:
        super().__init__(site, options)
        self.table = nn.Parameter(torch.empty(1, site.length, site.dim))

    def enter(self, x: Tensor) -> Tensor:
        table: Tensor = self.table
        positions = x.shape[2] * x.shape[3]
        if positions != table.shape[1]:
            table = resize_absolute(table, positions - self.site.tokens, self.site.tokens)
        return x + table.reshape(1, *x.shape[2:], -1).permute(0, 3, 1, 2)

    def tables(self) -> dict[str, float]:
        return {"table": self.options.std}

    @staticmethod
    def ops(site: Site, options: AbsoluteOptions) -> Iterator[Op]:
        yield ops.table(site.length * site.dim)


class RelativeOptions(Options):
    per: Literal["stage", "block"] = "stage"
    std: NonNegative = 1.0  # the released code draws from a standard normal


class Relative(Position[RelativeOptions]):
    """CMT's bias: a learned number per head, query and key, shared by the stage or per block.

    The released code shares one table (heads, n, n / k^2) among the blocks of a stage; the Keras
    port has one per block. Source: section 3.2 of the paper; ggjy/CMT.pytorch cmt.py.
    """

    Options = RelativeOptions
    biases = True

    def __init__(self, site: Site, options: RelativeOptions) -> None:
        super().__init__(site, options)
        shape = (site.heads, site.length, site.key_side**2 + site.tokens)
        self.table = nn.ParameterList(torch.empty(shape) for _ in range(_tables(site, options)))

    def bias(self, block: int, side: int) -> Tensor:
        table: Tensor = self.table[block if self.options.per == "block" else 0]
        site = self.site
        if side == site.side:
            return table
        return resize_relative(table, side**2, (side * site.key_side // site.side) ** 2)

    def tables(self) -> dict[str, float]:
        return {f"table.{i}": self.options.std for i in range(len(self.table))}

    @staticmethod
    def ops(site: Site, options: RelativeOptions) -> Iterator[Op]:
        for _ in range(_tables(site, options)):
            yield ops.table(site.heads * site.length * (site.key_side**2 + site.tokens))


def _tables(site: Site, options: RelativeOptions) -> int:
    return site.depth if options.per == "block" else 1


POSITIONS: dict[str, type[Position[Any]]] = {
    "absolute": Absolute,
    "none": NoPosition,
    "relative": Relative,
}


def resize_absolute(table: Tensor, positions: int, tokens: int = 0) -> Tensor:
    """A table (1, tokens + n, C) for another number of map positions, bicubic over the grid."""
    extra, grid = table[:, :tokens], table[:, tokens:]
    resized = _resize_rows(grid[0].t(), positions).t()[None]
    return torch.cat([extra, resized], dim=1)


def resize_relative(table: Tensor, queries: int, keys: int) -> Tensor:
    """A table (heads, n, m) as (heads, queries, keys), bicubic over both grids."""
    heads, n, m = table.shape
    by_key = _resize_rows(table.reshape(heads * n, m), keys).reshape(heads, n, keys)
    by_query = _resize_rows(by_key.transpose(1, 2).reshape(heads * keys, n), queries)
    return by_query.reshape(heads, keys, queries).transpose(1, 2)


def _resize_rows(rows: Tensor, positions: int) -> Tensor:
    """Rows (R, n) that hold square grids, as (R, positions)."""
    old, new = round(rows.shape[1] ** 0.5), round(positions**0.5)
    if old == new:
        return rows
    grid = rows.reshape(-1, 1, old, old)
    return F.interpolate(grid, (new, new), mode="bicubic", align_corners=False).reshape(-1, new**2)
