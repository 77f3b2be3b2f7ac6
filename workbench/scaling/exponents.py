"""How MACs really grow with depth, dimension and resolution around a base."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from math import ceil, exp, floor, gcd, log

from workbench.config import Spec
from workbench.cost import closed_form
from workbench.errors import InputError
from workbench.scaling.constants import PAPER_EXPONENTS, WHAT, Exponents
from workbench.scaling.sizes import Sizes, dim_units, resize, resolution_unit, sizes_of, to_multiple

SPAN = (0.5, 2.0)  # factors of a size over which its exponent is fitted
WITHIN = 0.02  # a power law that is off by more has lost its validity
MOST_POINTS = 33
Point = tuple[float, float]  # factor of the size, factor of the MACs


@dataclass(frozen=True, slots=True)
class ExponentFit:
    """MACs as a power of one size: growth = factor^exponent, exact at the base."""

    what: str  # depth, dim or resolution
    exponent: float
    paper: float
    local: float  # the slope at the base itself, from its two neighbours
    fitted: tuple[float, float]  # the factors that the fit has seen
    worst: float  # largest relative error of the fit there
    valid: tuple[float, float]  # the factors around 1 where it is within `WITHIN`
    points: tuple[Point, ...]

    def to_json(self) -> dict[str, object]:
        """Everything, unrounded."""
        return asdict(self)


def measure(
    base: Spec, span: tuple[float, float] = SPAN
) -> tuple[ExponentFit, ExponentFit, ExponentFit]:
    """Exponents of depth, dimension and resolution, fitted to exact costs within `span`.

    Only sizes that need no rounding are used, so that rounding does not blur the exponents.
    Raises `InputError` where the base allows no other size within `span`.
    """
    low, high = span
    if not 0 < low <= 1 <= high or low == high:
        raise InputError(
            f"{low:g} to {high:g} is refused: it must hold 1, as 0.5 to 2 does", key="span"
        )
    curves = (_depth(base, span), _dim(base, span), _resolution(base, span))
    depth, dim, resolution = (
        fit(what, paper, points)
        for what, paper, points in zip(WHAT, PAPER_EXPONENTS.each(), curves, strict=True)
    )
    return depth, dim, resolution


def measured_exponents(fits: Sequence[ExponentFit]) -> Exponents:
    """The three exponents by themselves."""
    depth, dim, resolution = (each.exponent for each in fits)
    return Exponents(depth=depth, dim=dim, resolution=resolution)


def fit(what: str, paper: float, points: Sequence[Point]) -> ExponentFit:
    """Least squares of log growth on log factor, through the base."""
    logs = [(log(x), log(y)) for x, y in points if x != 1]
    if not logs:
        raise InputError(
            f"exponent of {what}: no other size of it can be built within the span; widen it"
        )
    slope = sum(x * y for x, y in logs) / sum(x * x for x, _ in logs)
    errors = {x: abs(x**slope / y - 1) for x, y in points}
    factors = [x for x, _ in points]
    return ExponentFit(
        what=what,
        exponent=slope,
        paper=paper,
        local=_local(logs),
        fitted=(min(factors), max(factors)),
        worst=max(errors.values()),
        valid=(_reach(errors, down=True), _reach(errors, down=False)),
        points=tuple(points),
    )


def _local(logs: Sequence[Point]) -> float:
    """The mean slope to the nearest point on either side."""
    sides = [[p for p in logs if p[0] < 0], [p for p in logs if p[0] > 0]]
    nearest = [min(side, key=lambda p: abs(p[0])) for side in sides if side]
    return sum(y / x for x, y in nearest) / len(nearest)


def _reach(errors: dict[float, float], down: bool) -> float:
    reach = 1.0
    for factor in sorted(errors, reverse=down):
        if (factor > 1) is down and factor != 1:
            continue
        if errors[factor] > WITHIN:
            break
        reach = factor
    return reach


# ---------------------------------------------------------------- curves


def _depth(base: Spec, span: tuple[float, float]) -> list[Point]:
    """Exact for any depth: MACs are a constant plus so much for each block."""
    sizes = sizes_of(base)
    once, twice = _macs(base, sizes), _macs(base, _deeper(sizes, 2))
    least = max(span[0], 1 / min(sizes.depth))  # a stage keeps a block
    steps = [least * (span[1] / least) ** (i / (MOST_POINTS - 1)) for i in range(MOST_POINTS)]
    return [(x, 1 + (x - 1) * (twice - once) / once) for x in sorted({*steps, 1.0})]


def _deeper(sizes: Sizes, times: int) -> Sizes:
    return replace(sizes, depth=tuple(depth * times for depth in sizes.depth))


def _dim(base: Spec, span: tuple[float, float]) -> list[Point]:
    """By factors that keep every dimension a multiple of what it must be; a stem goes along."""
    sizes = sizes_of(base)
    widths = (dim // unit for dim, unit in zip(sizes.dim, dim_units(base), strict=True))
    whole = reduce(gcd, widths)

    def wider(x: float) -> Sizes:
        dim = tuple(round(each * x) for each in sizes.dim)
        stem = None if sizes.stem is None else max(1, to_multiple(sizes.stem * x, 1, "nearest"))
        return replace(sizes, dim=dim, stem=stem)

    return _curve(base, (step / whole for step in _thinned(whole, span)), wider)


def _resolution(base: Spec, span: tuple[float, float]) -> list[Point]:
    sizes, unit = sizes_of(base), resolution_unit(base)
    units = base.resolution // unit
    factors = (step / units for step in _thinned(units, span))
    return _curve(base, factors, lambda x: replace(sizes, resolution=round(base.resolution * x)))


def _thinned(whole: int, span: tuple[float, float]) -> list[int]:
    """Counts from span[0] to span[1] times `whole`, `whole` among them, evenly in the logarithm."""
    low, high = max(1, ceil(whole * span[0])), floor(whole * span[1])
    if high - low < MOST_POINTS:
        return list(range(low, high + 1))
    ratio = log(high / low) / (MOST_POINTS - 1)
    return sorted({whole, *(round(low * exp(i * ratio)) for i in range(MOST_POINTS))})


def _curve(base: Spec, factors: Iterable[float], sized: Callable[[float], Sizes]) -> list[Point]:
    once = _macs(base, sizes_of(base))
    points = []
    for factor in factors:
        try:
            points.append((factor, _macs(base, sized(factor)) / once))
        except InputError:  # a component needs more than the strides do: no such size
            continue
    return points


def _macs(base: Spec, sizes: Sizes) -> int:
    return closed_form(resize(base, sizes, base.name)).macs
