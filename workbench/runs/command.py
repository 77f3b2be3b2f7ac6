"""How runs are run, and the command that says so, as it is recorded with their results."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.engine import FIT, LOCAL, EngineChoice
from workbench.runs.rows import StoredRun
from workbench.runs.store.database import database_url, readable_name

RESULTS = Path("results")  # where results folders go by default


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How runs are run; none of it changes what a run computes but for `device`."""

    jobs: int | None = None  # None: chosen for this machine
    device: str = "auto"
    ledger: str | None = None  # SQLAlchemy URL; None: ledger.db in the results folder
    loggers: tuple[str, ...] = ("csv",)  # names of workbench.train.loggers
    keep_weights: bool = False  # the final ones, of runs that complete
    where: EngineChoice = LOCAL  # where workers are
    command: str = ""  # what makes all these results, to be recorded
    resume_command: str = ""  # what goes on with this very call; the same where empty
    fit: str = FIT  # "module:function"; for tests
    trial: str = ""  # of speed, likewise; empty: the one of `train.speed`


def command_line(
    command: str,
    ref: str | Path,
    results: str | Path,
    options: RunOptions,
    *,
    name: str | None = None,
    settings: Sequence[str] = (),
    imports: Sequence[str] = (),
    more: Sequence[str] = (),
) -> str:
    """`workbench COMMAND REF` with what is not the default; `more` are words of its own.

    Workers count where they were given, since they set the threads of each, hence the rounding. A
    ledger's password is left out.
    """
    words = ["workbench", command, str(ref), *_repeated("--set", settings)]
    words += _repeated("--import", imports)
    words += [] if name is None else ["--name", name]
    words += more
    ledger = readable_name(database_url(options.ledger)) if options.ledger else None
    given = {
        "--results": None if Path(results) == RESULTS else results,
        "--device": None if options.device == RunOptions().device else options.device,
        "--jobs": options.jobs,
        "--ledger": ledger,
    }
    for key, value in given.items():
        words += [] if value is None else [key, str(value)]
    words += options.where.words()
    if options.loggers != RunOptions().loggers:
        words += _repeated("--logger", options.loggers)
    words += ["--keep", "weights"] if options.keep_weights else []
    return shlex.join(words)


def _repeated(key: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (key, value)]


def repeat_command(run: StoredRun, command: str) -> str:
    """What repeats this run alone, in a results folder of its own; empty if unknown."""
    if not command:
        return ""
    words = ["--only", run.variant, "--seeds", str(run.seed), "--name", f"{run.plan}-repeated"]
    words.append("--no-reuse")
    if "--jobs" not in shlex.split(command) and run.host.get("jobs"):
        words += ["--jobs", str(run.host["jobs"])]  # it sets the threads, hence the rounding
    return f"{command} {shlex.join(words)}"
