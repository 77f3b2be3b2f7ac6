"""Someone who listens to an engine, and something for it to do."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from workbench.config import Result
from workbench.engine import Ended, Event, RunTask

from .standins import NAME, config


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


SWEEP = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from {module} import config
from workbench.engine import *
{imports}

def show(event):
    print(*engine.processes, flush=True)

if __name__ == "__main__":
    with {engine} as engine:
        seeds = range({workers})
        engine.run([RunTask(config(seed=s), Path({folder!r}) / str(s)) for s in seeds], show)
"""


def begin_elsewhere(
    folder: Path, engine: str, workers: int = 1, imports: str = ""
) -> tuple[subprocess.Popen[str], list[int]]:
    """A sweep in a process of its own, at work, and its workers. `engine` is Python for it."""
    script = folder / "sweep.py"
    script.write_text(
        SWEEP.format(path=sys.path, module=NAME, imports=imports, engine=engine, workers=workers,
                     folder=str(folder))
    )  # fmt: skip
    sweep = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert sweep.stdout is not None
    alarm = threading.Timer(120, sweep.kill)
    alarm.start()
    lines = [sweep.stdout.readline() for _ in range(workers + 1)]  # the starts, and an epoch
    alarm.cancel()
    pids = [int(pid) for pid in lines[-1].split()]
    assert len(pids) == workers, lines
    return sweep, pids


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
