"""Ask, train, tell: which networks a study trains next, and what its trials hear of them."""

from collections.abc import Mapping
from math import ceil

from workbench.config import EpochRecord, Outcome, Progress, Result, RunConfig
from workbench.engine import Ended, Event
from workbench.plans.file import STUDY
from workbench.plans.resolution import Plan, Variant
from workbench.runs.ledger import Ledger
from workbench.runs.recording import Recording
from workbench.show.console import plural
from workbench.study.network_runs import UNSETTLED, NetworkRuns
from workbench.study.search import OpenTrial, Search
from workbench.study.space import Candidate, Study
from workbench.study.trials import Ending, Trial

_ENDINGS: Mapping[str, Ending] = {
    "completed": "completed", "pruned": "pruned", "diverged": "diverged",
}  # fmt: skip


class Session:
    """One call of a study, as a `Chooser`: a network trains once, however many points name it."""

    def __init__(self, study: Study, search: Search, recording: Recording) -> None:
        self.failed = 0
        self._study, self._search, self._recording = study, search, recording
        self._plan = recording.ledger.plan()
        trials = search.trials()
        self._asked = sum(trial.outcome != "waiting" for trial in trials)
        self._known = {t.network: t for t in trials if t.trained and t.network}
        self._results = _final_results(recording.ledger)
        self._under_way: dict[str, NetworkRuns] = {}  # by the network's name
        self._by_run: dict[str, NetworkRuns] = {}
        self._parked: list[OpenTrial] = []  # cut off or failed; for the next call
        self._broken: set[str] = set()  # networks whose runs failed
        self._exhausted = False
        # Pruning watches the first seed, so that the others wait for it; else all seeds run at once
        # and trials come one after the other for as long as the seeds keep the workers busy.
        seeds, jobs = len(study.file.seeds), recording.shares.jobs
        self._width = jobs if study.file.prunes else ceil(jobs / seeds)

    # ------------------------------------------------------------ for the recording

    def begin(self, recording: Recording) -> list[RunConfig]:
        """The first runs; none where the study is done."""
        return self._fill()

    def follow(self, event: Event) -> list[RunConfig]:
        """What an epoch or an end leads to."""
        if isinstance(event, Progress) and event.record:
            self._watch(event, event.record)
        return self._end(event.result) if isinstance(event, Ended) else []

    def counts(self) -> tuple[int, int]:
        """Runs that are final, and those of all networks that are asked for."""
        done = len(self._results)
        return done, max(done, self._study.file.trials * len(self._study.file.seeds))

    # ------------------------------------------------------------ asking

    def _fill(self) -> list[RunConfig]:
        """Ask until enough networks are under way."""
        runs: list[RunConfig] = []
        while len(self._under_way) < self._width and self._more():
            asked = self._search.ask()
            if asked is None:
                self._exhausted = True
                break
            self._asked += 1
            runs += self._consider(asked)
        return runs

    def _more(self) -> bool:
        file = self._study.file
        trained = len(self._known) + len(self._under_way) + self.failed
        open_end = not self._recording.stopping and not self._exhausted
        return open_end and trained < file.trials and self._asked < file.asks

    def why_short(self) -> str | None:
        """Why it ended with fewer networks than were asked for, if it did."""
        file = self._study.file
        if len(self._known) + self.failed >= file.trials or self._recording.stopping:
            return None
        asked = plural(self._asked, "point") if not self._exhausted else "the whole grid"
        return (
            f"{len(self._known)} of {plural(file.trials, 'network')}: {asked} gave no more that "
            "are distinct and within the tolerance."
        )

    def _consider(self, asked: OpenTrial) -> list[RunConfig]:
        candidate = asked.candidate
        if candidate.refused is not None or candidate.label is None:
            self._search.tell(asked, "infeasible", reason=candidate.refused)
            return []
        if candidate.label in self._known:
            self._tell_same(asked, self._known[candidate.label])
            return []
        if candidate.label in self._under_way:
            self._under_way[candidate.label].trials.append(asked)
            return []
        if candidate.label in self._broken:
            self._parked.append(asked)
            return []
        return self._begin(asked, candidate, candidate.label)

    def _tell_same(self, asked: OpenTrial, trial: Trial) -> None:
        """It rounds to a network that was trained: it has that one's result, at no cost."""
        facts: dict[str, object] = {"top1": trial.top1, "throughput": trial.throughput}
        facts |= {"top1_by_seed": list(trial.top1_by_seed), "reason": trial.reason}
        self._search.tell(asked, _ENDINGS[trial.outcome], same_as=trial.number, **facts)

    def _begin(self, asked: OpenTrial, candidate: Candidate, label: str) -> list[RunConfig]:
        variant = self._register(candidate, label)
        runs = [
            RunConfig(variant=variant.name, spec=variant.spec, recipe=self._study.recipe, seed=seed)
            for seed in self._study.file.seeds
        ]
        network = NetworkRuns(variant, runs, [asked])
        network.results = {r.id: self._results[r.id] for r in runs if r.id in self._results}
        self._under_way[label] = network
        self._by_run |= {run.id: network for run in runs}
        growth = candidate.scaled.growth if candidate.scaled else 1.0
        number = asked.number
        self._recording.note(f"trial {number}: {candidate.constants}: {label}, MACs x{growth:.3f}")
        return self._advance(label, network)

    def _register(self, candidate: Candidate, label: str) -> Variant:
        """In the ledger, before it trains; a network that is there already keeps its row."""
        rows = self._plan.variants if self._plan else ()
        for variant in rows:
            if variant.name == label:
                return variant
        variant = _row(self._study, candidate, label)
        self._plan = _with_row(self._plan, self._study, variant)
        self._recording.register(self._plan, self._plan.runs((label,)))
        return variant

    # ------------------------------------------------------------ events

    def _watch(self, event: Progress, record: EpochRecord) -> None:
        """The pruner sees the epochs of the first seed, but for the last."""
        network = self._by_run[event.run]
        last = record.epoch + 1 == event.epochs
        top1 = record.judged
        if network.leader.id != event.run or top1 is None or network.pruned or last:
            return
        if self._search.report(network.trials[0], record.epoch, top1):
            network.pruned = True
            rule = self._study.file.pruner.name
            reason = f"{rule}: top-1 {top1:.2f} % after epoch {record.epoch + 1}"
            self._recording.prune(event.run, reason)

    def _end(self, result: Result) -> list[RunConfig]:
        network = self._by_run[result.run]
        network.results[result.run] = result
        if result.outcome.final:
            self._results[result.run] = result
        return [*self._advance(network.variant.name, network), *self._fill()]

    def _advance(self, label: str, network: NetworkRuns) -> list[RunConfig]:
        """The runs that come next, once something about a network is known."""
        if network.stopped is None and not network.complete:
            return self._next_seeds(network)
        if network.busy:  # the other seeds are on their way; their results are kept as well
            return []
        self._conclude(label, network)
        return []

    def _next_seeds(self, network: NetworkRuns) -> list[RunConfig]:
        waiting = network.missing()
        if self._study.file.prunes and network.leader.id not in network.results:
            waiting = [run for run in waiting if run.id == network.leader.id]
        if self._recording.stopping:
            return []
        network.submitted |= {run.id for run in waiting}
        return waiting

    def _conclude(self, label: str, network: NetworkRuns) -> None:
        """Every trial that waits for this network hears of its end."""
        del self._under_way[label]
        stopped, first = network.stopped, network.trials[0]
        if stopped is not None and stopped.outcome in UNSETTLED:
            self._parked += network.trials
            if stopped.outcome is Outcome.FAILED:
                self.failed += 1
                self._broken.add(label)
            self._recording.note(f"trial {first.number}: {stopped.outcome}: {stopped.reason}")
            return
        text = self._settle(first, network, stopped)
        trial = self._known[label] = self._search.trials()[first.number]
        done = f"[{len(self._known)}/{self._study.file.trials}]"
        self._recording.note(f"{done} trial {trial.number}: {text}")
        for other in network.trials[1:]:
            self._tell_same(other, trial)

    def _settle(self, first: OpenTrial, network: NetworkRuns, stopped: Result | None) -> str:
        if stopped is None:
            facts = network.facts()
            self._search.tell(first, "completed", **facts)
            return f"top-1 {facts['top1']:.2f} %"
        ending: Ending = "pruned" if stopped.outcome is Outcome.PRUNED else "diverged"
        for run in network.missing():
            reason = f"another seed: {ending}"
            self._results[run.id] = Result(run=run.id, outcome=Outcome.PRUNED, reason=reason)
            self._recording.skip(run, self._results[run.id])
        self._search.tell(first, ending, reason=stopped.reason)
        return f"{ending}: {stopped.reason}"

    # ------------------------------------------------------------ the end

    def release(self) -> None:
        """What was cut off or failed waits for the next call; nothing is left running."""
        under_way = (asked for network in self._under_way.values() for asked in network.trials)
        for asked in [*self._parked, *under_way]:
            self._search.release(asked)


