"""`workbench ablate` and `new-plan`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from workbench.cli import complete
from workbench.cli.app import (
    Device,
    Engine,
    Imports,
    Jobs,
    Json,
    Keep,
    LedgerUrl,
    Loggers,
    RayAddress,
    Results,
    keeps_weights,
    print_json,
)
from workbench.cli.slots import asked, print_slots
from workbench.errors import InputError
from workbench.show.console import make_console
from workbench.show.formats import Form
from workbench.user_modules import import_modules


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="Train the variants of a plan; say what is signal.",
        epilog="Example: workbench ablate quickstart --seeds 0,1,2,3 --name more",
    )(ablate)
    app.command(
        "new-plan",
        short_help="Write a commented plan to begin with.",
        epilog="Example: workbench new-plan my_plan.yaml",
    )(new_plan)


def ablate(
    plan: Annotated[
        str | None,
        typer.Argument(
            help="A plan file, or the name of one in ablations/.", autocompletion=complete.plans
        ),
    ] = None,
    results: Results = Path("results"),
    jobs: Jobs = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="SEEDS", help="In place of the plan's: 0,1,2.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="This row alone; repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="For every row, or recipe.KEY=VALUE; repeatable."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another name for plan and folder.")
    ] = None,
    device: Device = "auto",
    engine: Engine = "local",
    ray_address: RayAddress = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Allow new rows or seeds beside finished runs.")
    ] = False,
    ledger: LedgerUrl = None,
    logger: Loggers = None,
    keep: Keep = None,
    imports: Imports = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the runs with their cost and time; run none.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="In a dry run: time every row, not a few.")
    ] = False,
    template: Annotated[
        bool, typer.Option("--template", help="Print a commented plan to begin with; run none.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train the variants of a plan with seeds, and say what is signal and what is noise.

    The same command again resumes: what is done stays done.
    """
    if template:
        from workbench.plans.template import template as text

        print(text(), end="")
        return
    if questions := asked(set_ or ()):
        import_modules(imports or ())
        print_slots(questions, as_json, Form.TEXT)
        return
    if plan is None:
        raise InputError(
            f"plan: missing; choose from: {', '.join(complete.plans(''))}; or name a file"
        )
    from workbench.engine import EngineChoice
    from workbench.plans.changes import Changes
    from workbench.report import commands
    from workbench.runs.sweep import SweepOptions

    changes = Changes(name, _seeds(seeds), tuple(set_ or ()), tuple(imports or ()))
    options = SweepOptions(
        jobs=jobs, device=device, ledger=ledger, loggers=tuple(logger or ("csv",)),
        where=EngineChoice(engine, ray_address), only=tuple(only or ()), extend=extend,
        keep_weights=keeps_weights(keep),
    )  # fmt: skip
    console = make_console(as_json)
    if measure and not dry_run:
        raise InputError("it needs --dry-run, for it times rows and trains none", key="--measure")
    if dry_run:
        _dry_run(plan, changes, options, console, as_json=as_json, measure=measure)
        return
    done = commands.ablate(plan, results=results, changes=changes, options=options, console=console)
    if as_json and not done.interrupted:
        print_json(json.loads((done.folder / "table.json").read_text()))
    raise typer.Exit(done.exit_code)


def _dry_run(
    plan: str, changes: Any, options: Any, console: Console, *, as_json: bool, measure: bool
) -> None:
    from workbench.report import commands
    from workbench.report.preview import preview_data, print_preview

    if not as_json:
        rows = "every row" if measure else "a few rows"
        console.print(f"Timing some steps of {rows} ...", style="dim")
    resolved, found = commands.preview(plan, changes=changes, options=options, measure=measure)
    if as_json:
        print_json(preview_data(resolved, found))
    else:
        print_preview(resolved, found, console, options.where.engine)


def _seeds(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"seeds: {text!r} is not a list of numbers such as 0,1,2") from None


def new_plan(
    file: Annotated[Path, typer.Argument(help="Where to write it; never over a file.")] = Path(
        "my_plan.yaml"
    ),
) -> None:
    """Write a commented plan to begin with. It runs as it is, in a minute or two."""
    from workbench.plans.template import write_template

    write_template(file)
    print(f"{file} is written; now: workbench ablate {file} --dry-run")
