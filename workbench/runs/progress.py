"""What a person sees while a sweep runs: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from workbench.config import Outcome, Progress, Result, RunConfig
from workbench.engine import Ended, Event, Requeued, Started
from workbench.show.console import plural, say_line
from workbench.show.figures import shorten
from workbench.statistics.metric import TOP1, score_of

LINE_SECONDS = 5.0  # between two lines of epochs in a log


class Display(Protocol):
    """Shows a sweep. A context manager."""

    def event(self, event: Event) -> None:
        """Something happened to a run."""

    def note(self, text: str) -> None:
        """A line for the user."""

    def add(self, runs: Sequence[RunConfig]) -> None:
        """Further runs are to run; they come out of the total, or on top of it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def display(
    console: Console, runs: Iterable[RunConfig], done: int, total: int, jobs: int
) -> Display:
    """The display that suits `console`, for `runs` that are to run and `done` that have.

    What is left of `total` is chosen later, and told by `add`.
    """
    state = State(tuple(runs), done, total, jobs)
    return BarDisplay(console, state) if console.is_terminal else LogDisplay(console, state)


@dataclass
class State:
    """Where the sweep is, and how long the rest will take."""

    runs: tuple[RunConfig, ...]
    done: int
    total: int
    jobs: int
    current: dict[str, Progress | None] = field(default_factory=dict)
    top1: dict[str, float] = field(default_factory=dict)  # percent, after each run's last epoch
    _configs: dict[str, RunConfig] = field(init=False)
    _open: dict[str, int] = field(init=False)  # epochs that are left
    _unknown: int = field(init=False)  # runs of the total that were not chosen yet
    _seconds: dict[str, float] = field(default_factory=dict)  # of an epoch, by variant

    def __post_init__(self) -> None:
        self._configs = {run.id: run for run in self.runs}
        self._open = {run: config.recipe.epochs for run, config in self._configs.items()}
        self._unknown = max(0, self.total - self.done - len(self.runs))

    def add(self, runs: Sequence[RunConfig]) -> None:
        """Further runs."""
        known = min(self._unknown, len(runs))
        self._unknown -= known
        self.total += len(runs) - known
        self._configs |= {run.id: run for run in runs}
        self._open |= {run.id: run.recipe.epochs for run in runs}

    def event(self, event: Event) -> None:
        """Take note."""
        if isinstance(event, Started):
            self.current[event.run] = None
        elif isinstance(event, Progress):
            self._advance(event)
        elif isinstance(event, Requeued):
            self.current.pop(event.run, None)
        else:
            self.current.pop(event.result.run, None)
            self._open.pop(event.result.run, None)
            self.done += event.result.outcome.final

    def _advance(self, progress: Progress) -> None:
        self.current[progress.run] = progress
        self._open[progress.run] = progress.epochs - progress.epoch - bool(progress.record)
        if progress.record:
            self._seconds[self._configs[progress.run].variant] = progress.record.seconds
            if progress.record.top1 is not None:
                self.top1[progress.run] = progress.record.top1

    def seconds_left(self) -> float | None:
        """From the last epoch of each variant; one that was not seen yet takes the mean."""
        if not self._seconds:
            return None
        mean = sum(self._seconds.values()) / len(self._seconds)
        chosen = sum(
            left * self._seconds.get(self._configs[run].variant, mean)
            for run, left in self._open.items()
        )
        epochs = next(iter(self._configs.values())).recipe.epochs
        whole = chosen + self._unknown * epochs * mean
        return whole / max(1, min(self.jobs, len(self._open) + self._unknown))

    def label(self, run: str) -> str:
        """Variant and seed."""
        config = self._configs[run]
        return f"{config.variant}, seed {config.seed}"

    def score(self, run: str) -> str:
        """What the run is scored by."""
        return score_of(self._configs[run].recipe.task.name).name

    def line(self, run: str, width: int | None = None) -> str:
        """Epoch, loss and score of a current run; in `width`, if need be with less of its name."""
        config = self._configs[run]
        rest = f", seed {config.seed}: {self._where(run)}"
        room = len(config.variant) if width is None else max(width - len(rest), 1)
        return shorten(config.variant, room) + rest

    def _where(self, run: str) -> str:
        progress = self.current[run]
        if progress is None:
            return "starting"
        loss = progress.record.train_loss if progress.record else progress.loss
        parts = [f"epoch {progress.epoch + 1}/{progress.epochs}"]
        if loss is not None:
            parts.append(f"loss {loss:.3f}")
        if run in self.top1:
            parts.append(f"{self.score(run)} {self.top1[run]:.1f} %")
        return " ".join(parts)


