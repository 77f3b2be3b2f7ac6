"""Equal cost: a variant's width, depth or FFN ratio adjusted until it costs what the baseline does.

A difference between networks of different cost is a difference of cost, too. Of all adjustments
that meet the baseline's cost within the tolerance, the one is taken that is least off the
proportions of the variant; where none does, the variant is infeasible, and the nearest is told.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import log, sqrt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from workbench.config import Frozen, NetworkSpec, Part, Peer, digest
from workbench.errors import InputError

Quantity = Literal["macs", "params", "latency"]
LABELS: dict[Quantity, str] = {"macs": "MACs", "params": "parameters", "latency": "latency, ms"}
QUANTITIES = tuple(LABELS)
WIDEST = 8.0  # an adjustment multiplies by no more than this, nor divides; units round after it
STEPS = (0, 1, -1, 2, -2)  # units that a stage may be off its proportions
MANY = 4  # stages; with more of them, fewer steps
BISECTIONS = {"macs": 40, "params": 40, "latency": 10}  # latency is measured each time


def _as_share(value: object) -> object:
    """`1%` as 0.01."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            return value
    return value


Tolerance = Annotated[float, BeforeValidator(_as_share), Field(gt=0, lt=1, allow_inf_nan=False)]


class Match(Frozen):
    """`match: {macs: 1%, adjust: width}`; one of macs, params and latency."""

    adjust: Literal["width", "depth", "ffn.ratio"]
    macs: Tolerance | None = None
    params: Tolerance | None = None
    latency: Tolerance | None = None

    @property
    def asked(self) -> tuple[Quantity, float]:
        """What is to be equal, and within which share. Raises `InputError` unless it is one."""
        given = [(name, getattr(self, name)) for name in QUANTITIES if getattr(self, name)]
        if len(given) != 1:
            raise InputError(f"name one of {', '.join(QUANTITIES)}, not {len(given)}", key="match")
        return given[0]


