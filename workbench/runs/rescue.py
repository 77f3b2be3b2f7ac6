"""When a ledger is lost: what the files beside it give back, and what it can still give them."""

from pathlib import Path

from workbench.errors import InputError
from workbench.plans.load import PLAN
from workbench.runs.folder import LEDGER, RUNS
from workbench.runs.ledger import Ledger
from workbench.runs.results import export, read_export, write_plan
from workbench.show.console import plural


def restore(ledger: Ledger, folder: Path) -> int:
    """Give a ledger that is new what other files of `folder` hold of the plan; how many runs.

    It may have been removed by hand, or be another one than before: what is finished stays so.
    Raises `InputError` where the folder holds another plan, or files that can't be read.
    """
    if ledger.plan() is not None or not (folder / PLAN).exists():
        return 0
    plan, runs = read_export(folder)
    if plan.name != ledger.plan_name:
        raise InputError(
            f"{folder} holds plan {plan.name!r}, not {ledger.plan_name!r}; give another "
            "--name or --results",
            key="results",
        )
    ledger.restore(plan, runs)
    return len(runs)


def keep(ledger: Ledger, folder: Path) -> str:
    """Save what a ledger whose file is gone still shows to us; returns what there is to say."""
    if (folder / LEDGER).exists():
        return "another one is in its place, and was left alone"
    plan = ledger.plan()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if plan is not None:
            write_plan(folder, plan)
        export(ledger, folder)
    except (InputError, OSError) as error:
        return f"nothing could be kept: {error}"
    finished = plural(sum(ledger.final().values()), "finished run")
    return f"{finished} kept in {folder / RUNS}; the same command goes on from there"
