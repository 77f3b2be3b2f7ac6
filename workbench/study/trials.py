"""Trials as plain facts, and how they are kept in Optuna's attributes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from optuna.trial import FrozenTrial, TrialState

from workbench.scaling.constants import Constants
from workbench.study.space import Candidate

Ending = Literal["completed", "infeasible", "pruned", "diverged"]
STATES: Mapping[Ending, TrialState] = {
    "completed": TrialState.COMPLETE,
    "infeasible": TrialState.PRUNED,  # no value, so that a sampler keeps away
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One point that was asked for, and what became of it."""

    number: int
    constants: Constants
    outcome: str  # an `Ending`, or `waiting` for one that is to be taken up
    reason: str | None
    network: str | None  # sizes; the same for all points that round to it
    same_as: int | None  # the trial that trained this network, where it is another one
    overrides: tuple[str, ...]
    macs: int | None
    params: int | None
    growth: float | None
    top1: float | None  # percent, mean over the seeds
    top1_by_seed: tuple[float, ...]
    throughput: float | None  # training images per second, mean over the seeds
    point: tuple[float, float, float] | None  # the constants as written, of a point tried first

    @property
    def trained(self) -> bool:
        """Whether this trial is the one that trained its network."""
        return self.same_as is None and self.outcome in ("completed", "pruned", "diverged")

    @property
    def scored(self) -> bool:
        """Whether it trained its network to a top-1."""
        return self.trained and self.top1 is not None


def candidate_attributes(found: Candidate) -> dict[str, object]:
    """What is kept of a candidate before it trains."""
    scaled = found.scaled
    return {
        **found.constants.model_dump(),
        "network": found.label,
        "overrides": list(scaled.overrides) if scaled else [],
        "macs": scaled.cost.macs if scaled else None,
        "params": scaled.cost.params if scaled else None,
        "growth": scaled.growth if scaled else None,
    }


def read_trial(frozen: FrozenTrial) -> Trial:
    """A trial as Optuna has it."""
    attributes = frozen.user_attrs
    known = attributes.get("outcome") if frozen.state.is_finished() else None
    triple = attributes.get("point")
    return Trial(
        number=frozen.number,
        constants=Constants(**{key: attributes.get(key, 1.0) for key in Constants.model_fields}),
        outcome=str(known) if known in get_args(Ending) else "waiting",
        reason=attributes.get("reason"),
        network=attributes.get("network"),
        same_as=attributes.get("same_as"),
        overrides=tuple(attributes.get("overrides", ())),
        macs=attributes.get("macs"),
        params=attributes.get("params"),
        growth=attributes.get("growth"),
        top1=attributes.get("top1"),
        top1_by_seed=tuple(attributes.get("top1_by_seed", ())),
        throughput=attributes.get("throughput"),
        point=(triple[0], triple[1], triple[2]) if triple else None,
    )
