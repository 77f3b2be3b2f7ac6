"""From runs to a ledger and its folder, the same way for a sweep and for a study.

A lock, a folder that is described before anything trains, an engine whose events become rows,
Ctrl-C, and the export. A sweep and a study only choose what runs next: each is a `Chooser`.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from rich.console import Console

from workbench.config import Outcome, Progress, Result, RunConfig
from workbench.engine import (
    Ended,
    Engine,
    Event,
    Machines,
    Requeued,
    Resources,
    RunTask,
    Setup,
    Started,
    end_earlier,
    open_machines,
)
from workbench.errors import InputError
from workbench.plans.load import PLAN
from workbench.plans.resolution import Plan
from workbench.runs.command import RunOptions
from workbench.runs.environment import environment
from workbench.runs.folder import (
    ENVIRONMENT,
    LEDGER,
    RUN_FOLDERS,
    RUNS,
    discard_checkpoints,
    locked,
    run_folder,
    write_text,
)
from workbench.runs.interrupts import Interrupts
from workbench.runs.ledger import Ledger
from workbench.runs.progress import (
    Display,
    display,
    resume_note,
    say_stopped,
)
from workbench.runs.rescue import keep, restore
from workbench.runs.results import export, write_plan
from workbench.runs.store.database import LedgerGoneError
from workbench.show.console import plural, say_line, say_nothing_to_train
from workbench.statistics.facts import PENDING
from workbench.train.loggers import check_loggers


class Chooser(Protocol):
    """Says which runs are next. It hears of an event once the ledger has it."""

    def begin(self, recording: "Recording") -> Sequence[RunConfig]:
        """The runs to begin with, registered; none where nothing is left to do."""

    def follow(self, event: Event) -> Sequence[RunConfig]:
        """The runs, registered, that are to run because of `event`."""

    def counts(self) -> tuple[int, int]:
        """How many of its runs are final, and how many there are, chosen yet or not."""


@contextmanager
def recording(
    name: str, folder: Path, runs: int, options: RunOptions, modules: Sequence[str] = ()
) -> Iterator["Recording"]:
    """Take hold of `folder` and of the ledger of plan `name`, for at most `runs` runs.

    Workers import `modules`. Raises `InputError`, before anything is made, for options that can't
    be met; for a folder that can't be written or is in use; for a ledger that does not open; and
    for one that has nothing of the plan, where the folder holds another plan or can't be read.
    """
    check_loggers(options.loggers)
    with ExitStack() as stack:
        machines = stack.enter_context(open_machines(options.where))
        shares = machines.divide(options.jobs, runs, options.device)
        stack.enter_context(locked(folder))
        end_earlier(folder / RUN_FOLDERS)
        ledger = stack.enter_context(Ledger.open(options.ledger or folder / LEDGER, name))
        stack.enter_context(ledger.held(folder))
        restored = restore(ledger, folder)
        records = Recording(folder, ledger, machines, shares, options, tuple(modules))
        if restored:
            taken = f"{plural(restored, 'run')} taken from {RUNS}"
            records.note(f"{taken}: the ledger had nothing of this plan.")
        yield records


class Recording:
    """Ties an engine's events to the ledger and the display. The ledger always comes first."""

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        machines: Machines,
        shares: Resources,
        options: RunOptions,
        modules: tuple[str, ...],
    ) -> None:
        self.folder = folder
        self.ledger = ledger
        self.trained = 0  # runs that ended in this call, and are final
        self._machines, self.shares = machines, shares
        self._options, self._modules = options, modules
        self._facts = environment(shares, options.device, options.where.engine)
        self._interrupts = Interrupts()
        self._engine: Engine | None = None
        self._display: Display | None = None
        self._notes: list[str] = []  # until there is a display
        self._tasks: dict[str, RunTask] = {}  # all that the engine was given
        self._open: set[str] = set()  # those that have not ended
        self._pruned: dict[str, str] = {}
        self._described = False

    # ------------------------------------------------------------ for a chooser

    @property
    def idle(self) -> bool:
        """Whether every run that was begun has ended."""
        return not self._open

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for; what is then chosen does not start."""
        return self._interrupts.asked()

    def task(self, run: RunConfig) -> RunTask:
        """The run, with the folder that it is run in."""
        return RunTask(run, run_folder(self.folder, run), self._options.keep_weights)

    def register(self, plan: Plan, runs: Sequence[RunConfig]) -> None:
        """Runs of `plan` wait in the ledger; those that are there already stay as they are."""
        self.ledger.register(plan, runs)
        if self._described:
            write_plan(self.folder, plan)

    def prune(self, run: str, reason: str) -> None:
        """End a run as `pruned`, even if it reaches its end before it hears of it.

        Else the speed of the machine would decide what a run is worth.
        """
        assert self._engine is not None
        self._pruned[run] = reason
        self._engine.prune(run, reason)

    def skip(self, run: RunConfig, result: Result) -> None:
        """The end of a registered run that was never begun."""
        self.ledger.end(result)
        if self._display:
            self._display.add([run])
            self._display.event(Ended(result))

    def note(self, text: str) -> None:
        """A line for the user."""
        if self._display:
            self._display.note(text)
        else:
            self._notes.append(text)

    # ------------------------------------------------------------ the whole

    def run(self, chooser: Chooser, console: Console) -> bool:
        """Train what `chooser` chooses, and export; returns whether it was interrupted.

        Raises `InputError` if the ledger can no longer be written. Everything finished is in it, or
        in the export, by then.
        """
        try:
            cut_off = self.ledger.settle_running(PENDING, "the sweep was killed while it ran")
            first = chooser.begin(self)
            if first or not (self.folder / PLAN).exists():  # else what is there made the results
                self._describe()
            interrupted = bool(first) and self._show_and_train(chooser, first, console, cut_off)
        except LedgerGoneError as error:
            raise LedgerGoneError(f"{error}; {keep(self.ledger, self.folder)}") from None
        except InputError:
            with suppress(InputError):  # what stopped the sweep is the line to show
                export(self.ledger, self.folder)
            raise
        done, total = chooser.counts()
        if not first:
            for text in self._notes:
                say_line(console, text)
            say_nothing_to_train(console, done)
        if interrupted:
            command = self._options.resume_command or self._options.command
            say_stopped(console, done, total, command)
        export(self.ledger, self.folder)
        return interrupted

    def _describe(self) -> None:
        plan = self.ledger.plan()
        if plan is None:
            return
        self._described = True
        write_plan(self.folder, plan)
        described = {"command": self._options.command, **self._facts}
        write_text(self.folder / ENVIRONMENT, json.dumps(described, indent=2) + "\n")

    def _show_and_train(
        self, chooser: Chooser, first: Sequence[RunConfig], console: Console, cut_off: int
    ) -> bool:
        if self._machines.text:
            console.print(self._machines.text, highlight=False, soft_wrap=True)
        done, total = chooser.counts()
        with display(console, first, done, total, self.shares.jobs) as shown:
            self._display = shown
            if done or cut_off:
                shown.note(resume_note(done, total, cut_off))
            for text in self._notes:
                shown.note(text)
            try:
                return self._train(chooser, first, shown)
            finally:
                self._display = None

    def _train(self, chooser: Chooser, first: Sequence[RunConfig], shown: Display) -> bool:
        stopped = False

        def should_stop() -> bool:
            nonlocal stopped
            if self.stopping and not stopped:
                stopped = True
                shown.note("Stopping; a second Ctrl-C does not wait for the runs.")
            return stopped

        def on_event(event: Event) -> None:
            event = self._record(event)
            shown.event(event)
            runs = chooser.follow(event)
            if runs:
                shown.add(runs)
                for task in self._begin(runs):
                    engine.submit(task)

        try:
            with self._interrupts, self._make_engine() as engine:
                self._engine = engine
                engine.run(self._begin(first), on_event, should_stop)
        except KeyboardInterrupt:
            self.ledger.settle_running(Outcome.INTERRUPTED, "killed by a second Ctrl-C")
            return True
        return self.stopping

    def _make_engine(self) -> Engine:
        options = self._options
        setup = Setup(options.fit, options.device, options.loggers, self._modules)
        return self._machines.engine(self.shares, setup)

    def _begin(self, runs: Sequence[RunConfig]) -> list[RunTask]:
        tasks = [self.task(run) for run in runs]
        self._tasks |= {task.run.id: task for task in tasks}
        self._open |= {task.run.id for task in tasks}
        return tasks

    # ------------------------------------------------------------ events

    def _record(self, event: Event) -> Event:
        """Into the ledger; returns the event as it was recorded."""
        if isinstance(event, Started):
            self.ledger.start(event.run, {**self._facts, **event.host})
        elif isinstance(event, Requeued):
            self.ledger.release(event.run, event.reason)
        elif isinstance(event, Progress):
            if event.record:
                self.ledger.epoch(event.run, event.record)
        else:
            event = Ended(self._as_pruned(event.result))
            self._end(event.result)
        return event

    def _as_pruned(self, result: Result) -> Result:
        if result.run not in self._pruned:
            return result
        reason = self._pruned[result.run]
        return result.model_copy(update={"outcome": Outcome.PRUNED, "reason": reason})

    def _end(self, result: Result) -> None:
        self.ledger.end(result)
        self._open.discard(result.run)
        if result.outcome.final:
            self.trained += 1
            discard_checkpoints(self._tasks[result.run].folder)
