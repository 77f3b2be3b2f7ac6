"""Running a plan: what is done stays done, what is not goes on, and the ledger knows which."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from workbench.engine import Resources
from workbench.errors import InputError
from workbench.plans.differences import refuse_changes
from workbench.plans.resolution import Plan
from workbench.runs.command import RunOptions
from workbench.runs.exchange.conditions import Conditions
from workbench.runs.exchange.finished import BESIDE, Library, Reuse, finished_in
from workbench.runs.exchange.shard import Shard, share
from workbench.runs.ledger import Ledger
from workbench.runs.queue import Queue
from workbench.runs.recording import recording
from workbench.runs.rows import StoredRun


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions(RunOptions):
    """How a plan is run."""

    only: tuple[str, ...] = ()  # variants; none: all
    noise_from: Path | None = None  # a folder with earlier runs of the same recipe
    extend: bool = False  # allow new rows and seeds beside finished ones
    shard: Shard | None = None  # a share of the runs; none: all
    reuse: Reuse | None = BESIDE  # where finished runs are looked for; None: nowhere


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What there is after a sweep. `runs` are all runs of the plan, without curves."""

    plan: Plan
    folder: Path
    runs: tuple[StoredRun, ...]
    trained: int  # runs that ended in this sweep
    final: int  # runs that were asked for and are final
    left: int  # and those that are not
    interrupted: bool

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 1 where runs failed, 0 otherwise; a diverged run is a result."""
        if self.interrupted:
            return 130
        return 1 if self.left else 0


def run_sweep(
    plan: Plan, folder: Path, options: SweepOptions | None = None, console: Console | None = None
) -> SweepResult:
    """Run what is not final of `plan`, in `folder`, and return what the ledger then holds.

    Raises `InputError`, before anything is trained, if the folder can't be written or is in use,
    if its plan is another one, and if the ledger is of a newer version; and later if the ledger
    can no longer be written. Everything finished is in the ledger by then.
    """
    options, console = options or SweepOptions(), console or Console()
    asked = share(plan.runs(options.only), plan, options.shard)  # refuses a row that is not there
    if options.shard:
        options.shard.check(plan, options.ledger)
    with recording(plan.name, folder, len(plan.runs()), options, plan.modules) as records:
        before = records.ledger.plan()
        if before is not None:
            refuse_changes(before, plan, options.extend, str(folder))
        _refuse_other_ids(records.ledger, plan, folder)
        library = library_for(plan, folder, records.shares, options)
        first = asked if options.shard else plan.runs(seeds=plan.first_seeds)
        queue = Queue(plan, asked, first, library)
        interrupted = records.run(queue, console)
        done, total = queue.counts()
        runs = records.ledger.runs()
        return SweepResult(plan, folder, runs, records.trained, done, total - done, interrupted)


def library_for(
    plan: Plan, folder: Path, shares: Resources, options: SweepOptions
) -> Library | None:
    """The finished runs that a sweep of `plan` in `folder` may take over."""
    if options.reuse is None:
        return None
    here = Conditions.here(shares, options.device, plan)
    return Library(options.reuse, folder, here, options.keep_weights)


def done_before(
    plan: Plan, folder: Path, shares: Resources, options: SweepOptions
) -> dict[str, Path]:
    """Where the runs are finished that a sweep of `plan` in `folder` would not train, by id."""
    ids = {run.id for run in plan.runs()}
    here = dict.fromkeys(_finished(plan, folder, ids, options.ledger), folder)
    library = library_for(plan, folder, shares, options)
    if library is None:
        return here
    found = library.search(ids - here.keys())
    return here | {run: each.folder for run, each in found.items() if library.takes(each)}


def _finished(plan: Plan, folder: Path, ids: set[str], url: str | None) -> set[str]:
    """The ids of those that are final already, in the folder or in its ledger elsewhere."""
    if url is not None:
        with suppress(InputError), Ledger.read(url, plan.name) as ledger:
            return ledger.finished(ids)
    return finished_in(folder, ids)


def _refuse_other_ids(ledger: Ledger, plan: Plan, folder: Path) -> None:
    """The plan reads the same, yet its runs hash to other ids: the schema of a config grew."""
    ids = {(run.variant, run.seed): run.id for run in plan.runs()}
    for run in ledger.runs():
        if ids.get((run.variant, run.seed), run.id) != run.id:
            raise InputError(
                f"plan {plan.name!r}: {folder} was run by another version of the workbench, with "
                "other settings behind the same plan; give this one another --name"
            )
