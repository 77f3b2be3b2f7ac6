"""The loop: begin a sweep or go on with it, disturb it, look at what there is, and count."""

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.soak.checks import Numbers, Watch, numbers
from benchmarks.soak.disk import Disk
from benchmarks.soak.disturbances import DISTURBANCES, ON_A_DISK, ON_A_TERMINAL, Scene
from benchmarks.soak.process import Sweep
from workbench.runs.results import load_sweep

END_SECONDS = 60.0  # that a driver may take to end, on a busy machine too
GONE_SECONDS = 10.0  # after which no process of it may be left
FAULTS = ("unreadable", "lost", "twice", "changed", "left over", "traceback", "not resumed", "hung")


@dataclass
class Counts:
    """Of one kind of disturbance."""

    times: int = 0
    slowest: float = 0.0  # seconds until nothing was left of a sweep that it ended
    faults: list[str] = field(default_factory=list)


class Soak:
    """`root` holds the results; `disk` is what it lies on, where that is ours."""

    def __init__(self, root: Path, plan: Path, disk: Disk | None, seed: int) -> None:
        self._root, self._plan, self._disk = root, plan, disk
        self._random = Random(seed)
        self._names = [name for name in DISTURBANCES if disk or name not in ON_A_DISK]
        self._right: Mapping[str, Numbers] = {}
        self._seconds = 0.0  # of an undisturbed sweep
        self._folders = 0
        self._watch = self._fresh()
        self.counts = {name: Counts() for name in self._names}
        self.sweeps = 0  # that came to their end
        self._told: list[str] = []
        self._starved: Sweep | None = None  # whose disk was full, so that it may give up

    def prepare(self) -> None:
        """Run a sweep undisturbed: its numbers are right."""
        begin = time.monotonic()
        sweep = Sweep(self._plan, self._watch.folder, terminal=False)
        assert sweep.ends(10 * END_SECONDS), "the undisturbed sweep does not end"
        assert sweep.code == 0, sweep.output.decode(errors="replace")
        self._seconds = time.monotonic() - begin
        runs = load_sweep(self._watch.folder).runs
        self._right = {run.id: numbers(run) for run in runs}
        self._watch = self._fresh()

    def run(self, kills: int) -> Iterator[str]:
        """Disturb so many times; yields each fault as it is found."""
        sweep: Sweep | None = None
        for _ in range(kills):
            name = self._random.choice(self._names)
            if sweep and (name in ON_A_TERMINAL and sweep.terminal is None):
                sweep = self._finish(sweep, name)
            sweep = sweep or self._start(name)
            sweep.ends(self._random.uniform(0, self._seconds))
            sweep = self._disturb(sweep, name)
            yield from self._new_faults()
        if sweep:
            self._finish(sweep, name)
            yield from self._new_faults()

    def _new_faults(self) -> list[str]:
        whole = [f"{name}: {each}" for name, had in self.counts.items() for each in had.faults]
        new = [each for each in whole if each not in self._told]
        self._told += new
        return new

    def _start(self, name: str) -> Sweep:
        terminal = name in ON_A_TERMINAL or self._random.random() < 0.3
        return Sweep(self._plan, self._watch.folder, terminal)

    def _disturb(self, sweep: Sweep, name: str) -> Sweep | None:
        counts = self.counts[name]
        counts.times += 1
        if sweep.code is not None:  # it was done before: the next one is disturbed
            return self._over(sweep, name, time.monotonic())
        begin = time.monotonic()
        if name == "disk full":
            self._starved = sweep
        ends = DISTURBANCES[name](Scene(sweep, self._random, self._disk))
        if not ends and sweep.code is None:
            return sweep
        over = self._over(sweep, name, begin)
        if name == "folder read-only":
            self._try_read_only(name)
        return over

    def _finish(self, sweep: Sweep, name: str) -> None:
        """Let it come to its end."""
        return self._over(sweep, name, time.monotonic())

    def _over(self, sweep: Sweep, name: str, begin: float) -> None:
        """It has ended or is about to: nothing of it is left, and its folder is as it should be."""
        counts = self.counts[name]
        if not sweep.ends(END_SECONDS):
            counts.faults.append("hung")
            sweep.signal(9)
            sweep.ends(END_SECONDS)
        if not sweep.leaves_nothing(GONE_SECONDS):
            counts.faults.append("left over")
            for pid in sweep.workers():
                sweep.signal(9, pid)
        counts.slowest = max(counts.slowest, time.monotonic() - begin)
        if b"Traceback" in sweep.output and not _orphan(sweep):
            counts.faults.append(f"traceback: {_last_line(sweep.output)}")
        elif sweep.code == 2 and sweep is not self._starved:
            counts.faults.append(f"not resumed: {_last_line(sweep.output)}")
        counts.faults += self._watch.faults()
        if sweep.code == 0:
            self._close(counts)

    def _close(self, counts: Counts) -> None:
        """A sweep that is done has all runs, in its export as in its ledger."""
        if len(self._watch.finished) != len(self._right):
            counts.faults.append("lost: done without all runs")
        (self._watch.folder / "ledger.db").unlink()
        counts.faults += [f"{fault}, in the export" for fault in self._watch.faults()]
        self.sweeps += 1
        self._watch = self._fresh()

    def _try_read_only(self, name: str) -> None:
        """A sweep on a read-only folder is refused in a line, and harms nothing."""
        assert self._disk is not None
        with self._disk.read_only() as held:
            if held:
                sweep = Sweep(self._plan, self._watch.folder, terminal=False)
                if not sweep.ends(END_SECONDS) or sweep.code not in (0, 2):
                    text = _last_line(sweep.output)
                    self.counts[name].faults.append(f"traceback: code {sweep.code}: {text}")
                    sweep.signal(9)
        self.counts[name].faults += self._watch.faults()

    def _fresh(self) -> Watch:
        if self._folders:
            shutil.rmtree(self._watch.folder, ignore_errors=True)
        self._folders += 1
        return Watch(self._root / f"soak-{self._folders}", self._right)


def _orphan(sweep: Sweep) -> bool:
    """Whether a worker that was about to start found its driver dead: Python itself says so."""
    alone = sweep.output.count(b"Traceback") == sweep.output.count(b"EOFError: Ran out of input")
    return alone and b"spawn_main" in sweep.output and (sweep.code or 0) < 0


def _last_line(output: bytearray) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
