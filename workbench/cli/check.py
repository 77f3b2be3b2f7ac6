"""`workbench doctor` and `fetch`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.app import Json, print_json
from workbench.show.console import make_console


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="What is here, what is missing, and what mends it.",
        epilog="Example: workbench doctor results/quickstart",
    )(doctor)
    app.command(short_help="Download a data set.", epilog="Example: workbench fetch cifar10")(fetch)


def doctor(
    folder: Annotated[Path, typer.Argument(help="A results folder, or a folder of them.")] = Path(
        "results"
    ),
    as_json: Json = False,
) -> None:
    """What this machine and installation have, what is missing, and the command that mends it.

    Device, threads, memory, packages, data sets, ledgers. Exit code 1 where something is broken.
    """
    from workbench import doctor as doctors

    findings = doctors.examine(folder)
    if as_json:
        print_json(doctors.to_json(findings))
    else:
        make_console().print(doctors.table(findings))
    raise typer.Exit(0 if doctors.healthy(findings) else 1)


def fetch(
    name: Annotated[str, typer.Argument(help="cifar10, cifar100, flowers102 or oxford_iiit_pets.")],
) -> None:
    """Download a data set, once, to where runs look for it (under ~/.cache)."""
    from workbench import doctor as doctors

    print(doctors.fetch(name))
