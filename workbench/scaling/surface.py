"""The constraint surface alpha^a * beta^b * gamma^c = growth, and coordinates that fill it.

In logarithms it is a polygon in a plane. Two coordinates in [0, 1] reach every point of it and
nothing else, so that nobody has to draw points and reject them: the first gives alpha, the second
beta within what alpha leaves, and gamma is solved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, isfinite, log

import numpy as np

from workbench.errors import InputError
from workbench.scaling.constants import NAMES, PAPER_EXPONENTS, Constants, Exponents

COORDINATES = ("depth", "split")  # the share for depth; how the rest is split to dimension
KNOTS = 513  # of the table that spreads the points evenly over the polygon
TINY = 1e-9
MOST_EXPONENT = 100.0  # what is measured is below 3; powers of more leave the floating point
Bounds = Mapping[str, tuple[float, float]]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """Points with alpha, beta and gamma of at least 1, within bounds. Made by `surface`."""

    exponents: Exponents
    growth: float
    bounds: tuple[Interval, Interval, Interval]  # of the exponent times the logarithm of each

    def at(self, depth: float, split: float) -> Constants:
        """The point with these coordinates, each in [0, 1]."""
        first = _mix(self._span_of_depth(), self._spread(depth))
        second = _mix(self._span_of_dim(first), split)
        third = log(self.growth) - first - second
        logs = (first, second, max(third, 0.0))
        alpha, beta, gamma = (
            exp(max(value, 0.0) / e) for value, e in zip(logs, self.exponents.each(), strict=True)
        )
        return Constants(alpha=alpha, beta=beta, gamma=gamma)

    def place(self, given: Constants) -> tuple[float, float]:
        """The coordinates of a point of the surface. Raises `InputError` for one that is not."""
        found = self.exponents.growth(given)
        if abs(found / self.growth - 1) > 1e-6:
            raise InputError(
                f"point {given}: {self.exponents} is {found:.4g} there, not {self.growth:g}"
            )
        first, second, third = self._logs(given)
        for name, value, (low, high) in zip(
            NAMES, (first, second, third), self.bounds, strict=True
        ):
            if not low - 1e-6 <= value <= high + 1e-6:
                raise InputError(f"point {given}: {name} is out of its bounds")
        depth = self._unspread(_share(self._span_of_depth(), first))
        return depth, _share(self._span_of_dim(first), second)

    def contains(self, given: Constants) -> bool:
        """Whether it is a point of the surface."""
        try:
            self.place(given)
        except InputError:
            return False
        return True

    def _logs(self, given: Constants) -> tuple[float, float, float]:
        a, b, c = (
            log(value) * e for value, e in zip(given.each(), self.exponents.each(), strict=True)
        )
        return a, b, c

    def _span_of_depth(self) -> Interval:
        depth, dim, side = self.bounds
        whole = log(self.growth)
        return max(depth[0], whole - dim[1] - side[1]), min(depth[1], whole - dim[0] - side[0])

    def _span_of_dim(self, depth: float) -> Interval:
        _, dim, side = self.bounds
        rest = log(self.growth) - depth
        return max(dim[0], rest - side[1]), min(dim[1], rest - side[0])

    @cached_property
    def _table(self) -> tuple["np.ndarray[tuple[int], np.dtype[np.float64]]", ...]:
        """Shares of the way through depth, and the share of the polygon's area before each."""
        shares = np.linspace(0.0, 1.0, KNOTS)
        spans = (self._span_of_dim(_mix(self._span_of_depth(), float(x))) for x in shares)
        widths = np.array([max(high - low, 0.0) for low, high in spans])
        area = np.concatenate(([0.0], np.cumsum((widths[1:] + widths[:-1]) / 2)))
        return shares, (area / area[-1] if area[-1] > TINY else shares)

    def _spread(self, coordinate: float) -> float:
        shares, area = self._table
        return float(np.interp(coordinate, area, shares))

    def _unspread(self, share: float) -> float:
        shares, area = self._table
        return float(np.interp(share, shares, area))


def surface(
    growth: float, exponents: Exponents = PAPER_EXPONENTS, bounds: Bounds | None = None
) -> Surface:
    """The surface, checked: `InputError` for bounds that make no sense, and where it is empty.

    `bounds` are of alpha, beta and gamma; without any, each is at least 1.
    """
    for name, exponent in exponents.model_dump().items():
        if not 0 < exponent <= MOST_EXPONENT:
            raise InputError(
                f"{exponent} is refused: it must be above 0, and at most {MOST_EXPONENT:g}",
                key=f"exponents.{name}",
            )
    if not isfinite(growth) or growth <= 1:
        raise InputError(
            f"{growth} is refused: no point with alpha, beta and gamma of at least 1 "
            "meets it; it must be above 1",
            key="growth",
        )
    given = bounds or {}
    checked = [_bound(name, given.get(name)) for name in NAMES]
    logs = [
        (log(low) * e, log(high) * e if isfinite(high) else inf)
        for (low, high), e in zip(checked, exponents.each(), strict=True)
    ]
    _refuse_empty(growth, logs)
    first, second, third = logs
    return Surface(exponents, growth, (first, second, third))


def _bound(name: str, given: Interval | None) -> Interval:
    low, high = given or (1.0, inf)
    if low != low or not isfinite(low) or low < 1:
        raise InputError(
            f"{low} is refused: it must be finite and at least 1; nearest: 1", key=name
        )
    if high != high or high < low:
        raise InputError(f"[{low}, {high}] is refused: it ends before it begins", key=name)
    return low, high


def _refuse_empty(growth: float, logs: list[Interval]) -> None:
    least, reach = (
        exp(total) if total < 700 else inf
        for total in (sum(low for low, _ in logs), sum(high for _, high in logs))
    )
    if least > growth * (1 + TINY) or reach < growth * (1 - TINY):
        near = least if least > growth else reach
        raise InputError(
            f"no point within the bounds of alpha, beta and gamma meets {growth:g}; "
            f"nearest: {near:.4g}",
            key="growth",
        )


def _mix(span: Interval, share: float) -> float:
    low, high = span
    return low + (max(high, low) - low) * share


def _share(span: Interval, value: float) -> float:
    low, high = span
    if high - low < TINY:
        return 0.5
    return min(1.0, max(0.0, (value - low) / (high - low)))
