"""A network that a study trains: its runs, their results, and the trials that wait for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from workbench.config import Outcome, Result, RunConfig
from workbench.plans.resolution import Variant
from workbench.study.search import OpenTrial

UNSETTLED = (Outcome.FAILED, Outcome.INTERRUPTED)


@dataclass
class NetworkRuns:
    """One network under way. The first of `trials` is the one that trains it."""

    variant: Variant
    runs: Sequence[RunConfig]  # one for each seed
    trials: list[OpenTrial]
    results: dict[str, Result] = field(default_factory=dict)  # by run
    submitted: set[str] = field(default_factory=set)
    pruned: bool = False  # whether its pruner has spoken

    @property
    def leader(self) -> RunConfig:
        """The run whose epochs a pruner sees."""
        return self.runs[0]

    @property
    def busy(self) -> bool:
        """Whether a run of it is with the engine."""
        return any(run not in self.results for run in self.submitted)

    @property
    def stopped(self) -> Result | None:
        """A result that settles the whole: there is no mean without it."""
        results = [self.results[run.id] for run in self.runs if run.id in self.results]
        return next((each for each in results if each.outcome is not Outcome.COMPLETED), None)

    @property
    def complete(self) -> bool:
        """Whether every seed has its top-1."""
        return len(self.results) == len(self.runs) and self.stopped is None

    def missing(self) -> list[RunConfig]:
        """Runs that nobody has begun in this session."""
        known = self.submitted | set(self.results)
        return [run for run in self.runs if run.id not in known]

    def facts(self) -> Mapping[str, object]:
        """What a completed trial is judged by."""
        results = [self.results[run.id] for run in self.runs]
        top1 = [each.judged for each in results if each.judged is not None]
        pace = [each.images_per_second for each in results if each.images_per_second is not None]
        return {
            "top1": fmean(top1),
            "top1_by_seed": top1,
            "throughput": fmean(pace) if pace else 0.0,
        }
