"""The loop: begin a sweep or go on with it, disturb it, look at what there is, and count."""

import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

from benchmarks.soak.actors import Actors
from benchmarks.soak.checks import Numbers, Watch, numbers
from benchmarks.soak.disk import Disk
from benchmarks.soak.disturbances import DISTURBANCES, ON_A_DISK, ON_A_TERMINAL, ON_RAY, RARE, Scene
from benchmarks.soak.nursery import Nursery
from benchmarks.soak.process import Sweep
from benchmarks.soak.tally import Counts, Tally
from workbench.runs.results import load_sweep

END_SECONDS = 60.0  # that a driver may take to end, on a busy machine too
GONE_SECONDS = 10.0  # after which no process of it may be left
FRESH = 0.1  # share of the drivers that begin as a command does, with its imports
FAULTS = ("unreadable", "lost", "twice", "changed", "left over", "traceback", "not resumed", "hung")


class Soak:
    """`root` holds the results; `disk` is what it lies on, where that is ours."""

    def __init__(
        self,
        root: Path,
        plan: Path,
        disk: Disk | None,
        nursery: Nursery,
        tally: Tally,
        actors: Actors | None = None,
    ) -> None:
        self._root, self._plan, self._disk, self._nursery = root, plan, disk, nursery
        self._actors = actors
        self.tally = tally
        self._random = Random(f"{tally.seed} {tally.done}")
        here = [name for name in DISTURBANCES if disk or name not in ON_A_DISK]
        self._names = [name for name in here if actors or name not in ON_RAY]
        self._right: Mapping[str, Numbers] = {}
        self._seconds = {True: 0.0, False: 0.0}  # of an undisturbed sweep, by `fresh`
        self._folders = 0
        self._watch = self._fresh()
        self._counts = {name: tally.counts.setdefault(name, Counts()) for name in self._names}
        self._told = self._all_faults()
        self._starved: Sweep | None = None  # whose disk was full, so that it may give up

    def prepare(self) -> None:
        """Run sweeps undisturbed, begun either way: their numbers are right."""
        for fresh in (True, False):
            begin = time.monotonic()
            sweep = Sweep(self._plan, self._watch.folder, False, None if fresh else self._nursery)
            assert sweep.ends(10 * END_SECONDS), "the undisturbed sweep does not end"
            assert sweep.code == 0, sweep.output.decode(errors="replace")
            self._seconds[fresh] = time.monotonic() - begin
            runs = load_sweep(self._watch.folder).runs
            assert self._right in ({}, {run.id: numbers(run) for run in runs})
            self._right = {run.id: numbers(run) for run in runs}
            self._watch = self._fresh()

    def run(self, kills: int) -> Iterator[str]:
        """Disturb until it was so many times; yields each fault as it is found."""
        sweep: Sweep | None = None
        while self.tally.done < kills:
            begin = time.monotonic()
            weights = [RARE if name in ON_RAY else 1.0 for name in self._names]
            (name,) = self._random.choices(self._names, weights)
            if sweep and not _suits(sweep, name):
                sweep = self._finish(sweep, name)
            sweep = sweep or self._start(name)
            if name not in ON_RAY:
                sweep.ends(self._random.uniform(0, self._seconds[sweep.fresh]))
            sweep = self._disturb(sweep, name)
            self.tally.done += 1
            if sweep and self.tally.done == kills:
                self._finish(sweep, name)
            self.tally.seconds += time.monotonic() - begin
            yield from self._new_faults()
            self.tally.save()

    def _all_faults(self) -> list[str]:
        return [f"{name}: {each}" for name, had in self._counts.items() for each in had.faults]

    def _new_faults(self) -> list[str]:
        new = [each for each in self._all_faults() if each not in self._told]
        self._told += new
        return new

    def _start(self, name: str) -> Sweep:
        terminal = name in ON_A_TERMINAL or self._random.random() < 0.3
        fresh = self._random.random() < FRESH
        actors = self._actors if name in ON_RAY else None
        nursery = None if fresh else self._nursery
        return Sweep(self._plan, self._watch.folder, terminal, nursery, actors)

    def _disturb(self, sweep: Sweep, name: str) -> Sweep | None:
        counts = self._counts[name]
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
        counts = self._counts[name]
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
            counts.faults.append(f"traceback: {_last_line(sweep.output)}, at {_at(sweep.output)}")
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
        self.tally.sweeps += 1
        self._watch = self._fresh()

    def _try_read_only(self, name: str) -> None:
        """A sweep on a read-only folder is refused in a line, and harms nothing."""
        assert self._disk is not None
        with self._disk.read_only() as held:
            if held:
                sweep = Sweep(self._plan, self._watch.folder, False, self._nursery)
                if not sweep.ends(END_SECONDS) or sweep.code not in (0, 2):
                    text = _last_line(sweep.output)
                    self._counts[name].faults.append(f"traceback: code {sweep.code}: {text}")
                    sweep.signal(9)
        self._counts[name].faults += self._watch.faults()

    def _fresh(self) -> Watch:
        if self._folders:
            shutil.rmtree(self._watch.folder, ignore_errors=True)
        self._folders += 1
        return Watch(self._root / f"soak-{self._folders}", self._right)


def _suits(sweep: Sweep, name: str) -> bool:
    if name in ON_A_TERMINAL and sweep.terminal is None:
        return False
    return name not in ON_RAY or sweep.actors is not None


def _orphan(sweep: Sweep) -> bool:
    """Whether a worker that was about to start found its driver dead: Python itself says so."""
    alone = sweep.output.count(b"Traceback") == sweep.output.count(b"EOFError: Ran out of input")
    return alone and b"spawn_main" in sweep.output and (sweep.code or 0) < 0


def _last_line(output: bytearray) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else ""


def _at(output: bytearray) -> str:
    """The last place that a traceback names."""
    named = [line.strip() for line in output.decode(errors="replace").splitlines()]
    return next((line for line in reversed(named) if line.startswith('File "')), "")
