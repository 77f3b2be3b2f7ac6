"""The claims held against what we count and, by request, against the speed of this device."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from workbench.cost.claims import CLAIMS, Claim, Counted, CountedBlock, Operand, Printed, Reading
from workbench.cost.closed import closed_form
from workbench.cost.record import CONVENTION, Cost
from workbench.cost.speed import Speed, measure_speed
from workbench.cost.target import Target, counted, target
from workbench.errors import unknown
from workbench.models import spec
from workbench.published import figures, imagenet


@dataclass(frozen=True)
class Judgement:
    """One reading of a claim; what nobody counted or measured is None."""

    claim: Claim
    reading: Reading
    left: float | None
    right: float | None
    value: float | None  # what is held against the bounds

    @property
    def holds(self) -> bool | None:
        """Whether the value is within the claim's bounds."""
        if self.value is None:
            return None
        above = self.value > self.claim.low if self.strict else self.value >= self.claim.low
        return above and (self.claim.high is None or self.value <= self.claim.high)

    @property
    def strict(self) -> bool:
        """A ratio of exactly 1 makes nothing cheaper."""
        return self.claim.low == 1.0

    def to_json(self) -> dict[str, object]:
        """Plain data, unrounded."""
        return {
            "claim": self.claim.key,
            "text": self.claim.text,
            "source": self.claim.source,
            "rule": self.claim.rule,
            "reading": self.reading.text,
            "quantity": self.reading.quantity,
            "left": self.left,
            "right": self.right,
            "value": self.value,
            "holds": self.holds,
        }


class Judge:
    """Counts and measures each network once, however many claims name it.

    Speed is that of inference as one would deploy it: our BN folded, timm's networks as they are
    but for the memory format that the claim's reading names.
    """

    def __init__(self, speed: bool = False, seconds: float = 2.0) -> None:
        self.speeds: dict[Counted, Speed] | None = {} if speed else None
        self.seconds = seconds
        self._costs: dict[Counted, Cost] = {}

    def judge(self, claims: Iterable[Claim]) -> tuple[Judgement, ...]:
        """Every reading of every claim, in order."""
        return tuple(self._verdict(claim, r) for claim in claims for r in claim.readings)

    def _verdict(self, claim: Claim, reading: Reading) -> Judgement:
        left, right = (self._amount(x, reading) for x in (reading.left, reading.right))
        if left is None or right is None:
            return Judgement(claim, reading, left, right, None)
        value = left / right
        if reading.then is not None:
            later = [self._amount(operand, reading) for operand in reading.then]
            value = (later[0] or 0.0) / (later[1] or 1.0) / value
        if reading.growth is not None:
            value = math.log(value) / math.log(reading.growth)
        return Judgement(claim, reading, left, right, value)

    def _amount(self, operand: Operand, reading: Reading) -> float | None:
        if isinstance(operand, Printed):
            return _printed_macs(operand)
        if isinstance(operand, CountedBlock):
            return _block_macs(operand)
        if reading.quantity == "speed":
            return self._images_per_second(operand)
        cost = self._cost(operand)
        return cost.params if reading.quantity == "params" else cost.macs

    def _cost(self, network: Counted) -> Cost:
        if network not in self._costs:
            self._costs[network] = counted(_target(network))
        return self._costs[network]

    def _images_per_second(self, network: Counted) -> float | None:
        if self.speeds is None:
            return None
        if network not in self.speeds:
            found = _target(network)
            self.speeds[network] = measure_speed(
                found.build(fused=True),
                found.name,
                found.channels,
                found.resolution,
                device="cpu",
                seconds=self.seconds,
                memory_format=(
                    torch.contiguous_format if network.contiguous else torch.channels_last
                ),
            )
        return self.speeds[network].images_per_second


def _target(network: Counted) -> Target:
    return target(network.name, *network.overrides, resolution=network.resolution)


def _printed_macs(printed: Printed) -> float:
    rows = [row for row in imagenet() if row.model == printed.model]
    if not rows:
        raise unknown("model", printed.model, [row.model for row in imagenet()])
    return float(figures(rows, "gmacs")[0].value) * 1e9


def _block_macs(block: CountedBlock) -> float:
    made = spec(block.name, *block.overrides, resolution=block.resolution)
    entries = closed_form(made).entries
    stage = str(block.stage)
    total = sum(e.macs for e in entries if e.stage == stage and e.slot in block.slots)
    return total / made.stages[block.stage].depth


def claims_json(verdicts: Iterable[Judgement], speeds: Iterable[Speed] = ()) -> dict[str, object]:
    """What `workbench claims --json` prints."""
    return {
        "convention": CONVENTION,
        "claims": [verdict.to_json() for verdict in verdicts],
        "speeds": [speed.to_json() for speed in speeds],
    }


def judge_claims(
    speed: bool = False, seconds: float = 2.0
) -> tuple[tuple[Judgement, ...], tuple[Speed, ...]]:
    """All claims, and the speeds that were measured for them where `speed` asks for that."""
    court = Judge(speed, seconds)
    verdicts = court.judge(CLAIMS)
    return verdicts, tuple((court.speeds or {}).values())
