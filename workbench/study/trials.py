"""Trials as plain facts, and how they are kept in Optuna's attributes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

from optuna.trial import FrozenTrial, TrialState
from pydantic import TypeAdapter

from workbench.errors import InputError
from workbench.scaling.constants import Constants, constants
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


_TRIAL = TypeAdapter(Trial)
KEPT = ("reason", "network", "same_as", "macs", "params", "growth", "top1", "throughput", "point")


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
    try:
        return checked(
            number=frozen.number,
            constants={key: attributes.get(key, 1.0) for key in Constants.model_fields},
            outcome=known if known in get_args(Ending) else "waiting",
            overrides=attributes.get("overrides", ()),
            top1_by_seed=attributes.get("top1_by_seed", ()),
            **{key: attributes.get(key) for key in KEPT},
        )
    except ValueError:
        raise InputError(
            f"trial {frozen.number} in it is damaged, or of another version", key="storage"
        ) from None


def checked(**facts: object) -> Trial:
    """A trial of facts that were stored. Raises `ValueError` for a value that no trial has."""
    found = _TRIAL.validate_python(facts)
    percents = [each for each in (found.top1, *found.top1_by_seed) if each is not None]
    if not all(0 <= each <= 100 for each in percents):
        raise ValueError("a top-1 beyond percent")
    counts = [each for each in (found.growth, found.throughput) if each is not None]
    if not all(0 <= each < inf for each in counts):
        raise ValueError("a growth or a throughput that is none")
    constants(*found.constants.each())
    return found
