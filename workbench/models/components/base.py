"""What every component is: options, a site, a module, and its cost in closed form."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple

from torch import Tensor, nn
from typing_extensions import TypeVar

from workbench.config import Frozen, Part
from workbench.errors import InputError, nearest_divisor
from workbench.models.ops import Op, Size


class Options(Frozen):
    """The options of a component; unknown keys are refused. Components without options use this."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a component sits: the map that arrives, the map that leaves, and the house rules.

    Maps are (B, dim, *size) in channels_last memory. With extra tokens (a class token) the blocks
    of a stage see a sequence map (B, dim, area + tokens, 1) instead. A network is built for the
    square images of its spec; `ops` is asked at other sizes too.
    """

    dim_in: int
    dim: int
    size_in: Size
    size: Size
    stride: int
    heads: int
    depth: int  # blocks in this stage
    stage: int
    key_size: Size  # of the map of keys and values
    tokens: int
    classes: int
    dropout: float
    norm: Part
    conv_norm: Part
    act: Part

    @property
    def area(self) -> int:
        """Positions of the map that leaves."""
        return self.size.area

    @property
    def side(self) -> int:
        """The side of a square map that leaves; `size` has any."""
        return _side(self.size)

    @property
    def side_in(self) -> int:
        """The side of a square map that arrives."""
        return _side(self.size_in)

    @property
    def key_side(self) -> int:
        """The side of a square map of keys and values."""
        return _side(self.key_size)

    @property
    def length(self) -> int:
        """Positions of the map that leaves and extra tokens."""
        return self.area + self.tokens


def _side(size: Size) -> int:
    if size.height != size.width:
        raise InputError(
            f"a component counts by site.side, which a map of {size} has not; site.size is what "
            "it should count by",
            key="resolution",
        )
    return size.height


NEEDS_MAP = "needs a map, and a head with tokens (class_token) makes a sequence; use head=gap"


O = TypeVar("O", bound=Options, default=Any)  # noqa: E741


class Fold(NamedTuple):
    """A norm, and the layers that can take it up: the one it follows, or all those it feeds.

    Paths are those within the component. A norm that feeds `layers` reaches nothing else.
    """

    norm: str
    layers: tuple[str, ...]
    follows: bool


class Component(nn.Module, Generic[O]):
    """One implementation of a slot.

    Every component is built as `Component(site, options)`, states its cost in `ops` and, in
    `refuse`, why it can't work at a site. `tables` names the parameters that are tables or tokens:
    they are drawn from a normal distribution of that standard deviation and never decayed.
    """

    Options: ClassVar[type[Options]] = Options
    spatial: ClassVar[bool] = False  # needs a map, so it can't work beside a class token

    def __init__(self, site: Site, options: O) -> None:
        super().__init__()
        self.site = site
        self.options = options

    @staticmethod
    def ops(site: Site, options: O) -> Iterator[Op]:
        """The operators of one forward pass over one image."""
        raise NotImplementedError

    @staticmethod
    def refuse(site: Site, options: O) -> InputError | None:
        """Why this component can't work at `site`, with the key at fault; None if it can."""
        return None

    def tables(self) -> dict[str, float]:
        """Names of the parameters that are tables or tokens, with their initial deviation."""
        return {}

    def resized(self, name: str, tensor: Tensor) -> Tensor | None:
        """The table `tensor` of another resolution, for this site; None: it can't be resized."""
        return None

    def constants(self) -> dict[str, Tensor | float]:
        """Names of the parameters that start at given values, with these."""
        return {}

    def folds(self) -> Iterator[Fold]:
        """The norms within that layers can take up; see `fuse`."""
        return iter(())

    def entries(self) -> tuple[str, ...]:
        """The layers that read what comes in, if nothing else does; empty where others do."""
        return ()

    def exit(self) -> str | None:
        """The norm through which all goes that leaves, if no layer here can take it up."""
        return None

    def told(self) -> dict[str, object]:
        """What tells two modules of one class apart beside shapes: the options that act here.

        A variant that differs in nothing told and in no shape is its baseline, and is refused.
        """
        return dict(self.options)

    def extra_repr(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.told().items())


def heads_fault(site: Site) -> InputError | None:
    """What `refuse` returns where the heads do not divide the dimension."""
    if site.dim % site.heads == 0:
        return None
    hint = nearest_divisor(site.heads, site.dim)
    stage, heads = site.stage, site.heads
    return InputError(
        f"{heads} does not divide dim[{stage}] = {site.dim}; {hint}", key="heads", stage=stage
    )


def reduction_fault(site: Site, k: int) -> InputError | None:
    """What `refuse` returns where a reduction k of keys and values does not divide the map."""
    if site.side % k == 0:
        return None
    hint = nearest_divisor(k, site.side)
    return InputError(
        f"{k} does not divide the map of side {site.side}; {hint}", key="mixer.k", stage=site.stage
    )


def size_of(x: Tensor) -> Size:
    """Height and width of a map (B, C, H, W), as plain numbers even where a tracer looks on."""
    return Size(int(x.shape[2]), int(x.shape[3]))


def tokens_of(x: Tensor) -> Tensor:
    """A map (B, C, H, W) in channels_last memory as tokens (B, H, W, C); a view."""
    return x.permute(0, 2, 3, 1)


def map_of(t: Tensor) -> Tensor:
    """Tokens (B, H, W, C) as a map (B, C, H, W) in channels_last memory; a view."""
    return t.permute(0, 3, 1, 2)
