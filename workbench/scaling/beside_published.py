"""CMT-Ti, XS, S and B as published, beside what the rule gives from S."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import log

from workbench.config import Spec
from workbench.cost import closed_form
from workbench.models import spec
from workbench.models.zoo import entry
from workbench.scaling.constants import GROWTH, PAPER, Constants
from workbench.scaling.rule import Scaled, scale
from workbench.scaling.sizes import Rounding, sizes_of

BASE = "cmt_s"
MODELS = ("cmt_ti", "cmt_xs", "cmt_s", "cmt_b")
PHIS = [step / 50 for step in range(-150, 151)]  # where the nearest phi is looked for
Size = int | float | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SizeBesideRule:
    """One size of one model, as published and by the rule."""

    what: str
    published: Size
    rule: Size
    follows: bool  # the same after rounding
    phi: float | None  # where the rule would give the published value, before rounding


@dataclass(frozen=True, slots=True)
class ModelBesideRule:
    """One published model and the rule's network with the nearest MACs."""

    model: str
    source: str  # of the published sizes
    phi: float  # whose network comes nearest in MACs
    lines: tuple[SizeBesideRule, ...]
    overrides: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Everything, unrounded."""
        return asdict(self)


def published_beside_rule(
    given: Constants = PAPER, rounding: Rounding | None = None, growth: float = GROWTH
) -> tuple[ModelBesideRule, ...]:
    """All four models, each at the phi whose network comes nearest in MACs."""
    base = spec(BASE)
    base_cost = closed_form(base)
    reached = [scale(base, given, phi, rounding, growth, base_cost) for phi in PHIS]
    return tuple(_compare(name, reached) for name in MODELS)


def _compare(name: str, reached: Sequence[Scaled]) -> ModelBesideRule:
    published = spec(name)
    macs = closed_form(published).macs
    # Many phis round to one network: of those, the one whose growth by the rule is nearest.
    nearest = min(
        reached,
        key=lambda each: (
            abs(log(each.cost.macs / macs)),
            abs(log(each.target * each.base_cost.macs / macs)),
        ),
    )
    found = tuple(_lines(published, nearest))
    return ModelBesideRule(name, entry(name).source, nearest.phi, found, nearest.overrides)


def _lines(published: Spec, by_rule: Scaled) -> Iterator[SizeBesideRule]:
    base, sizes = sizes_of(by_rule.base), sizes_of(published)
    ours, growth = by_rule.sizes, by_rule.target
    alpha, beta, gamma = by_rule.constants.each()
    unit = log(growth) / by_rule.phi if by_rule.phi else log(GROWTH)
    costs = closed_form(published)

    def line(what: str, theirs: Size, rule: Size, phi: float | None = None) -> SizeBesideRule:
        return SizeBesideRule(what, theirs, rule, theirs == rule, phi)

    yield line("resolution", sizes.resolution, ours.resolution,
               _phi(sizes.resolution / base.resolution, gamma))  # fmt: skip
    yield line("depth", sizes.depth, ours.depth, _phi(sum(sizes.depth) / sum(base.depth), alpha))
    yield line("dim", sizes.dim, ours.dim, _phi(sizes.dim[0] / base.dim[0], beta))
    yield line("heads", sizes.heads, ours.heads)
    if sizes.stem and ours.stem and base.stem:
        yield line("stem.dim", sizes.stem, ours.stem, _phi(sizes.stem / base.stem, beta))
    if sizes.head and ours.head:
        yield line("head.dim", sizes.head, ours.head)
    yield line("ffn.ratio", _ratio(published), _ratio(by_rule.spec))
    yield line("params", costs.params, by_rule.cost.params)
    by_macs = log(costs.macs / by_rule.base_cost.macs) / unit
    yield line("macs", costs.macs, by_rule.cost.macs, by_macs)


def _phi(factor: float, constant: float) -> float | None:
    return log(factor) / log(constant) if constant > 1 else None


def _ratio(network: Spec) -> float:
    return float(dict(network.stages[0].ffn.options)["ratio"] or 0)