def _final_results(ledger: Ledger) -> dict[str, Result]:
    """By run, as far as trials are judged by them."""
    return {
        run.id: Result(
            run=run.id, outcome=run.outcome, reason=run.reason, top1=run.judged,
            images_per_second=run.images_per_second,
        )
        for run in ledger.runs()
        if run.outcome is not None and run.final
    }  # fmt: skip


def _with_row(plan: Plan | None, study: Study, variant: Variant) -> Plan:
    """The plan with one more row."""
    if plan is not None:
        return plan.model_copy(update={"variants": (*plan.variants, variant)})
    return Plan(
        name=study.file.name,
        question=study.file.question,
        kind=STUDY,
        seeds=study.file.seeds,
        recipe=study.recipe,
        variants=(variant,),
        imports=study.imports,
    )


def _row(study: Study, candidate: Candidate, label: str) -> Variant:
    """A network as a row. Its name is its sizes, so that any study of this base calls it that."""
    assert candidate.scaled is not None
    return Variant(
        name=label,
        changed=", ".join(candidate.scaled.overrides),
        compared_to=None,
        base=study.file.base,
        overrides=(*study.file.set, *candidate.scaled.overrides),
        spec=candidate.scaled.spec,
        params=candidate.scaled.cost.params,
        macs=candidate.scaled.cost.macs,
    )
