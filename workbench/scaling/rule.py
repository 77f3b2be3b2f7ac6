"""The compound rule: a base and a phi to ideal sizes, to a network, and to what it really costs."""

from dataclasses import asdict, dataclass
from math import ceil

from workbench.config import Spec
from workbench.cost import Cost, closed_form
from workbench.errors import InputError
from workbench.scaling.constants import (
    GROWTH,
    PAPER,
    PAPER_EXPONENTS,
    Constants,
    check_phi,
    constants,
)
from workbench.scaling.sizes import (
    Ideal,
    LostError,
    Rounding,
    Sizes,
    changes,
    resize,
    round_sizes,
    sizes_of,
)


@dataclass(frozen=True)
class Scaled:
    """A scaled network, what it was to be, and what rounding made of it."""

    base: Spec
    constants: Constants
    phi: float
    rounding: Rounding
    ideal: Ideal
    sizes: Sizes
    spec: Spec
    base_cost: Cost
    cost: Cost
    target: float  # the growth that is asked for, to the power of phi

    @property
    def growth(self) -> float:
        """MACs over those of the base."""
        return self.cost.macs / self.base_cost.macs

    @property
    def miss(self) -> float:
        """How far the growth is off the target, as a share of it."""
        return self.growth / self.target - 1

    @property
    def label(self) -> str:
        """A short name of its sizes, which no other network of this base has."""
        return self.sizes.label(sizes_of(self.base))

    @property
    def overrides(self) -> tuple[str, ...]:
        """What makes this network of the base, for any other command."""
        return changes(sizes_of(self.base), self.sizes)

    @property
    def realised(self) -> tuple[float, float, float] | None:
        """The factors of depth, mean dimension and resolution after rounding, per unit of phi."""
        if self.phi == 0:
            return None
        old, new = sizes_of(self.base), self.sizes
        factors = (
            sum(new.depth) / sum(old.depth),
            _mean_ratio(new.dim, old.dim),
            new.resolution / old.resolution,
        )
        depth, dim, resolution = (factor ** (1 / self.phi) for factor in factors)
        return depth, dim, resolution

    def moved(self) -> dict[str, float | tuple[float, ...]]:
        """How far rounding moved each size, as a share of the ideal one."""
        ideal, sizes = self.ideal, self.sizes
        found: dict[str, float | tuple[float, ...]] = {
            "depth": _shifts(sizes.depth, ideal.depth),
            "dim": _shifts(sizes.dim, ideal.dim),
            "resolution": sizes.resolution / ideal.resolution - 1,
        }
        if ideal.stem is not None and sizes.stem is not None:
            found["stem"] = sizes.stem / ideal.stem - 1
        if ideal.head is not None and sizes.head is not None:
            found["head"] = sizes.head / ideal.head - 1
        return found

    def to_json(self) -> dict[str, object]:
        """Everything, unrounded."""
        return {
            "base": self.base.name,
            "phi": self.phi,
            "constants": self.constants.model_dump(),
            "rounding": self.rounding.model_dump(),
            "sizes": {
                "base": asdict(sizes_of(self.base)),
                "ideal": asdict(self.ideal),
                "rounded": asdict(self.sizes),
                "moved": self.moved(),
            },
            "realised_constants": self.realised,
            "base_macs": self.base_cost.macs,
            "base_params": self.base_cost.params,
            "macs": self.cost.macs,
            "params": self.cost.params,
            "growth": self.growth,
            "growth_by_the_rule": PAPER_EXPONENTS.growth(self.constants) ** self.phi,
            "target": self.target,
            "miss": self.miss,
            "overrides": self.overrides,
        }


def scale(
    base: Spec,
    given: Constants = PAPER,
    phi: float = 1.0,
    rounding: Rounding | None = None,
    growth: float = GROWTH,
    base_cost: Cost | None = None,
) -> Scaled:
    """The network that the rule makes of `base`: a spec like any other.

    Depth grows by alpha^phi, dimensions by beta^phi, resolution by gamma^phi. `base_cost` spares a
    caller of many the same count. Raises `InputError` for constants below 1, a phi so low that a
    stage loses its last block or a dimension its last head, and a network that can't be built.
    """
    constants(*given.each())
    rule = rounding or Rounding()
    ideal = ideal_sizes(base, given, check_phi(phi), rule)
    try:
        sizes = round_sizes(base, ideal, rule)
    except LostError as error:
        raise _too_low(error, base, given, phi, rule) from None
    spec = resize(base, sizes, f"{base.name} at phi {phi:g}")
    costs = base_cost or closed_form(base), closed_form(spec)
    return Scaled(base, given, phi, rule, ideal, sizes, spec, *costs, growth**phi)


def ideal_sizes(base: Spec, given: Constants, phi: float, rounding: Rounding) -> Ideal:
    """Sizes by the rule, before rounding; what is kept is none."""
    old = sizes_of(base)
    depth, dim, side = (value**phi for value in given.each())
    scales_stem = rounding.stem == "scale" and old.stem is not None
    scales_head = rounding.head == "scale" and old.head is not None
    return Ideal(
        resolution=old.resolution * side,
        depth=tuple(each * depth for each in old.depth),
        dim=tuple(each * dim for each in old.dim),
        stem=old.stem * dim if scales_stem and old.stem else None,
        head=old.head * dim if scales_head and old.head else None,
    )


def _too_low(
    error: LostError, base: Spec, given: Constants, phi: float, rounding: Rounding
) -> InputError:
    """The same, with the lowest phi (to two decimals) that loses nothing."""
    low, high = phi, 0.0
    for _ in range(40):
        middle = (low + high) / 2
        try:
            round_sizes(base, ideal_sizes(base, given, middle, rounding), rounding)
            high = middle
        except LostError:
            low = middle
    lowest = ceil(high * 100 - 1e-6) / 100
    return InputError(
        f"{phi:g} is too low for {base.name}: {error}; nearest: {lowest:g}", key="phi"
    )


def _mean_ratio(new: tuple[int, ...], old: tuple[int, ...]) -> float:
    product = 1.0
    for after, before in zip(new, old, strict=True):
        product *= after / before
    return float(product ** (1 / len(old)))


def _shifts(new: tuple[int, ...], ideal: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(after / wanted - 1 for after, wanted in zip(new, ideal, strict=True))
