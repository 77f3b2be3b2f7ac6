"""Operator records: what one operator costs, in closed form.

Convention: 1 MAC is one multiply-add. Convolutions, linear layers and attention products have
MACs; norms and activations have element counts of their own, so that LN against BN is not decided
by a counting rule. Sizes are for one image.
"""

from typing import Literal, NamedTuple

OpKind = Literal["convolution", "linear", "attention", "norm", "act", "table"]


class Size(NamedTuple):
    """Height and width of a map or an image."""

    height: int
    width: int

    @property
    def area(self) -> int:
        """Its positions."""
        return self.height * self.width

    def __str__(self) -> str:
        if self.height == self.width:
            return str(self.height)
        return f"{self.height} x {self.width}"


def square(side: int) -> Size:
    """A map of one side."""
    return Size(side, side)


class Op(NamedTuple):
    """One operator: its MACs, trainable parameters and output elements for one image."""

    kind: OpKind
    macs: int
    params: int
    elements: int
    scores: int = 0  # attention weights, which only an unfused product stores


def conv(
    cin: int, cout: int, kernel: int, size: Size | int, groups: int = 1, bias: bool = True
) -> Op:
    """A convolution of a square kernel whose output map is (cout, *size); an int is a side."""
    area = (square(size) if isinstance(size, int) else size).area
    weights = cout * (cin // groups) * kernel * kernel
    return Op("convolution", weights * area, weights + bias * cout, cout * area)


def linear(cin: int, cout: int, tokens: int, bias: bool = True) -> Op:
    """A linear layer over `tokens` tokens."""
    return Op("linear", cin * cout * tokens, cin * cout + bias * cout, cout * tokens)


def attention(queries: int, keys: int, key_dim: int, value_dim: int, heads: int) -> Op:
    """The two products of attention; the dimensions are those of all heads together."""
    macs = queries * keys * (key_dim + value_dim)
    return Op("attention", macs, 0, queries * value_dim, heads * queries * keys)


def norm(dim: int, tokens: int) -> Op:
    """A norm with scale and shift."""
    return Op("norm", 0, 2 * dim, dim * tokens)


def act(dim: int, tokens: int) -> Op:
    """An activation function."""
    return Op("act", 0, 0, dim * tokens)


def table(size: int) -> Op:
    """A learned table that is only added."""
    return Op("table", 0, size, 0)
