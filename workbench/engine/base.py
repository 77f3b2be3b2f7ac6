"""What an engine is: it takes tasks and reports events. It knows nothing of plans or ledgers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from workbench.config import Progress, Result, RunConfig, Scalar


@dataclass(frozen=True, slots=True)
class RunTask:
    """One run and the folder that its checkpoints, log and traceback go to.

    With `keep_weights` the final weights stay there once the run has completed.
    """

    run: RunConfig
    folder: Path
    keep_weights: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """A worker took the run; `attempt` counts from 1.

    `host` is what differs between its machine and the caller's: nothing where it is the same one.
    """

    run: str
    attempt: int
    host: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Requeued:
    """The worker died; the run waits for another one and continues from its last checkpoint."""

    run: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over."""

    result: Result


Event = Started | Progress | Requeued | Ended
OnEvent = Callable[[Event], None]


def never() -> bool:
    """The `should_stop` of a caller who does not stop."""
    return False


class Engine(Protocol):
    """Runs tasks, a few at a time. A context manager: leaving it ends what still runs.

    Every event is delivered in the thread that called `run`, one after the other, so that a
    caller may write to a database from `on_event`. An exception in `on_event` ends `run`.
    """

    def run(
        self, tasks: Iterable[RunTask], on_event: OnEvent, should_stop: Callable[[], bool] = never
    ) -> None:
        """Run `tasks`, and those submitted meanwhile, to their ends.

        Once `should_stop` is true, no task is started and the running ones end as `interrupted`;
        tasks that were never started get no event.
        """

    def submit(self, task: RunTask) -> None:
        """Add a task; from within `on_event`. Nothing happens once the engine is stopping."""

    def prune(self, run: str, reason: str) -> None:
        """End one waiting or running run as `pruned`; from within `on_event`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def results_of(engine: Engine, tasks: Iterable[RunTask]) -> list[Result]:
    """The results of `tasks`, in the order in which they end."""
    found: list[Result] = []

    def hear(event: Event) -> None:
        if isinstance(event, Ended):
            found.append(event.result)

    engine.run(tasks, hear)
    return found
