"""What else a machine did while a run trained: a throughput counts where that was little.

From Linux's accounts of CPU time; elsewhere nothing is known.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
IDLE = (3, 4)  # fields of a machine's account: idle, and waiting for a disk
GUESTS = 8  # fields from there on are counted among the others
OTHER_LOAD = "other_load"  # of a run's details: the share of the machine's CPUs


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Ticks since the machine started: of all its CPUs, those at work, and those of a sweep."""

    whole: int
    busy: int
    own: int

    def others_since(self, before: "CpuTimes") -> float | None:
        """The share of the machine's CPUs, 0 to 1, that all others kept busy; None where no time
        has passed."""
        whole = self.whole - before.whole
        if whole <= 0:
            return None
        others = (self.busy - before.busy) - (self.own - before.own)
        return min(max(others / whole, 0.0), 1.0)


def cpu_times(proc: Path = PROC, parent: int | None = None) -> CpuTimes | None:
    """As they are now; `parent` is the process that started the workers of this sweep.

    None on machines that do not tell.
    """
    try:
        fields = (proc / "stat").read_text().splitlines()[0].split()[1:]
        ticks = [int(field) for field in fields][:GUESTS]
        whole = sum(ticks)
        idle = sum(ticks[place] for place in IDLE)
        own = _own(proc, os.getppid() if parent is None else parent)
        return CpuTimes(whole, whole - idle, own)
    except (OSError, ValueError, IndexError):
        return None


def _own(proc: Path, parent: int) -> int:
    """Of the parent, its children, and what these have waited for."""
    folders = (each for each in proc.iterdir() if each.name.isdigit())
    accounts = (found for each in folders if (found := _account(each)))
    return sum(ticks for number, above, ticks in accounts if parent in (number, above))


def _account(folder: Path) -> tuple[int, int, int] | None:
    """Its number, that of its parent, and its ticks; None of one that has just ended."""
    try:
        text = (folder / "stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # a name may hold blanks
    return int(folder.name), int(fields[1]), sum(map(int, fields[11:15]))


def others_at_work(seconds: float = 1.0) -> float | None:
    """The share of this machine's CPUs, 0 to 1, that other processes keep busy just now."""
    before = cpu_times(parent=os.getpid())
    time.sleep(seconds)
    after = cpu_times(parent=os.getpid())
    return after.others_since(before) if before and after else None


def as_detail(before: CpuTimes | None, after: CpuTimes | None) -> Iterable[tuple[str, float]]:
    """For the details of a result; nothing where nothing is known."""
    others = after.others_since(before) if before and after else None
    return () if others is None else ((OTHER_LOAD, round(others, 4)),)
