"""A network that a study trains: its runs, their ends, and the trials that wait for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from workbench.config import Outcome, Result, RunConfig
from workbench.plans.resolution import Variant
from workbench.study.search import Asked

UNSETTLED = (Outcome.FAILED, Outcome.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Ended:
    """The part of a result that a trial is judged by."""

    outcome: Outcome
    reason: str | None
    top1: float | None
    images_per_second: float | None


def ended(result: Result) -> Ended:
    """Of a run that has just ended."""
    return Ended(result.outcome, result.reason, result.top1, result.images_per_second)


@dataclass
class Network:
    """One network under way. The first of `trials` is the one that trains it."""

    variant: Variant
    runs: Sequence[RunConfig]  # one for each seed
    trials: list[Asked]
    ends: dict[str, Ended] = field(default_factory=dict)  # by run
    submitted: set[str] = field(default_factory=set)
    pruned: str | None = None  # why, once its pruner has spoken

    @property
    def leader(self) -> RunConfig:
        """The run whose epochs a pruner sees."""
        return self.runs[0]

    @property
    def busy(self) -> bool:
        """Whether a run of it is with the engine."""
        return any(run not in self.ends for run in self.submitted)

    @property
    def stopped(self) -> Ended | None:
        """An end that settles the whole: there is no mean without it."""
        ends = [self.ends[run.id] for run in self.runs if run.id in self.ends]
        return next((end for end in ends if end.outcome is not Outcome.COMPLETED), None)

    @property
    def complete(self) -> bool:
        """Whether every seed has its top-1."""
        return len(self.ends) == len(self.runs) and self.stopped is None

    def missing(self) -> list[RunConfig]:
        """Runs that nobody has begun in this session."""
        known = self.submitted | set(self.ends)
        return [run for run in self.runs if run.id not in known]

    def facts(self) -> Mapping[str, Any]:
        """What a completed trial is told by."""
        ends = [self.ends[run.id] for run in self.runs]
        top1 = [end.top1 for end in ends if end.top1 is not None]
        pace = [end.images_per_second for end in ends if end.images_per_second is not None]
        return {
            "top1": fmean(top1),
            "top1_by_seed": top1,
            "throughput": fmean(pace) if pace else 0.0,
        }
