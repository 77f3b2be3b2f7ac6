"""Commands: parse, call, print. No logic of its own.

Rooms are imported inside the commands, so that `--help` does not wait for torch. Exit codes: 0, 1
where runs failed, 2 for bad input, 130 after Ctrl-C.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from workbench.errors import InputError

app = typer.Typer(
    name="workbench",
    help="Which part of a hybrid vision network earns its cost?",
    epilog="Start here: workbench ablate quickstart",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="The same numbers, unrounded, as JSON.")]
Results = Annotated[Path, typer.Option(help="Folder that holds the results folders.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]


def main() -> None:
    """The entry point: bad input is one line on stderr and exit code 2, never a traceback."""
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2, allow_nan=False))


def _seeds(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"seeds: {text!r} is not a list of numbers such as 0,1,2") from None


@app.command(epilog="Example: workbench ablate quickstart --seeds 0,1,2,3,4 --name more_seeds")
def ablate(
    plan: Annotated[str, typer.Argument(help="A plan file, or the name of one in ablations/.")],
    results: Results = Path("results"),
    jobs: Annotated[int | None, typer.Option(help="Worker processes. Default: by cores.")] = None,
    seeds: Annotated[str | None, typer.Option(help="In place of the plan's: 0,1,2.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="This row alone; repeatable.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="recipe.KEY=VALUE, or KEY=VALUE for every row; repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Another name for plan and folder.")] = None,
    device: Device = "auto",
    extend: Annotated[
        bool, typer.Option("--extend", help="Allow new rows or seeds beside finished runs.")
    ] = False,
    ledger: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL. Default: RESULTS/NAME/ledger.db.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the runs with their cost and time; run none.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train the variants of a plan with seeds, and say what is signal and what is noise.

    The same command again resumes: what is done stays done.
    """
    from workbench import ablation

    changes = ablation.Changes(name=name, seeds=_seeds(seeds), settings=tuple(set_ or ()))
    options = ablation.SweepOptions(
        jobs=jobs, device=device, only=tuple(only or ()), extend=extend, ledger=ledger
    )
    console = Console(stderr=as_json)
    if dry_run:
        _dry_run(plan, changes, options, console, as_json)
        return
    done = ablation.ablate(plan, results=results, changes=changes, options=options, console=console)
    if as_json and not done.interrupted:
        _print_json(json.loads((done.folder / "table.json").read_text()))
    raise typer.Exit(done.exit_code)


def _dry_run(plan: str, changes: Any, options: Any, console: Console, as_json: bool) -> None:
    from workbench import ablation
    from workbench.ablation.dryrun import preview_data, print_preview

    resolved, found = ablation.preview(plan, changes=changes, options=options)
    if as_json:
        _print_json(preview_data(resolved, found))
    else:
        print_preview(resolved, found, console)


@app.command(epilog="Example: workbench report results/quickstart")
def report(folder: Annotated[Path, typer.Argument(help="A results folder.")]) -> None:
    """Write the tables, figures and the page of a results folder again, and print its table."""
    from workbench import ablation

    ablation.report(folder, Console())


if __name__ == "__main__":
    main()
