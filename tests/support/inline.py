"""An engine without processes: one run after the other, in this one.

For tests of what surrounds an engine. `tests/engine` holds every engine to the same contract, with
processes and all.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import pytest

from workbench.config import Outcome, Result, Scalar
from workbench.engine import Ended, EngineChoice, Resources, RunTask, Started, worker
from workbench.engine.base import OnEvent, never
from workbench.engine.choice import ENGINES, ThisMachine

INLINE = EngineChoice("inline")


class Inline:
    """What a worker does with a task, done here."""

    host: ClassVar[Mapping[str, Scalar]] = {}

    def __init__(self, setup: worker.Setup) -> None:
        self._setup = setup
        self._queue: deque[RunTask] = deque()
        self._pruned: dict[str, str] = {}

    def run(
        self, tasks: Iterable[RunTask], on_event: OnEvent, should_stop: Callable[[], bool] = never
    ) -> None:
        self._queue.extend(tasks)
        while self._queue and not should_stop():
            task = self._queue.popleft()
            on_event(Started(task.run.id, 1, self.host))
            on_event(Ended(self._result(task, on_event, should_stop)))
        self._queue.clear()

    def _result(self, task: RunTask, emit: OnEvent, should_stop: Callable[[], bool]) -> Result:
        run = task.run.id
        result = worker.execute(
            task, self._setup, emit, lambda: should_stop() or run in self._pruned
        )
        if run in self._pruned and result.outcome is Outcome.INTERRUPTED:
            update = {"outcome": Outcome.PRUNED, "reason": self._pruned[run]}
            return result.model_copy(update=update)
        return result

    def submit(self, task: RunTask) -> None:
        self._queue.append(task)

    def prune(self, run: str, reason: str) -> None:
        self._pruned[run] = reason

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Here(ThisMachine):
    """This machine, without processes."""

    def engine(  # type: ignore[override]
        self, shares: Resources, setup: worker.Setup
    ) -> Inline:
        return Inline(setup)


@contextmanager
def with_inline() -> Iterator[None]:
    """`INLINE` is an engine, and prints where the test does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(cast(dict[str, Any], ENGINES), "inline", lambda _: nullcontext(Here()))
        patch.setattr(worker, "_redirect", Path.touch)
        yield
