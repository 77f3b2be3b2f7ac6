"""Slot `position`: what a stage knows of where its tokens are."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from workbench.config import NonNegative
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.base import Component, O, Options, Site
from workbench.models.components.offsets import (
    centre_offsets,
    centre_span,
    resize_offsets,
    spread,
    steps_of,
)
from workbench.models.components.resize import (
    Kept,
    is_square,
    resize_absolute,
    resize_relative,
    square_of,
)
from workbench.models.ops import Op, Size


class Position(Component[O]):
    """Adds to the tokens on entry to a stage, or gives its blocks a bias for their attention."""

    biases: ClassVar[bool] = False  # needs a mixer that takes a bias

    def enter(self, x: Tensor, size: Size) -> Tensor:
        """What enters, a map (B, C, *size) or a sequence of it, with what is added on entry."""
        return x

    def bias(self, block: int, size: Size) -> Tensor | None:
        """The bias (heads, queries, keys) of one block for a map of `size`, or None."""
        return None


class NoPosition(Position[Options]):
    """No position information but what convolutions leak."""

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        return iter(())


class AbsoluteOptions(Options):
    std: NonNegative = 0.02


class Absolute(Position[AbsoluteOptions]):
    """A learned vector per position, added on entry to the stage (DeiT; PVT does so per stage).

    Source: section 3.1 of the ViT paper (arXiv:2010.11929).
    """

    Options = AbsoluteOptions

    def __init__(self, site: Site, options: AbsoluteOptions) -> None:
        super().__init__(site, options)
        self.table = nn.Parameter(torch.empty(1, site.length, site.dim))
        self.kept = Kept()

    def enter(self, x: Tensor, size: Size) -> Tensor:
        table: Tensor = self.table
        home, tokens = self.site.size, self.site.tokens
        if size != home:
            table = self.kept.get(table, size, lambda t: resize_absolute(t, home, size, tokens))
        return x + table.reshape(1, *x.shape[2:], -1).permute(0, 3, 1, 2)

    def tables(self) -> dict[str, float]:
        return {"table": self.options.std}

    def resized(self, name: str, tensor: Tensor) -> Tensor | None:
        tokens, dim = self.site.tokens, self.table.shape[2]
        if tensor.ndim != 3 or tensor.shape[2] != dim or not is_square(tensor.shape[1] - tokens):
            return None
        old = square_of(tensor.shape[1] - tokens)
        return resize_absolute(tensor, old, self.site.size, tokens)

    @staticmethod
    def ops(site: Site, options: AbsoluteOptions) -> Iterator[Op]:
        yield ops.table(site.length * site.dim)


class RelativeOptions(Options):
    per: Literal["stage", "block"] = "stage"
    std: NonNegative = 1.0  # the released code draws from a standard normal


class Relative(Position[RelativeOptions]):
    """CMT's bias: a learned number per head, query and key, shared by the stage or per block.

    The released code shares one table (heads, n, n / k^2) among the blocks of a stage; the Keras
    port has one per block. Source: section 3.2 of the CMT paper; ggjy/CMT.pytorch cmt.py.
    """

    Options = RelativeOptions
    biases = True

    def __init__(self, site: Site, options: RelativeOptions) -> None:
        super().__init__(site, options)
        shape = (site.heads, site.length, site.key_size.area + site.tokens)
        self.table = nn.ParameterList(torch.empty(shape) for _ in range(_tables(site, options)))
        self.kept = Kept()

    def bias(self, block: int, size: Size) -> Tensor:
        index = block if self.options.per == "block" else 0
        table: Tensor = self.table[index]
        site = self.site
        if size == site.size:
            return table
        old, new = (site.size, site.key_size), (size, _keys(site, size))
        return self.kept.get(
            table, size, lambda t: resize_relative(t, old, new, site.tokens), index
        )

    def told(self) -> dict[str, object]:
        return _told(super().told(), self.site)

    def tables(self) -> dict[str, float]:
        return {f"table.{i}": self.options.std for i in range(len(self.table))}

    def resized(self, name: str, tensor: Tensor) -> Tensor | None:
        site = self.site
        if tensor.ndim != 3 or tensor.shape[0] != site.heads:
            return None
        grids = [length - site.tokens for length in tensor.shape[1:]]
        if not all(is_square(number) for number in grids):
            return None
        old, new = (square_of(grids[0]), square_of(grids[1])), (site.size, site.key_size)
        return resize_relative(tensor, old, new, site.tokens)

    @staticmethod
    def ops(site: Site, options: RelativeOptions) -> Iterator[Op]:
        for _ in range(_tables(site, options)):
            yield ops.table(site.heads * site.length * (site.key_size.area + site.tokens))


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
        self.k = _cell(site)
        self.span = _span(site.size, self.k)
        shape = (site.heads, self.span.area)
        self.table = nn.ParameterList(torch.empty(shape) for _ in range(_tables(site, options)))
        steps = centre_offsets(site.size.height, self.k)
        self.register_buffer("steps", steps, persistent=False)
        self.kept = Kept()

    def bias(self, block: int, size: Size) -> Tensor:
        index = block if self.options.per == "block" else 0
        table: Tensor = self.table[index]
        if size == self.site.size:
            steps = self.get_buffer("steps")
            return spread(table, steps, steps, self.span)
        return self.kept.get(table, size, lambda t: self._at(t, size), index)

    def _at(self, table: Tensor, size: Size) -> Tensor:
        span = _span(size, self.k)
        rows, columns = steps_of(size, lambda n: centre_offsets(n, self.k).to(table.device))
        return spread(resize_offsets(table, self.span, span), rows, columns, span)

    def told(self) -> dict[str, object]:
        return _told(super().told(), self.site)

    def tables(self) -> dict[str, float]:
        return {f"table.{i}": self.options.std for i in range(len(self.table))}

    def resized(self, name: str, tensor: Tensor) -> Tensor | None:
        if tensor.ndim != 2 or tensor.shape[0] != self.site.heads:
            return None
        if not is_square(tensor.shape[1]):
            return None
        return resize_offsets(tensor, square_of(tensor.shape[1]), self.span)

    @staticmethod
    def ops(site: Site, options: AttentionBiasOptions) -> Iterator[Op]:
        for _ in range(_tables(site, options)):
            yield ops.table(site.heads * _span(site.size, _cell(site)).area)

    @staticmethod
    def refuse(site: Site, options: AttentionBiasOptions) -> InputError | None:
        if site.key_side and site.side % site.key_side == 0:  # asked where maps are square
            return None
        return InputError(
            f"'attention_bias' of stage {site.stage} needs cells of keys of one size, "
            f"and a map of side {site.side} has no {site.key_side} x {site.key_side} of them",
            key="position",
        )


def _keys(site: Site, size: Size) -> Size:
    """The map of keys for a map of `size`: as much smaller as at home, rounded up."""
    (height, width), home, keys = size, site.size, site.key_size
    return Size(-(-height * keys.height // home.height), -(-width * keys.width // home.width))


def _cell(site: Site) -> int:
    """How many positions one key stands for along each axis."""
    return -(-site.size.height // site.key_size.height)


def _span(size: Size, k: int) -> Size:
    return Size(centre_span(size.height, k), centre_span(size.width, k))


def _tables(site: Site, options: RelativeOptions | AttentionBiasOptions) -> int:
    return site.depth if options.per == "block" else 1


def _told(options: dict[str, object], site: Site) -> dict[str, object]:
    """Without `per` where it is all one: in a stage of one block."""
    return {key: value for key, value in options.items() if key != "per" or site.depth > 1}


POSITIONS: dict[str, type[Position]] = {
    "absolute": Absolute,
    "attention_bias": AttentionBias,
    "none": NoPosition,
    "relative": Relative,
}
