"""What a count returns: entries by stage, slot and operator class, and their sums."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from workbench.config import MAC
from workbench.models.ops import Size

CONVENTION = f"{MAC}; norms and activations are counted in output elements, apart."
MAC_KINDS = ("convolution", "linear", "attention")


class OperatorCost(NamedTuple):
    """The operators of one class in one slot of one stage."""

    stage: str  # "stem", "0", "1", ..., "head"; "network" for a network that is not ours
    slot: str  # empty for a network that is not ours
    kind: str  # see `workbench.models.ops`
    macs: int
    params: int
    elements: int  # of outputs
    scores: int = 0  # attention weights, which only an unfused product stores


class Sums(NamedTuple):
    """Params, MACs and activations of one slot, stage or class."""

    params: int
    macs: int
    activations: int


@dataclass(frozen=True)
class Cost:
    """The cost of one network on one image.

    `activations` are the output elements of convolutions, linear layers and attention products,
    attention weights left out; outputs of norms and activation functions stand apart.
    """

    spec: str
    size: Size  # of the image
    entries: tuple[OperatorCost, ...]

    @property
    def resolution(self) -> int:
        """The side of a square image; `size` has any."""
        if self.size.height != self.size.width:
            raise ValueError(f"{self.spec} was counted on images of {self.size}, no square")
        return self.size.height

    @cached_property
    def params(self) -> int:
        """Trainable parameters."""
        return sum(entry.params for entry in self.entries)

    @cached_property
    def macs(self) -> int:
        """Multiply-adds."""
        return sum(entry.macs for entry in self.entries)

    @cached_property
    def activations(self) -> int:
        """Output elements of the operators that have MACs."""
        return sum(entry.elements for entry in self.entries if entry.kind in MAC_KINDS)

    @cached_property
    def scores(self) -> int:
        """Attention weights: what an unfused product stores beside its output."""
        return sum(entry.scores for entry in self.entries)

    def elements(self, kind: str) -> int:
        """Output elements of one operator class, such as `norm` or `act`."""
        return sum(entry.elements for entry in self.entries if entry.kind == kind)

    @cached_property
    def by_slot(self) -> dict[str, Sums]:
        """Sums per slot; empty for a network that is not ours."""
        return {name: sums for name, sums in self._by(lambda entry: entry.slot).items() if name}

    @cached_property
    def by_stage(self) -> dict[str, Sums]:
        """Sums per stage; stem and head stand beside the numbered stages."""
        return self._by(lambda entry: entry.stage)

    @cached_property
    def by_kind(self) -> dict[str, Sums]:
        """Sums per operator class."""
        return self._by(lambda entry: entry.kind)

    @property
    def total(self) -> Sums:
        """Of everything."""
        return _sums(self.entries)

    def _by(self, key: Callable[[OperatorCost], str]) -> dict[str, Sums]:
        groups: dict[str, list[OperatorCost]] = {}
        for entry in self.entries:
            groups.setdefault(key(entry), []).append(entry)
        return {name: _sums(entries) for name, entries in groups.items()}

    def to_json(self) -> dict[str, object]:
        """Plain data with every number unrounded; `resolution` is [height, width] if no square."""
        side, width = self.size
        return {
            "spec": self.spec,
            "resolution": side if side == width else [side, width],
            "convention": CONVENTION,
            "params": self.params,
            "macs": self.macs,
            "activations": self.activations,
            "norm_elements": self.elements("norm"),
            "act_elements": self.elements("act"),
            "attention_scores": self.scores,
            "by_slot": {name: sums._asdict() for name, sums in self.by_slot.items()},
            "by_stage": {name: sums._asdict() for name, sums in self.by_stage.items()},
            "by_kind": {name: sums._asdict() for name, sums in self.by_kind.items()},
        }


def _sums(entries: Iterable[OperatorCost]) -> Sums:
    listed = list(entries)
    return Sums(
        sum(entry.params for entry in listed),
        sum(entry.macs for entry in listed),
        sum(entry.elements for entry in listed if entry.kind in MAC_KINDS),
    )


def collect(spec: str, size: Size, found: Iterable[OperatorCost]) -> Cost:
    """A `Cost` with one entry per stage, slot and class, in the order of first appearance."""
    merged: dict[tuple[str, str, str], list[int]] = {}
    for stage, slot, kind, macs, params, elements, scores in found:
        sums = merged.setdefault((stage, slot, kind), [0, 0, 0, 0])
        sums[0] += macs
        sums[1] += params
        sums[2] += elements
        sums[3] += scores
    entries = (OperatorCost(*key, *sums) for key, sums in merged.items() if any(sums))
    return Cost(spec, size, tuple(entries))
