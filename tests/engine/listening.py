"""Someone who listens to an engine, and something for it to do."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from workbench.config import Result
from workbench.engine import Ended, Event, RunTask

from .standins import config


class Listener:
    """Keeps all events; `then` is called after each one."""

    def __init__(self, then: Callable[[Event], None] = lambda event: None) -> None:
        self.events: list[Event] = []
        self._then = then

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._then(event)

    @property
    def results(self) -> dict[str, Result]:
        return {event.result.run: event.result for event in self.events if isinstance(event, Ended)}

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def tasks(folder: Path, count: int, epochs: int = 3) -> list[RunTask]:
    return [RunTask(config(seed=seed, epochs=epochs), folder / str(seed)) for seed in range(count)]


def gone(pids: Iterable[int], seconds: float = 60) -> bool:
    """Whether these processes of this machine end within so many seconds."""
    left, deadline = set(pids), time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if _alive(pid)}
        time.sleep(0.02)
    return not left


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
