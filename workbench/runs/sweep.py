"""Running a plan: what is done stays done, what is not goes on, and the ledger knows which."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from workbench.config import Outcome, Progress, RunConfig, Scalar
from workbench.engine import (
    FIT,
    LOCAL,
    Choice,
    Ended,
    Engine,
    Event,
    Requeued,
    Resources,
    Site,
    Started,
    opened,
)
from workbench.errors import InputError
from workbench.plans.differences import refuse_changes
from workbench.plans.resolution import Plan
from workbench.runs.environment import environment
from workbench.runs.folder import (
    ENVIRONMENT,
    LEDGER,
    PLAN,
    discard_checkpoints,
    locked,
    write_text,
)
from workbench.runs.interrupts import Interrupts
from workbench.runs.ledger import Ledger, StoredRun
from workbench.runs.progress import Display, display
from workbench.runs.queue import Queue
from workbench.runs.results import export
from workbench.runs.schema import PENDING
from workbench.show.console import plural
from workbench.train.loggers import check_loggers


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """How a plan is run; none of it changes what a run computes but for `device`."""

    jobs: int | None = None  # None: chosen for this machine
    device: str = "auto"
    only: tuple[str, ...] = ()  # variants; none: all
    extend: bool = False  # allow new rows and seeds beside finished ones
    ledger: str | None = None  # SQLAlchemy URL; None: ledger.db in the results folder
    command: str = ""  # what makes all these results, to be recorded
    typed: str = ""  # what goes on with this very sweep; the same where empty
    fit: str = FIT  # "module:function"; for tests
    loggers: tuple[str, ...] = ("csv",)  # names of workbench.train.loggers
    modules: tuple[str, ...] = ()  # the user's, which workers import; the plan's
    where: Choice = LOCAL  # where workers are


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What there is after a sweep. `runs` are all runs of the plan, without curves."""

    plan: Plan
    folder: Path
    runs: tuple[StoredRun, ...]
    trained: int  # runs that ended in this sweep
    left: int  # runs that were asked for and are not final
    interrupted: bool

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 1 where runs failed, 0 otherwise; a diverged run is a result."""
        if self.interrupted:
            return 130
        return 1 if self.left else 0


def run_sweep(
    plan: Plan, folder: Path, options: SweepOptions | None = None, console: Console | None = None
) -> SweepResult:
    """Run what is not final of `plan`, in `folder`, and return what the ledger then holds.

    Raises `InputError`, before anything is trained, if the folder can't be written or is in use,
    if its plan is another one, and if the ledger is of a newer version; and later if the ledger
    can no longer be written. Everything finished is in the ledger by then.
    """
    options, console = options or SweepOptions(), console or Console()
    plan.runs(options.only)  # refuses a row that is not there
    check_loggers(options.loggers)
    options = replace(options, modules=plan.modules)
    with ExitStack() as stack:
        site = stack.enter_context(opened(options.where))
        shares = site.divide(options.jobs, len(plan.runs()), options.device)
        stack.enter_context(locked(folder))
        ledger = stack.enter_context(Ledger.open(options.ledger or folder / LEDGER, plan.name))
        stale = _take_up(ledger, plan, folder, options.extend)
        facts = environment(shares, options.device, options.where.engine)
        queue = Queue(ledger, plan, folder, options.only)
        todo = queue.begin()
        if todo or not (folder / PLAN).exists():  # else what is there already made the results
            _describe_sweep(folder, plan, facts, options.command)
        sweep = _Sweep(ledger, queue, todo, site, shares, facts, options)
        interrupted = sweep.run(console, stale)
        runs = ledger.runs()
        export(folder, plan, ledger.runs(curves=True))
    left = len(queue.open())
    return SweepResult(plan, folder, runs, sweep.trained, left, interrupted)


def _take_up(ledger: Ledger, plan: Plan, folder: Path, extend: bool) -> int:
    """Register the plan beside what is there; returns how many runs a killed sweep left behind."""
    before = ledger.plan()
    if before is not None:
        refuse_changes(before, plan, extend, str(folder))
    _refuse_other_ids(ledger, plan, folder)
    return ledger.settle_running(PENDING, "the sweep was killed while it ran")


def _refuse_other_ids(ledger: Ledger, plan: Plan, folder: Path) -> None:
    """The plan reads the same, yet its runs hash to other ids: the schema of a config grew."""
    ids = {(run.variant, run.seed): run.id for run in plan.runs()}
    for run in ledger.runs():
        if ids.get((run.variant, run.seed), run.id) != run.id:
            raise InputError(
                f"plan {plan.name!r}: {folder} was run by another version of the workbench, with "
                "other settings behind the same plan; give this one another --name"
            )


def _describe_sweep(folder: Path, plan: Plan, facts: Mapping[str, Scalar], command: str) -> None:
    write_text(folder / PLAN, plan.model_dump_json(indent=2) + "\n")
    described = {"command": command, **facts}
    write_text(folder / ENVIRONMENT, json.dumps(described, indent=2) + "\n")


class _Sweep:
    """Ties an engine's events to the ledger and the display. The ledger always comes first."""

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        todo: Sequence[RunConfig],
        site: Site,
        shares: Resources,
        facts: Mapping[str, Scalar],
        options: SweepOptions,
    ) -> None:
        self.trained = 0
        self._ledger = ledger
        self._queue = queue
        self._tasks = {run.id: queue.task(run) for run in todo}
        self._open = set(self._tasks)  # not ended, in this sweep
        self._site = site
        self._shares = shares
        self._facts = facts
        self._options = options

    def run(self, console: Console, stale: int) -> bool:
        """Train what is to be trained; returns whether it was interrupted."""
        total, todo = self._queue.asked(), [task.run for task in self._tasks.values()]
        if not todo:
            all_of_them = "The run is" if total == 1 else f"All {total} runs are"
            console.print(f"{all_of_them} done; nothing to train.", highlight=False)
            return False
        if self._site.text:
            console.print(self._site.text, highlight=False, soft_wrap=True)
        done = total - len(todo)
        with display(console, todo, done, total, self._shares.jobs) as shown:
            if done or stale:
                shown.note(_resume_note(done, total, stale))
            interrupted = self._train(shown)
        if interrupted:
            typed = self._options.typed or self._options.command
            command = f": {typed}" if typed else ""
            left, total = len(self._queue.open()), self._queue.asked()
            text = (
                f"Stopped with {left} of {plural(total, 'run')} to go. To go on, give the same "
                "command again"
            )
            console.print(text + command, highlight=False, markup=False, soft_wrap=True)
        return interrupted

    def _train(self, shown: Display) -> bool:
        interrupts = Interrupts()

        def on_event(event: Event) -> None:
            self._record(event)
            shown.event(event)
            if isinstance(event, Ended) and not self._open and not interrupts.asked():
                self._next_round(engine, shown)

        told = False

        def should_stop() -> bool:
            nonlocal told
            if interrupts.asked() and not told:
                told = True
                shown.note("Stopping; a second Ctrl-C does not wait for the runs.")
            return told

        try:
            with (
                interrupts,
                self._engine() as engine,
            ):
                engine.run(self._tasks.values(), on_event, should_stop)
        except KeyboardInterrupt:
            self._ledger.settle_running(Outcome.INTERRUPTED, "killed by a second Ctrl-C")
            return True
        return interrupts.asked()

    def _next_round(self, engine: Engine, shown: Display) -> None:
        runs = self._queue.more()
        if not runs:
            return
        shown.add(runs)
        for run in runs:
            self._tasks[run.id] = self._queue.task(run)
            self._open.add(run.id)
            engine.submit(self._tasks[run.id])

    def _engine(self) -> Engine:
        options = self._options
        return self._site.engine(
            self._shares,
            options.fit,
            options.device,
            loggers=options.loggers,
            modules=options.modules,
        )

    def _record(self, event: Event) -> None:
        if isinstance(event, Started):
            self._ledger.start(event.run, {**self._facts, **event.host})
        elif isinstance(event, Requeued):
            self._ledger.release(event.run, event.reason)
        elif isinstance(event, Progress):
            if event.record:
                self._ledger.epoch(event.run, event.record)
        else:
            self._end(event)

    def _end(self, event: Ended) -> None:
        self._ledger.end(event.result)
        self._open.discard(event.result.run)
        if event.result.outcome.final:
            self.trained += 1
            discard_checkpoints(self._tasks[event.result.run].folder)


def _resume_note(done: int, total: int, stale: int) -> str:
    text = f"{done} of {total} runs are done; the others go on"
    if not stale:
        return f"{text}."
    runs = "1 run was" if stale == 1 else f"{stale} runs were"
    return f"{text}. {runs} cut off when a sweep was killed, and continue from the last checkpoint."
