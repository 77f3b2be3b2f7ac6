"""Which runs of a plan are to run, and in a race, which ones next."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from workbench.config import Outcome, Result, RunConfig
from workbench.engine import Task
from workbench.plans.resolution import Plan
from workbench.runs.folder import discard_checkpoints, run_folder
from workbench.runs.ledger import Entry, Ledger
from workbench.runs.results import ended_runs, plan_rows
from workbench.statistics.racing import next_seeds


class Queue:
    """The runs of a plan, registered in the ledger as they are called for.

    A race is run in rounds: when all runs of one have ended, the verdicts so far say what the next
    one is. So its runs depend on their results alone, not on how many workers there were or on
    what was killed in between.
    """

    def __init__(self, ledger: Ledger, plan: Plan, folder: Path, only: Sequence[str]) -> None:
        self._ledger = ledger
        self._plan = plan
        self._folder = folder
        self._only = only
        self._configs = {(run.variant, run.seed): run for run in plan.runs()}

    def begin(self) -> tuple[RunConfig, ...]:
        """What is to run first: what is open, else the next round of a race."""
        self._register(self._plan.runs(seeds=self._plan.first_seeds))
        self._settle_infeasible()
        for run in self._ledger.runs():
            if run.final:  # the sweep may have been killed before it did this
                discard_checkpoints(self.task(self._configs[run.variant, run.seed]).folder)
        return self.open() or self.more()

    def open(self) -> tuple[RunConfig, ...]:
        """The registered runs that are asked for and are not final, in the order of the plan."""
        waiting = {run.id for run in self._ledger.runs() if not run.final}
        return tuple(run for run in self._plan.runs(self._only) if run.id in waiting)

    def asked(self) -> int:
        """How many runs are registered and asked for."""
        registered = self._ledger.statuses()
        return sum(run.id in registered for run in self._plan.runs(self._only))

    def more(self) -> tuple[RunConfig, ...]:
        """The next round, registered; empty where the race is over, or there is none."""
        plan = self._plan
        if plan.race is None:
            return ()
        ended = ended_runs(self._ledger.runs())
        wanted = next_seeds(plan_rows(plan), ended, plan.seeds, plan.race, plan.test_images)
        seeds = {each.variant: each.seeds for each in wanted}
        runs = [run for run in plan.runs(self._only) if run.seed in seeds.get(run.variant, ())]
        self._register(runs)
        return tuple(runs)

    def task(self, run: RunConfig) -> Task:
        """The run, with the folder that it is run in."""
        return Task(run, run_folder(self._folder, run))

    def _register(self, runs: Iterable[RunConfig]) -> None:
        variants = {variant.name: variant for variant in self._plan.variants}
        self._ledger.register(self._plan, [Entry(run, variants[run.variant]) for run in runs])

    def _settle_infeasible(self) -> None:
        """A variant that can't be made equal in cost is a result before anything trains."""
        reasons = {variant.name: variant.infeasible for variant in self._plan.variants}
        for run in self._ledger.runs():
            reason = reasons[run.variant]
            if reason and not run.final:
                self._ledger.end(Result(run=run.id, outcome=Outcome.INFEASIBLE, reason=reason))
