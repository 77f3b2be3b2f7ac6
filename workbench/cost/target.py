"""What cost and speed can be asked of: a spec of ours, or `timm:NAME`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from torch import nn

from workbench.config import Peer, Spec
from workbench.cost.check import checked_cost
from workbench.cost.closed import closed_form
from workbench.cost.record import Cost
from workbench.cost.trace import UncountedOperatorError, trace_module
from workbench.errors import InputError, first_line, shown
from workbench.models import build, spec
from workbench.models.ops import Size, square
from workbench.models.peers import build_peer, is_timm, timm_input, timm_model


@dataclass(frozen=True)
class Target:
    """A network by name: a `Spec` of ours, or a model of timm without its weights."""

    name: str
    channels: int
    size: Size
    spec: Spec | None

    @property
    def resolution(self) -> int:
        """The side of its images; `InputError` where they are no squares."""
        if self.size.height != self.size.width:
            raise InputError(
                f"it is measured on square images, and {self.size} is none", key="speed"
            )
        return self.size.height

    def build(self, fused: bool = False) -> nn.Module:
        """The network with random weights; ours with every BN folded where `fused` asks for it."""
        if not self.spec:
            return timm_model(self.name, self.size)
        if not fused:
            return build(self.spec)
        from workbench.models.fuse import fuse

        return fuse(build(self.spec))


Resolution = int | tuple[int, int]  # a side, or height and width


def size_of(resolution: Resolution | None) -> Size | None:
    """The size that is meant; `InputError` if it is none."""
    if resolution is None:
        return None
    given = (resolution, resolution) if isinstance(resolution, int) else tuple(resolution)
    if len(given) != 2 or not all(isinstance(side, int) and side > 0 for side in given):
        raise InputError(
            f"{resolution} is refused; it is a number of pixels, or two", key="resolution"
        )
    return Size(*given)


def parsed_resolution(text: str | None) -> Resolution | None:
    """`224`, or `800x1280` as height and width."""
    if text is None:
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(re.fullmatch(r"\s*[0-9]{1,9}\s*", side) for side in sides):
        raise InputError(
            f"{shown(text)} is refused; it is a side such as 224, or 800x1280", key="resolution"
        )
    numbers = [int(side) for side in sides]
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def target(name: str, *overrides: str, resolution: Resolution | None = None) -> Target:
    """The network `name` (a zoo entry, or `timm:NAME`) at `resolution`, by default its own.

    A network of ours is built for a single side; on (height, width) it runs as its entry has it,
    with its tables resized.

    Raises `InputError` for a name, override or resolution that is refused.
    """
    if not is_timm(name):
        side = resolution if isinstance(resolution, int) else None
        found = spec(name, *overrides, resolution=side)
        size = (None if side else size_of(resolution)) or square(found.resolution)
        return Target(found.name, found.channels, size, found)
    if overrides:
        raise InputError(f"{name}: takes no overrides, for its parts are timm's: {overrides[0]!r}")
    channels, own = timm_input(name)
    return Target(name, channels, size_of(resolution) or own, None)


def network_cost(name: str, *overrides: str, resolution: Resolution | None = None) -> Cost:
    """The cost of a target: our own traced and held against the closed form, timm's traced."""
    found = target(name, *overrides, resolution=resolution)
    if found.spec:
        return checked_cost(found.spec, found.size)
    return _traced(found.build, name, found.channels, found.size)


@lru_cache(maxsize=256)
def peer_cost(described: Peer, size: Size | None = None) -> Cost:
    """The cost of a network of timm's as it is trained, traced once per process."""
    home = size or square(described.resolution)
    return _traced(partial(build_peer, described), described.name, described.channels, home)


def _traced(made: Callable[[], nn.Module], name: str, channels: int, size: Size) -> Cost:
    try:
        return trace_module(made(), name, channels, size)
    except UncountedOperatorError:
        raise
    except (AssertionError, RuntimeError, ValueError) as error:  # how timm refuses a resolution
        why = f"{size} fails in {name}: {first_line(error)}"
        raise InputError(why, key="resolution") from None


def counted(found: Target) -> Cost:
    """The cost of a target as soon as it can be had: ours by the closed form, timm's traced."""
    if found.spec:
        return closed_form(found.spec, found.size)
    return network_cost(found.name, resolution=found.size)
