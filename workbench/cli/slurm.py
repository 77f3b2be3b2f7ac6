"""`workbench slurm`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.app import (
    Device,
    Imports,
    Jobs,
    Keep,
    Loggers,
    Results,
    SlurmOptions,
    keeps_weights,
)
from workbench.cli.sweeps import PLAN, Name, Seeds, Settings, seeds_of


def add_to(app: typer.Typer) -> None:
    """The command of this group."""
    app.command(
        short_help="A plan as a job array, for sbatch.",
        epilog="Example: workbench slurm norm --slurm partition=gpu,time=4:00:00 > norm.sh",
    )(slurm)


def slurm(
    plan: Annotated[str, PLAN],
    shards: Annotated[int, typer.Option(metavar="N", help="Jobs, one a share of the plan.")] = 8,
    slurm_: SlurmOptions = None,
    results: Results = Path("results"),
    jobs: Jobs = None,
    seeds: Seeds = None,
    set_: Settings = None,
    name: Name = None,
    device: Device = "auto",
    logger: Loggers = None,
    keep: Keep = None,
    imports: Imports = None,
) -> None:
    """Print a shell script that trains the shares of a plan as a job array, and merges them.

    For sites where no process may stay on the login node. Nothing is submitted.
    """
    from workbench.engine.slurm.options import slurm_options
    from workbench.plans.changes import Changes
    from workbench.report.commands import job_array_script
    from workbench.runs.sweep import SweepOptions

    changes = Changes(name, seeds_of(seeds), tuple(set_ or ()), tuple(imports or ()))
    options = SweepOptions(
        jobs=jobs,
        device=device,
        loggers=tuple(logger or ("csv",)),
        keep_weights=keeps_weights(keep),
    )
    given = slurm_options(slurm_ or ())
    print(job_array_script(plan, results, shards, changes, options, given), end="")