class Matched(Frozen):
    """What it took to make a variant as costly as the baseline, or how near it came."""

    quantity: Quantity
    adjust: str
    tolerance: float
    target: float
    before: float
    reached: float
    adjusted: tuple[str, ...]  # overrides on top of the variant's own; none: it was near enough
    question: str  # SHA-256 of all that the answer depends on

    @property
    def met(self) -> bool:
        """Whether it is equal, within the tolerance."""
        return abs(self.reached / self.target - 1) <= self.tolerance

    @property
    def text(self) -> str:
        """What was changed, or why the variant can't be run."""
        label = LABELS[self.quantity]
        if self.met:
            return (
                f"for equal {label.split(',')[0]}: {', '.join(self.adjusted)}"
                if self.adjusted
                else ""
            )
        with_ = f" with {', '.join(self.adjusted)}" if self.adjusted else ""
        return (
            f"{label} {_number(self.reached)}{with_} is the nearest that {self.adjust} comes to "
            f"{_number(self.target)} ({self.reached / self.target - 1:+.1%}, beyond "
            f"{100 * self.tolerance:g} %)"
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


@dataclass(frozen=True)
class Matcher:
    """Adjusts the variants of a plan to its baseline. `known` are answers of an earlier sweep."""

    match: Match
    baseline: NetworkSpec
    known: Sequence[Matched] = ()

    @cached_property
    def target(self) -> float:
        """The baseline's cost."""
        return self._measure(self.baseline)

    def adjust(self, spec: NetworkSpec, build: Callable[[str], NetworkSpec]) -> Matched:
        """The answer for `spec`; `build` makes it with one more override.

        A measured latency is never the same twice: one that is known is not asked for again.
        """
        question = digest([spec.identity, self.baseline.identity, self.match.model_dump()])
        found = next((each for each in self.known if each.question == question), None)
        if found is not None and found.quantity == "latency":
            return found
        quantity, tolerance = self.match.asked
        before = self._measure(spec)
        best, override = self._search(spec, build, before)
        return Matched(
            quantity=quantity, adjust=self.match.adjust, tolerance=tolerance, target=self.target,
            before=before, reached=best, adjusted=(override,) if override else (),
            question=question,
        )  # fmt: skip

    def _measure(self, spec: NetworkSpec) -> float:
        from workbench.cost import cost, speed

        quantity = self.match.asked[0]
        if quantity == "latency":
            return speed.inference_latency(spec)
        return float(getattr(cost(spec), quantity))

    def _search(
        self, spec: NetworkSpec, build: Callable[[str], NetworkSpec], before: float
    ) -> tuple[float, str | None]:
        """The cost that is reached, and the override that reaches it; none where none is needed."""
        quantity, tolerance = self.match.asked
        if abs(before / self.target - 1) <= tolerance:
            return before, None
        seen = dict[str, float]()
        for sizes in self._candidates(spec, build, seen):
            text = _override(self.match.adjust, sizes)
            found = self._cost(text, build, seen)
            if quantity != "latency" and abs(found / self.target - 1) <= tolerance:
                return found, text
        reached = [(before, None), *((cost, text) for text, cost in seen.items())]
        return min(reached, key=lambda each: abs(each[0] - self.target))

    def _cost(
        self, text: str, build: Callable[[str], NetworkSpec], seen: dict[str, float]
    ) -> float:
        """Infinite for a network that can't be built."""
        if text not in seen:
            try:
                seen[text] = self._measure(build(text))
            except InputError:
                seen[text] = float("inf")
        return seen[text]

    def _candidates(
        self, spec: NetworkSpec, build: Callable[[str], NetworkSpec], seen: dict[str, float]
    ) -> Iterator[tuple[float, ...]]:
        """Sizes around the proportional ones, the least distorted first."""
        sizes, units = _sizes(self.match.adjust, spec)
        if not sizes:
            return
        low, high = 1 / WIDEST, WIDEST
        for _ in range(BISECTIONS[self.match.asked[0]]):
            middle = sqrt(low * high)
            text = _override(self.match.adjust, _scaled(sizes, units, middle))
            small = self._cost(text, build, seen) < self.target
            low, high = (middle, high) if small else (low, middle)
        if self.match.asked[0] == "latency" or not any(units):
            yield from (_scaled(sizes, units, factor) for factor in (low, high))
            return
        yield from _near(sizes, units, sqrt(low * high))


def _sizes(adjust: str, spec: NetworkSpec) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """A size for each stage and what it is a multiple of (0: of nothing); empty if it has none."""
    if isinstance(spec, Peer):  # its sizes are given in the plan
        return (), ()
    stages = spec.stages
    if adjust == "width":
        from workbench.scaling.sizes import dim_units

        return tuple(float(stage.dim) for stage in stages), dim_units(spec)
    if adjust == "depth":
        return tuple(float(stage.depth) for stage in stages), (1,) * len(stages)
    ratios = [_ratio(stage.ffn) for stage in stages]
    known = tuple(ratio for ratio in ratios if ratio is not None)
    return (known, (0,) * len(known)) if len(known) == len(stages) else ((), ())


def _ratio(part: Part) -> float | None:
    value = dict(part.options).get("ratio")
    return float(value) if isinstance(value, int | float) else None


def _scaled(sizes: Sequence[float], units: Sequence[int], factor: float) -> tuple[float, ...]:
    return tuple(
        max(unit, round(size * factor / unit) * unit) if unit else round(size * factor, 4)
        for size, unit in zip(sizes, units, strict=True)
    )


def _near(sizes: Sequence[float], units: Sequence[int], factor: float) -> list[tuple[float, ...]]:
    steps = STEPS if len(sizes) <= MANY else STEPS[:3]
    options = [
        [value + step * unit for step in steps if value + step * unit > 0]
        for value, unit in zip(_scaled(sizes, units, factor), units, strict=True)
    ]
    ideal = [size * factor for size in sizes]
    return sorted(product(*options), key=lambda each: _distortion(each, ideal))


def _distortion(chosen: Iterable[float], ideal: Iterable[float]) -> float:
    return sum(log(size / wanted) ** 2 for size, wanted in zip(chosen, ideal, strict=True))


def _override(adjust: str, sizes: Sequence[float]) -> str:
    key = {"width": "dim", "depth": "depth", "ffn.ratio": "ffn.ratio"}[adjust]
    return f"{key}=[{', '.join(f'{size:g}' for size in sizes)}]"