class LogDisplay:
    """A line when a run starts or ends, and one for an epoch every few seconds."""

    def __init__(self, console: Console, state: State) -> None:
        self._console = console
        self._state = state
        self._last = time.monotonic()

    def event(self, event: Event) -> None:
        """See `Display.event`."""
        self._state.event(event)
        if isinstance(event, Progress):
            now = time.monotonic()
            if event.record and now - self._last >= LINE_SECONDS:
                self._last = now
                left = duration(self._state.seconds_left())
                self.note(f"{self._state.line(event.run)}; {left} left")
        else:
            self.note(describe(event, self._state))

    def note(self, text: str) -> None:
        """See `Display.note`. One line whatever its length, out at once."""
        print(text, file=self._console.file, flush=True)

    def add(self, runs: Sequence[RunConfig]) -> None:
        """See `Display.add`."""
        self._state.add(runs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class _Bar(Bar):
    """The bar of the sweep on a line, and each current run on a line of its own below it."""

    def __init__(self, console: Console) -> None:
        self.lines: tuple[str, ...] = ()  # rich's thread reads them while runs come and go
        super().__init__(
            TextColumn("runs"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}", style="cyan"),
            console=console,
            refresh_per_second=4,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """What rich draws at each refresh."""
        yield self.make_tasks_table(self.tasks)
        yield from (Text(line, no_wrap=True, overflow="ellipsis") for line in self.lines)


class BarDisplay:
    """One bar for the sweep, and a line below it for each current run; a line above it for each
    end."""

    def __init__(self, console: Console, state: State) -> None:
        self._state = state
        self._bar = _Bar(console)
        self._task = self._bar.add_task("", total=state.total, completed=state.done, left="")

    def event(self, event: Event) -> None:
        """See `Display.event`."""
        self._state.event(event)
        if isinstance(event, Ended | Requeued):
            self.note(describe(event, self._state))
        width = self._bar.console.width - 2
        self._bar.lines = tuple(f"  {self._state.line(run, width)}" for run in self._state.current)
        seconds = self._state.seconds_left()
        self._bar.update(
            self._task,
            completed=self._state.done,
            left=f"{duration(seconds)} left" if seconds is not None else "",
        )

    def note(self, text: str) -> None:
        """See `Display.note`."""
        self._bar.console.print(text, markup=False, highlight=False)

    def add(self, runs: Sequence[RunConfig]) -> None:
        """See `Display.add`."""
        self._state.add(runs)
        self._bar.update(self._task, total=self._state.total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.lines = ()
        self._bar.update(self._task, left="")
        self._bar.stop()


# ---------------------------------------------------------------- text


def describe(event: Started | Requeued | Ended, state: State) -> str:
    """A line about the start or the end of a run."""
    run = event.result.run if isinstance(event, Ended) else event.run
    return f"[{state.done}/{state.total}] {state.label(run)}: {_what(event, state.score(run))}"


def _what(event: Started | Requeued | Ended, score: str) -> str:
    if isinstance(event, Ended):
        return result_line(event.result, score)
    if isinstance(event, Requeued):
        return f"{event.reason}; it goes on from its last checkpoint"
    return "starts" if event.attempt == 1 else f"starts, attempt {event.attempt}"


def result_line(result: Result, score: str = TOP1.name) -> str:
    """How a run ended; `score` is what it is scored by."""
    if result.outcome is not Outcome.COMPLETED:
        return f"{result.outcome}: {result.reason}"
    top1 = f" {score} {result.top1:.2f} %" if result.top1 is not None else ""
    share = dict(result.details).get("evaluation_share")
    told = f" ({100 * float(share):.0f} % of it evaluation)" if share is not None else ""
    return f"{result.outcome}{top1} in {duration(result.seconds)}{told}"


def duration(seconds: float | None) -> str:
    """`42 s`, `3 min 20 s`, `5 h 07 min`, `2 d 03 h`."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 172800:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def resume_note(done: int, total: int, cut_off: int) -> str:
    """At the begin of a sweep that goes on."""
    text = f"{done} of {total} runs are done; the others go on"
    if not cut_off:
        return f"{text}."
    runs = "1 run was" if cut_off == 1 else f"{cut_off} runs were"
    return f"{text}. {runs} cut off when a sweep was killed, and continue from the last checkpoint."


def say_stopped(console: Console, done: int, total: int, command: str) -> None:
    """After Ctrl-C; `command` goes on, and is empty if unknown."""
    text = (
        f"Stopped with {total - done} of {plural(total, 'run')} to go. To go on, give the same "
        f"command again{f': {command}' if command else ''}"
    )
    say_line(console, text)
