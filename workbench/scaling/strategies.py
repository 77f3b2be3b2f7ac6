"""Ways to spend the same MACs: on depth, dimension or resolution alone, or on all three."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import log
from typing import Literal

from workbench.config import Spec
from workbench.cost import Cost, closed_form
from workbench.errors import InputError
from workbench.scaling.constants import MOST_PHI, NAMES, PAPER, WHAT, Constants
from workbench.scaling.rule import ideal_sizes
from workbench.scaling.sizes import (
    Ideal,
    Rounding,
    Sizes,
    changes,
    dim_units,
    resize,
    resolution_unit,
    round_sizes,
    sizes_of,
)

Strategy = Literal["compound", "depth", "dim", "resolution"]
STRATEGIES: tuple[Strategy, ...] = ("compound", "depth", "dim", "resolution")
TOLERANCE = 0.01
STEPS = (0, 1, -1, 2, -2)  # blocks, or multiples of the heads, that a stage may be off the ideal


@dataclass(frozen=True)
class Solved:
    """The network of one strategy, and how near it comes to the MACs that were asked for."""

    strategy: Strategy
    sizes: Sizes
    spec: Spec
    cost: Cost
    overrides: tuple[str, ...]
    miss: float  # as a share of the target


def solve(
    base: Spec,
    strategy: Strategy,
    growth: float,
    given: Constants = PAPER,
    tolerance: float = TOLERANCE,
) -> Solved:
    """`base` made `growth` times as costly by one strategy, within `tolerance`.

    Of all networks that near, the one least off the proportions of the base. In `compound`, depth
    and resolution follow alpha and gamma and are rounded; dimensions take up what that leaves.
    Raises `InputError` where none is near enough, with the nearest growth there is.
    """
    if not growth > 0:
        raise InputError(f"{growth} is refused: it must be above 0", key="growth")
    target = closed_form(base).macs * growth
    if strategy == "compound":
        candidates = _compound(base, target, given)
    else:
        direction = dict.fromkeys(NAMES, 1.0)
        direction[NAMES[WHAT.index(strategy)]] = 2.0
        candidates = _single(base, strategy, target, Constants(**direction))
    best: Solved | None = None
    for sizes in candidates:
        found = _solved(base, strategy, sizes, target)
        if abs(found.miss) <= tolerance:
            return found
        best = found if best is None or abs(found.miss) < abs(best.miss) else best
    nearest = (1 + best.miss) * growth if best else float("nan")
    raise InputError(
        f"{growth:g} can't be met within {tolerance:.1%} by {strategy} scaling of "
        f"{base.name}: sizes are whole; nearest: {nearest:.4g}",
        key="growth",
    )


def _solved(base: Spec, strategy: Strategy, sizes: Sizes, target: float) -> Solved:
    spec = resize(base, sizes, f"{base.name}, {strategy} scaled")
    cost = closed_form(spec)
    overrides = changes(sizes_of(base), sizes)
    return Solved(strategy, sizes, spec, cost, overrides, cost.macs / target - 1)


def _single(base: Spec, strategy: Strategy, target: float, given: Constants) -> Iterator[Sizes]:
    """Sizes near the proportional ones, the least distorted first."""
    ideal = ideal_sizes(base, given, _phi(base, given, target), Rounding())
    if strategy == "resolution":
        sizes, unit = round_sizes(base, ideal, Rounding()), resolution_unit(base)
        sides = (sizes.resolution + step * unit for step in (0, 1, -1))
        return (replace(sizes, resolution=side) for side in sides if side > 0)
    return _near(base, ideal, strategy)


def _compound(base: Spec, target: float, given: Constants) -> Iterator[Sizes]:
    ideal = ideal_sizes(base, given, _phi(base, given, target), Rounding())
    rounded = round_sizes(base, ideal, Rounding())
    start = replace(sizes_of(base), depth=rounded.depth, resolution=rounded.resolution)
    grown = resize(base, start, base.name)
    wide = Constants(alpha=1.0, beta=2.0, gamma=1.0)
    return _near(grown, ideal_sizes(grown, wide, _phi(grown, wide, target), Rounding()), "dim")


def _phi(base: Spec, given: Constants, target: float) -> float:
    """Where the rounded network first costs more than `target`, within what can be built."""

    def macs(phi: float) -> float:
        try:
            sizes = round_sizes(base, ideal_sizes(base, given, phi, Rounding()), Rounding())
            return closed_form(resize(base, sizes, base.name)).macs
        except InputError:  # nothing is left of it
            return 0.0

    low, high = -MOST_PHI, MOST_PHI
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if macs(middle) < target else (low, middle)
    return high


def _near(base: Spec, ideal: Ideal, strategy: Strategy) -> Iterator[Sizes]:
    """Depths, or dimensions, around the rounded ones; the least distorted first."""
    rounded = round_sizes(base, ideal, Rounding())
    deep = strategy == "depth"
    if deep:
        options, wanted = [_around(depth, 1) for depth in rounded.depth], ideal.depth
    else:
        pairs = zip(rounded.dim, dim_units(base), strict=True)
        options, wanted = [_around(dim, unit) for dim, unit in pairs], ideal.dim
    for chosen in sorted(product(*options), key=lambda each: _distortion(each, wanted)):
        yield replace(rounded, depth=chosen) if deep else replace(rounded, dim=chosen)


def _around(value: int, unit: int) -> list[int]:
    return [value + step * unit for step in STEPS if value + step * unit > 0]


def _distortion(chosen: Iterable[int], wanted: Iterable[float]) -> float:
    return sum(log(each / ideal) ** 2 for each, ideal in zip(chosen, wanted, strict=True))
