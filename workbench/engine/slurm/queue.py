"""Slurm's queue, by its own commands: the states of jobs, and their end."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence

from workbench.engine.pool import interrupts_blocked

ANSWER_SECONDS = 60.0  # that Slurm's commands have to answer in
GONE = "GONE"  # of a job that Slurm has forgotten
WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT")
BLAMED = ("FAILED", "OUT_OF_MEMORY")  # for which a run may be the cause
ENDED = (
    *BLAMED, "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "NODE_FAIL", "PREEMPTED",
    "REVOKED", "TIMEOUT", GONE,
)  # fmt: skip


def states_of(ids: Iterable[str]) -> Mapping[str, str] | None:
    """By id, of those that Slurm knows; None where it does not answer."""
    arrays = ",".join(dict.fromkeys(each.partition("_")[0] for each in ids))
    if not arrays:
        return {}
    told = ["--noheader", "--array", "--states=all", "--format=%i %T", f"--jobs={arrays}"]
    done = _slurm("squeue", *told)
    if done is None or (done.returncode and "Invalid job id" not in done.stderr):
        return None
    pairs = (line.split() for line in done.stdout.splitlines() if line.strip())
    return {each: state for each, state, *_ in pairs}


def cancel(ids: Sequence[str]) -> None:
    """Have these jobs end; none is told where Slurm does not answer."""
    if ids:
        _slurm("scancel", "--quiet", *ids)


def _slurm(command: str, *words: str) -> subprocess.CompletedProcess[str] | None:
    if shutil.which(command) is None:
        return None
    try:
        with interrupts_blocked():
            return subprocess.run(
                [command, *words], capture_output=True, text=True, timeout=ANSWER_SECONDS,
                env={**os.environ, "LC_ALL": "C"},
            )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
