"""Ask, train, tell: a study's trials through an engine. The ledger always comes first."""

from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path
from typing import Any

from workbench.config import Outcome, Progress, Result, RunConfig, Scalar
from workbench.engine import Ended as RunEnded
from workbench.engine import Engine, Event, Requeued, Started, Task
from workbench.plans.resolution import Variant
from workbench.runs.folder import discard_checkpoints, run_folder
from workbench.runs.ledger import Entry, Ledger
from workbench.show.console import plural
from workbench.study.network import UNSETTLED, Ended, Network, ended
from workbench.study.rows import row, with_row
from workbench.study.search import Asked, Search
from workbench.study.space import Candidate, Study
from workbench.study.trials import Ending, Trial

Say = Callable[[str], None]
Known = dict[str, Trial]  # the trial that trained a network, by the network's name


_ENDINGS: Mapping[str, Ending] = {
    "completed": "completed", "pruned": "pruned", "diverged": "diverged",
}  # fmt: skip


class Session:
    """One call of a study. `tasks` begins it; `on_event` keeps it going."""

    def __init__(
        self,
        study: Study,
        search: Search,
        ledger: Ledger,
        folder: Path,
        facts: Mapping[str, Scalar],
        jobs: int,
        say: Say,
    ) -> None:
        self.stopping = False
        self.failed = 0
        self.began = False  # whether a run was begun
        self._study, self._search, self._ledger = study, search, ledger
        self._folder, self._facts, self._say = folder, facts, say
        self._plan = ledger.plan()
        trials = search.trials()
        self._asked = sum(trial.outcome != "waiting" for trial in trials)
        self._known: Known = {t.network: t for t in trials if t.trained and t.network}
        self._ends = _ends(ledger)
        self._under_way: dict[str, Network] = {}  # by the network's name
        self._by_run: dict[str, Network] = {}
        self._parked: list[Asked] = []  # cut off or failed; for the next call
        self._broken: set[str] = set()  # networks whose runs failed
        self._exhausted = False
        self._engine: Engine | None = None
        # Pruning watches the first seed, so that the others wait for it; else all seeds run at once
        # and trials come one after the other for as long as the seeds keep the workers busy.
        seeds = len(study.file.seeds)
        self._width = jobs if study.file.prunes else ceil(jobs / seeds)

    # ------------------------------------------------------------ asking

    def start(self, engine: Engine) -> list[Task]:
        """The first tasks; none where the study is done."""
        self._engine = engine
        return self._fill()

    def _fill(self) -> list[Task]:
        """Ask until enough networks are under way."""
        tasks: list[Task] = []
        while len(self._under_way) < self._width and self._more():
            asked = self._search.ask()
            if asked is None:
                self._exhausted = True
                break
            self._asked += 1
            tasks += self._consider(asked)
        return tasks

    def _more(self) -> bool:
        file = self._study.file
        trained = len(self._known) + len(self._under_way) + self.failed
        open_end = not self.stopping and not self._exhausted
        return open_end and trained < file.trials and self._asked < file.asks

    def why_short(self) -> str | None:
        """Why it ended with fewer networks than were asked for, if it did."""
        file = self._study.file
        if len(self._known) + self.failed >= file.trials or self.stopping:
            return None
        asked = plural(self._asked, "point") if not self._exhausted else "the whole grid"
        return (
            f"{len(self._known)} of {plural(file.trials, 'network')}: {asked} gave no more that "
            "are distinct and within the tolerance."
        )

    def _consider(self, asked: Asked) -> list[Task]:
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

    def _tell_same(self, asked: Asked, trial: Trial) -> None:
        """It rounds to a network that was trained: it has that one's result, at no cost."""
        facts: dict[str, Any] = {"top1": trial.top1, "throughput": trial.throughput}
        facts |= {"top1_by_seed": list(trial.top1_by_seed), "reason": trial.reason}
        self._search.tell(asked, _ENDINGS[trial.outcome], same_as=trial.number, **facts)

    def _begin(self, asked: Asked, candidate: Candidate, label: str) -> list[Task]:
        variant = self._register(candidate, label)
        runs = [
            RunConfig(variant=variant.name, spec=variant.spec, recipe=self._study.recipe, seed=seed)
            for seed in self._study.file.seeds
        ]
        network = Network(variant, runs, [asked])
        network.ends = {run.id: self._ends[run.id] for run in runs if run.id in self._ends}
        self._under_way[label] = network
        self._by_run |= {run.id: network for run in runs}
        growth = candidate.scaled.growth if candidate.scaled else 1.0
        number = asked.number
        self._say(f"trial {number}: {candidate.constants}: {label}, MACs x{growth:.3f}")
        return self._advance(label, network)

    def _register(self, candidate: Candidate, label: str) -> Variant:
        """In the ledger, before it trains; a network that is there already keeps its row."""
        rows = self._plan.variants if self._plan else ()
        for variant in rows:
            if variant.name == label:
                return variant
        variant = row(self._study, candidate, label)
        self._plan = with_row(self._plan, self._study, variant)
        entries = [Entry(run, variant) for run in self._plan.runs((label,))]
        self._ledger.register(self._plan, entries)
        return variant

    # ------------------------------------------------------------ events

    def on_event(self, event: Event) -> None:
        """Record it, and go on."""
        if isinstance(event, Started):
            self.began = True
            self._ledger.start(event.run, self._facts)
        elif isinstance(event, Requeued):
            self._ledger.release(event.run, event.reason)
        elif isinstance(event, Progress):
            self._progress(event)
        else:
            self._end(event)

    def _progress(self, event: Progress) -> None:
        record = event.record
        if record is None:
            return
        self._ledger.epoch(event.run, record)
        network = self._by_run[event.run]
        last = record.epoch + 1 == event.epochs
        if network.leader.id != event.run or record.top1 is None or network.pruned or last:
            return
        if self._search.report(network.trials[0], record.epoch, record.top1):
            rule = self._study.file.pruner.name
            network.pruned = f"{rule}: top-1 {record.top1:.2f} % after epoch {record.epoch + 1}"
            assert self._engine is not None
            self._engine.prune(event.run, network.pruned)

    def _end(self, event: RunEnded) -> None:
        network = self._by_run[event.result.run]
        result = _as_pruned(event.result, network)
        self._ledger.end(result)
        network.ends[result.run] = ended(result)
        if result.outcome.final:
            self._ends[result.run] = ended(result)
            run = next(run for run in network.runs if run.id == result.run)
            discard_checkpoints(run_folder(self._folder, run))
        self._submit(self._advance(network.variant.name, network))

    def _advance(self, label: str, network: Network) -> list[Task]:
        """The tasks that come next, once something about a network is known."""
        if network.stopped is None and not network.complete:
            return self._tasks(network)
        if network.busy:  # the other seeds are on their way; their ends are kept as well
            return []
        self._conclude(label, network)
        return []

    def _tasks(self, network: Network) -> list[Task]:
        waiting = network.missing()
        if self._study.file.prunes and network.leader.id not in network.ends:
            waiting = [run for run in waiting if run.id == network.leader.id]
        if self.stopping:
            return []
        network.submitted |= {run.id for run in waiting}
        return [Task(run, run_folder(self._folder, run)) for run in waiting]

    def _submit(self, tasks: list[Task]) -> None:
        assert self._engine is not None
        for task in [*tasks, *self._fill()]:
            self._engine.submit(task)

    def _conclude(self, label: str, network: Network) -> None:
        """Every trial that waits for this network hears of its end."""
        del self._under_way[label]
        stopped, first = network.stopped, network.trials[0]
        if stopped is not None and stopped.outcome in UNSETTLED:
            self._parked += network.trials
            if stopped.outcome is Outcome.FAILED:
                self.failed += 1
                self._broken.add(label)
            self._say(f"trial {first.number}: {stopped.outcome}: {stopped.reason}")
            return
        text = self._settle(first, network, stopped)
        trial = self._known[label] = self._search.trials()[first.number]
        self._say(f"[{len(self._known)}/{self._study.file.trials}] trial {trial.number}: {text}")
        for other in network.trials[1:]:
            self._tell_same(other, trial)

    def _settle(self, first: Asked, network: Network, stopped: Ended | None) -> str:
        if stopped is None:
            facts = network.facts()
            self._search.tell(first, "completed", **facts)
            return f"top-1 {facts['top1']:.2f} %"
        ending: Ending = "pruned" if stopped.outcome is Outcome.PRUNED else "diverged"
        for run in network.missing():
            reason = f"another seed: {ending}"
            self._ledger.end(Result(run=run.id, outcome=Outcome.PRUNED, reason=reason))
        self._search.tell(first, ending, reason=stopped.reason)
        return f"{ending}: {stopped.reason}"

    # ------------------------------------------------------------ the end

    def release(self) -> None:
        """What was cut off or failed waits for the next call; nothing is left running."""
        under_way = (asked for network in self._under_way.values() for asked in network.trials)
        for asked in [*self._parked, *under_way]:
            self._search.release(asked)


def _as_pruned(result: Result, network: Network) -> Result:
    """A run that is to be pruned may reach its end before it hears so; it is pruned all the same.

    Else the speed of the machine would decide what a trial is worth.
    """
    if network.pruned is None or result.run != network.leader.id:
        return result
    return result.model_copy(update={"outcome": Outcome.PRUNED, "reason": network.pruned})


def _ends(ledger: Ledger) -> dict[str, Ended]:
    """Runs that the ledger knows the end of."""
    return {
        run.id: Ended(Outcome(run.outcome), run.reason, run.top1, run.images_per_second)
        for run in ledger.runs()
        if run.outcome is not None and run.final
    }
