"""The app, the options that commands share, and how results are printed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import complete
from workbench.cli.usage import Commands
from workbench.cli.versions import versions
from workbench.errors import unknown
from workbench.show.console import make_console
from workbench.show.formats import Form, json_text, printed
from workbench.show.table import Printout, Table

# Click's plain help, not rich's boxes: it is half as long, and can be pasted.
app = typer.Typer(
    name="workbench",
    cls=Commands,
    epilog="Exit codes: 0 done, 1 runs failed, 2 bad input, 130 interrupted by Ctrl-C.\n\n"
    "Start here: workbench ablate quickstart",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Format = Annotated[Form, typer.Option("--format", help="How tables are printed.")]
Json = Annotated[bool, typer.Option("--json", help="The same numbers, unrounded, as JSON.")]
Results = Annotated[Path, typer.Option(metavar="FOLDER", help="Where results folders are.")]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="Worker processes. Default: by cores.")]
LedgerUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A database URL. Default: RESULTS/NAME/ledger.db."),
]
Loggers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="csv (default), tensorboard, wandb, mlflow; repeatable.",
        autocompletion=complete.loggers,
    ),
]
Engine = Annotated[str, typer.Option(metavar="NAME", help="local, ray or slurm.")]
RayAddress = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="HOST:PORT, auto or local. Default: one found."),
]
SlurmOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--slurm", metavar="KEY=VALUE,...", help="For sbatch: partition=gpu,time=4:00:00."
    ),
]
Keep = Annotated[
    str | None,
    typer.Option(metavar="WHAT", help="weights: the final ones of each run, for wb.load."),
]
Imports = Annotated[
    list[str] | None,
    typer.Option("--import", metavar="MODULE", help="A module with your components; repeatable."),
]
Network = Annotated[
    str, typer.Argument(help="A zoo entry, or timm:NAME.", autocompletion=complete.networks)
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Such as lpu=none mixer.k=[4,2,1,1]; lpu=? lists the choices.",
        autocompletion=complete.overrides,
    ),
]


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="The workbench and what it stands on.")
    ] = False,
) -> None:
    """Which part of a hybrid vision network earns its cost?"""
    if version:
        print("\n".join(f"{name} {found}" for name, found in versions().items()))
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def keeps_weights(keep: str | None) -> bool:
    """What `--keep` says. Raises `InputError` for another word than `weights`."""
    if keep not in (None, "weights"):
        raise unknown("keep", str(keep), ["weights"])
    return keep is not None


def print_json(data: object) -> None:
    """The data of a table, unrounded."""
    print(json_text(data))


def print_json_file(file: Path) -> None:
    """What a JSON file holds."""
    print_json(json.loads(file.read_text(encoding="utf-8")))


def print_table(found: Table | Printout, data: object, as_json: bool, form: Form) -> None:
    """A table or several as `form` says, or their data."""
    from workbench.show.terminal import view

    if as_json or form is Form.JSON:
        print_json(data)
    elif form is Form.TEXT:
        make_console().print(view(found))
    else:
        print(printed(found, form), end="")
