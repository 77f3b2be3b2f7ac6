"""`--slurm partition=gpu,time=4:00:00`: what goes to sbatch, checked before a job is in a queue."""

import re
from collections.abc import Iterator, Mapping, Sequence

from workbench.errors import InputError, shown, unknown

# Options of sbatch (its manual page, Slurm 23.11) that say where a job runs and what it gets.
OPTIONS = (
    "account", "begin", "clusters", "comment", "constraint", "core-spec", "cores-per-socket",
    "cpus-per-gpu", "cpus-per-task", "deadline", "exclude", "exclusive", "export", "gpus",
    "gpus-per-node", "gpus-per-task", "gres", "licenses", "mail-type", "mail-user", "mem",
    "mem-per-cpu", "mem-per-gpu", "mincpus", "nice", "nodelist", "nodes", "ntasks", "partition",
    "prefer", "priority", "qos", "reservation", "time", "time-min", "tmp", "wckey",
)  # fmt: skip
OURS = ("array", "chdir", "dependency", "job-name", "open-mode", "output", "requeue", "signal")
GPUS = ("gpus", "gpus-per-node", "gpus-per-task")
ONE_TASK = "each worker is a job of one task; --jobs says how many"  # a run is one process
NO_WORKER = {
    "nodes": ONE_TASK,
    "ntasks": ONE_TASK,
    "clusters": "the command is given on the cluster that it is for",
}
ALONE = ("exclusive",)  # may stand without a value
TIME = re.compile(
    r"\d{1,9}(:\d{1,2}){0,2}|\d{1,9}-\d{1,2}(:\d{1,2}){0,2}|UNLIMITED|INFINITE", re.ASCII
)
UNITS = (86400, 3600, 60, 1)  # seconds in a day, an hour, a minute, a second
GRACE_SECONDS = 120  # before a time limit, in which runs end with their checkpoints
VALUE = re.compile(r"[\w.:/@+%&|*=~^\[\]() -]+")


def slurm_options(texts: Sequence[str]) -> Mapping[str, str]:
    """By name, the values of `KEY=VALUE,KEY=VALUE`; empty where an option has none.

    A comma within a value is one that no `KEY=` follows: `nodelist=a,b,time=60`. Raises
    `InputError` for a key that sbatch does not have or that is ours, and for a value that is none.
    """
    found: dict[str, str] = {}
    for key, value in _pairs(texts):
        if key in OURS:
            raise InputError(f"{key!r} is set by the workbench itself", key="--slurm")
        if key not in OPTIONS:
            raise unknown("--slurm", key, OPTIONS)
        if key in found:
            raise InputError(f"{key!r} stands there twice", key="--slurm")
        if not value and key not in ALONE:
            raise InputError(f"{key!r} has no value, as in {key}=VALUE", key="--slurm")
        if key in ("time", "time-min") and not TIME.fullmatch(value):
            raise InputError(
                f"{key}: {shown(value)} is no time, such as 4:00:00, 90 (minutes) or 2-12 "
                "(days-hours)",
                key="--slurm",
            )
        found[key] = value
    return found


def asks_for_gpu(options: Mapping[str, str]) -> bool:
    """Whether each job has one."""
    return any(key in options for key in GPUS) or "gpu" in options.get("gres", "")


def grace_seconds(options: Mapping[str, str]) -> int:
    """How long before its time limit a job is told; a quarter of the limit where that is short."""
    limit = options.get("time", "")
    if not limit or not limit[0].isdigit():
        return GRACE_SECONDS
    return max(1, min(GRACE_SECONDS, _seconds(limit) // 4))


def _seconds(time: str) -> int:
    """Of a time as sbatch reads it: `90` are minutes, `1-12` a day and hours."""
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if dash:
        parts = [int(days), *parts]
    first = 0 if dash else {1: 2, 2: 2, 3: 1}[len(parts)]
    return sum(part * unit for part, unit in zip(parts, UNITS[first:], strict=False))


def worker_options(texts: Sequence[str]) -> Mapping[str, str]:
    """`slurm_options` of jobs that are workers; refuses what would make other jobs of them."""
    found = slurm_options(texts)
    for key, why in NO_WORKER.items():
        if found.get(key, "1") != "1":
            raise InputError(f"{key!r} is refused: {why}", key="--slurm")
    return found


def _pairs(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        parts: list[str] = []
        for part in text.split(","):
            begins = re.match(r"[a-z][a-z-]*(=|$)", part)
            if parts and (not begins or (not begins[1] and part not in ALONE)):
                parts[-1] += f",{part}"
            else:
                parts.append(part)
        for part in parts:
            key, _, value = part.partition("=")
            if value and not all(VALUE.fullmatch(each) for each in value.split(",") if each):
                raise InputError(f"{key}: {value!r} is refused", key="--slurm")
            yield key.strip(), value.strip()
