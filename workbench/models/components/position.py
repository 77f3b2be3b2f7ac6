"""Slot `position`: what a stage knows of where its tokens are."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.config import NonNegative
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.base import Component, O, Options, Site
from workbench.models.components.offsets import (
    centre_offsets,
    centre_span,
    is_square,
    resize_offsets,
    spread,
)
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

    def resized(self, name: str, tensor: Tensor) -> Tensor | None:
        tokens, (_, length, dim) = self.site.tokens, self.table.shape
        if tensor.ndim != 3 or tensor.shape[2] != dim or not is_square(tensor.shape[1] - tokens):
            return None
        return resize_absolute(tensor, length - tokens, tokens)

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

    def told(self) -> dict[str, object]:
        return _told(super().told(), self.site)

    def tables(self) -> dict[str, float]:
        return {f"table.{i}": self.options.std for i in range(len(self.table))}

    def resized(self, name: str, tensor: Tensor) -> Tensor | None:
        heads, queries, keys = self.table[0].shape
        if self.site.tokens or tensor.ndim != 3 or tensor.shape[0] != heads:
            return None
        if not (is_square(tensor.shape[1]) and is_square(tensor.shape[2])):
            return None
        return resize_relative(tensor, queries, keys)

    @staticmethod
    def ops(site: Site, options: RelativeOptions) -> Iterator[Op]:
        for _ in range(_tables(site, options)):
            yield ops.table(site.heads * site.length * (site.key_side**2 + site.tokens))


class AttentionBiasOptions(Options):
    per: Literal["stage", "block"] = "block"
    std: NonNegative = 0.0  # LeViT starts at zero


class AttentionBias(Position[AttentionBiasOptions]):
    """LeViT's bias: a learned number per head and absolute offset (|dy|, |dx|), per block or stage.

    Where keys are reduced k times, the offset is that between the query and the centre of the
    key's cell; see `centre_offsets`. Source: section 4.3 of the LeViT paper; `attention_biases` in
    facebookresearch/LeViT levit.py.
    """

    Options = AttentionBiasOptions
    biases = True
    spatial = True

    def __init__(self, site: Site, options: AttentionBiasOptions) -> None:
        super().__init__(site, options)
        shape = (site.heads, centre_span(site.side, site.key_side) ** 2)
        self.table = nn.ParameterList(torch.empty(shape) for _ in range(_tables(site, options)))
        steps = centre_offsets(site.side, site.key_side)
        self.register_buffer("steps", steps, persistent=False)

    def bias(self, block: int, side: int) -> Tensor:
        table: Tensor = self.table[block if self.options.per == "block" else 0]
        if side == self.site.side:
            return spread(table, self.get_buffer("steps"))
        keys = side * self.site.key_side // self.site.side
        steps = centre_offsets(side, keys).to(table.device)
        return spread(resize_offsets(table, centre_span(side, keys)), steps)

    def told(self) -> dict[str, object]:
        return _told(super().told(), self.site)

    def tables(self) -> dict[str, float]:
        return {f"table.{i}": self.options.std for i in range(len(self.table))}

    def resized(self, name: str, tensor: Tensor) -> Tensor | None:
        if tensor.ndim != 2 or tensor.shape[0] != self.site.heads:
            return None
        if not is_square(tensor.shape[1]):
            return None
        return resize_offsets(tensor, centre_span(self.site.side, self.site.key_side))

    @staticmethod
    def ops(site: Site, options: AttentionBiasOptions) -> Iterator[Op]:
        for _ in range(_tables(site, options)):
            yield ops.table(site.heads * centre_span(site.side, site.key_side) ** 2)

    @staticmethod
    def refuse(site: Site, options: AttentionBiasOptions) -> InputError | None:
        if site.key_side and site.side % site.key_side == 0:
            return None
        return InputError(
            f"'attention_bias' of stage {site.stage} needs cells of keys of one size, "
            f"and a map of side {site.side} has no {site.key_side} x {site.key_side} of them",
            key="position",
        )


def _tables(site: Site, options: RelativeOptions | AttentionBiasOptions) -> int:
    return site.depth if options.per == "block" else 1


def _told(options: dict[str, object], site: Site) -> dict[str, object]:
    """Without `per` where it is all one: in a stage of one block."""
    return {key: value for key, value in options.items() if key != "per" or site.depth > 1}


POSITIONS: dict[str, type[Position[Any]]] = {
    "absolute": Absolute,
    "attention_bias": AttentionBias,
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
