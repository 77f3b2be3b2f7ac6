"""What several components share: a linear layer with its norm, and an MLP of two of them."""

from collections.abc import Iterator

from torch import Tensor, nn

from workbench.config import Part
from workbench.models import ops
from workbench.models.components.base import Fold, Site, map_of, tokens_of
from workbench.models.components.norm import NORMS, make_norm, needs_bias, norm_ops
from workbench.models.components.pointwise import TokenLinear
from workbench.models.ops import Op


class LinearNorm(nn.Module):
    """A linear layer on maps, (B, cin, H, W) -> (B, cout, H, W), then the norm after convolutions.

    It has a bias of its own unless BN follows. Source: `Linear_BN` of facebookresearch/LeViT.
    """

    def __init__(self, cin: int, cout: int, norm: Part) -> None:
        super().__init__()
        self.linear = TokenLinear(cin, cout, bias=needs_bias(norm))
        self.norm = make_norm(norm, cout)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(map_of(self.linear(tokens_of(x))))
        return y


def linear_norm_ops(cin: int, cout: int, tokens: int, norm: Part) -> Iterator[Op]:
    """The cost of a `LinearNorm`."""
    yield ops.linear(cin, cout, tokens, bias=needs_bias(norm))
    yield from norm_ops(norm, cout, tokens)


def linear_norm_fold(path: str) -> Fold:
    """The norm of the `LinearNorm` at `path` goes into its linear layer."""
    return Fold(f"{path}.norm", (f"{path}.linear",), follows=True)


def silent(path: str, norm: Part) -> dict[str, float]:
    """A residual branch that ends in the `LinearNorm` at `path` and starts at zero, where it can.

    Source: `bn_weight_init=0` of facebookresearch/LeViT.
    """
    return {f"{path}.norm.weight": 0.0} if NORMS[norm.name].learned else {}


class NormMlp(nn.Module):
    """Linear and norm, activation, linear and norm, on maps of `dim` channels."""

    def __init__(self, site: Site, dim: int, hidden: int, act: nn.Module) -> None:
        super().__init__()
        self.expand = LinearNorm(dim, hidden, site.conv_norm)
        self.act = act
        self.drop = nn.Dropout(site.dropout)
        self.project = LinearNorm(hidden, dim, site.conv_norm)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.drop(self.act(self.expand(x))))
        return y


def norm_mlp_ops(site: Site, dim: int, hidden: int, tokens: int) -> Iterator[Op]:
    """The cost of a `NormMlp`."""
    yield from linear_norm_ops(dim, hidden, tokens, site.conv_norm)
    yield ops.act(hidden, tokens)
    yield from linear_norm_ops(hidden, dim, tokens, site.conv_norm)
