"""Which runs of a plan are to run, and in a race, which ones next."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.config import Outcome, Result, RunConfig
from workbench.engine import Ended, Event
from workbench.errors import InputError
from workbench.plans.resolution import Plan
from workbench.runs.evidence import image_noise, kept_evidence
from workbench.runs.exchange.finished import Library
from workbench.runs.exchange.reuse import take_over
from workbench.runs.folder import discard_checkpoints, run_folder
from workbench.runs.recording import Recording
from workbench.runs.rows import StoredRun
from workbench.statistics.facts import ImageNoise
from workbench.statistics.racing import next_seeds


class Queue:
    """The runs of a plan, registered in the ledger as they are called for.

    A race is run in rounds: when all runs of one have ended, the verdicts so far say what the next
    one is. So its runs depend on their results alone, not on how many workers there were or on
    what was killed in between.
    """

    def __init__(
        self,
        plan: Plan,
        asked: Sequence[RunConfig],
        first: Sequence[RunConfig],
        library: Library | None = None,
    ) -> None:
        self._plan = plan
        self._first = first  # those that are in the ledger from the start
        self._library = library  # of runs that were done before elsewhere
        self._asked = asked  # those that may run, in the order of the plan

    def begin(self, recording: Recording) -> Sequence[RunConfig]:
        """What is to run first: what is open, else the next round of a race."""
        self._recording = recording
        recording.register(self._plan, self._first)
        runs = recording.ledger.runs()
        self._settle_infeasible(runs)
        for run in runs:
            if run.final:  # the sweep may have been killed before it did this
                discard_checkpoints(run_folder(recording.folder, run))
        return self._left(self._asked) or self._next_round()

    def follow(self, event: Event) -> Sequence[RunConfig]:
        """At the end of a round, the next one."""
        if not isinstance(event, Ended) or not self._recording.idle or self._recording.stopping:
            return ()
        runs = self._next_round()
        if runs:
            variants = ", ".join(dict.fromkeys(run.variant for run in runs))
            self._recording.note(f"Not decided yet: a further seed for {variants}.")
        return runs

    def counts(self) -> tuple[int, int]:
        """Of the registered runs that are asked for: those that are final, and all."""
        final = self._final()
        registered = [run.id for run in self._asked if run.id in final]
        return sum(final[run] for run in registered), len(registered)

    def _final(self) -> dict[str, bool]:
        """Whether each registered run is final."""
        return self._recording.ledger.final()

    def _next_round(self) -> Sequence[RunConfig]:
        """Registered; empty where the race is over, or there is none."""
        while wanted := self._wanted():
            new = {run.id for run in wanted} - self._final().keys()
            self._recording.register(self._plan, wanted)
            left = self._left(wanted)
            if left or not new:
                return left
        return ()

    def _left(self, runs: Sequence[RunConfig]) -> Sequence[RunConfig]:
        """Of registered runs, those that no one has finished, here or elsewhere."""
        final = self._final()
        waiting = [run for run in runs if not final.get(run.id, True)]
        if self._library is None or not waiting:
            return waiting
        records = self._recording
        for text in take_over(records.ledger, records.folder, waiting, self._library):
            records.note(text)
        final = self._final()
        return [run for run in waiting if not final[run.id]]

    def _wanted(self) -> Sequence[RunConfig]:
        """The next round of a race."""
        plan = self._plan
        if plan.race is None:
            return ()
        ended = [run for run in self._recording.ledger.runs() if run.outcome]
        wanted = next_seeds(
            plan.variants, ended, plan.seeds, plan.race, plan.test_images,
            replace(plan.method, known=self._image_noise(ended)),
        )  # fmt: skip
        seeds = {each.variant: each.seeds for each in wanted}
        return [run for run in self._asked if run.seed in seeds.get(run.variant, ())]

    def _image_noise(self, ended: Sequence[StoredRun]) -> Mapping[str, ImageNoise] | None:
        """As the report counts it; none where the evidence can't be read, which the report says."""
        try:
            return image_noise(ended, kept_evidence(self._recording.folder, ended))
        except InputError:
            return None

    def _settle_infeasible(self, runs: Sequence[StoredRun]) -> None:
        """A variant that can't be made equal in cost is a result before anything trains."""
        reasons = {variant.name: variant.infeasible for variant in self._plan.variants}
        for run in runs:
            reason = reasons[run.variant]
            if reason and not run.final:
                result = Result(run=run.id, outcome=Outcome.INFEASIBLE, reason=reason)
                self._recording.ledger.end(result)
