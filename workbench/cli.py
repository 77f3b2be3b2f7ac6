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
def report(
    folder: Annotated[Path, typer.Argument(help="A results folder.")], as_json: Json = False
) -> None:
    """Write the tables, figures and the page of a results folder again, and print its table."""
    from workbench import ablation

    ablation.report_folder(folder, Console(stderr=as_json))
    if as_json:
        _print_json(json.loads((folder / "table.json").read_text()))


@app.command(epilog="Example: workbench compare results/quickstart results/more_seeds")
def compare(
    a: Annotated[str, typer.Argument(help="A results folder, its ledger, or the ledger's URL.")],
    b: Annotated[str, typer.Argument(help="Another.")],
    as_json: Json = False,
) -> None:
    """Set two results side by side: cost, top-1 and outcome of every variant, and B less A."""
    from workbench.ablation.compare import compare as side_by_side
    from workbench.ablation.compare import load_side

    _sheet(side_by_side(load_side(a), load_side(b)), as_json)


@app.command(epilog="Example: workbench runs results/quickstart --variant '*LPU*' --status failed")
def runs(
    results: Annotated[str, typer.Argument(help="A results folder, its ledger, or its URL.")],
    variant: Annotated[
        list[str] | None, typer.Option(help="Name, or pattern with * and ?; repeatable.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Repeatable.")] = None,
    status: Annotated[
        list[str] | None, typer.Option(help="completed, diverged, failed, pending, ...")
    ] = None,
    top1: Annotated[float | None, typer.Option(help="At least this, in percent.")] = None,
    as_json: Json = False,
) -> None:
    """List the runs of a results folder."""
    from workbench.ablation.browse import Filters, runs_sheet
    from workbench.ablation.results import load_sweep

    filters = Filters(tuple(variant or ()), tuple(seed or ()), tuple(status or ()), top1)
    _sheet(runs_sheet(load_sweep(results), filters), as_json)


@app.command(epilog="Example: workbench show 3f2a91 --results results/quickstart")
def show(
    run: Annotated[str, typer.Argument(help="The beginning of a run's id.")],
    results: Annotated[
        str, typer.Option(help="A results folder, a folder of them, or a ledger's URL.")
    ] = "results",
    as_json: Json = False,
) -> None:
    """Print one run: outcome, command that repeats it, curves, configuration, environment."""
    from workbench.ablation.browse import find_run, print_run, run_data

    found = find_run(run, results)
    if as_json:
        _print_json(run_data(found))
    else:
        print_run(found, Console())


def _sheet(sheet: Any, as_json: bool) -> None:
    from workbench.ablation.report.render import as_json as in_json
    from workbench.ablation.report.terminal import show as print_sheet

    if as_json:
        print(in_json(sheet), end="")
    else:
        print_sheet(sheet, Console())


@app.command(epilog="Example: workbench cost cmt_s lpu=none --resolution 192")
def cost(
    name: Annotated[str, typer.Argument(help="A zoo entry, or timm:NAME.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="lpu=none mixer.k=[4,2,1,1]")
    ] = None,
    resolution: Annotated[int | None, typer.Option(help="Input side in pixels.")] = None,
    batch: Annotated[int, typer.Option(help="Images of the training step's memory.")] = 1,
    beside: Annotated[
        list[str] | None, typer.Option(help="Another network in a table beside; repeatable.")
    ] = None,
    speed: Annotated[bool, typer.Option("--speed", help="Measure latency and throughput.")] = False,
    device: Annotated[str | None, typer.Option(help="Where to measure: cpu, cuda.")] = None,
    as_json: Json = False,
) -> None:
    """Params, MACs, activations and memory of a network, by slot and by stage.

    Counted by fvcore's trace and in closed form, and refused where the two differ.
    """
    from workbench.cost import report as reports
    from workbench.cost import tables

    if beside:
        if overrides or resolution:
            raise InputError("beside: takes zoo entries and timm:NAME as they are, no overrides")
        rows = reports.column_reports([name, *beside], speed=speed, device=device)
        _show(tables.columns_table(rows), reports.columns_json(rows), as_json)
        return
    found = reports.cost_report(
        name, *overrides or (), resolution=resolution, batch=batch, speed=speed, device=device
    )
    _show(tables.cost_table(found), found.to_json(), as_json)


@app.command(epilog="Example: workbench models --family levit")
def models(
    family: Annotated[str | None, typer.Option(help="cmt, deit, levit, volo, small, ...")] = None,
    beside: Annotated[
        list[str] | None, typer.Option(help="timm:NAME beside the zoo; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The zoo: params, MACs and resolution as counted, beside what was published."""
    from workbench.cost import catalogue, tables

    rows = catalogue.model_rows(family, tuple(beside or ()))
    _show(tables.models_table(rows), catalogue.models_json(rows), as_json)


@app.command(epilog="Example: workbench claims --speed")
def claims(
    speed: Annotated[bool, typer.Option("--speed", help="Measure those about speed too.")] = False,
    as_json: Json = False,
) -> None:
    """Headline claims of the three papers that cost or speed alone can decide."""
    from workbench.cost import tables, verdict

    found, speeds = verdict.judge_claims(speed)
    _show(tables.claims_table(found, speeds), verdict.claims_json(found, speeds), as_json)


def _show(table: Any, data: Any, as_json: bool) -> None:
    if as_json:
        _print_json(data)
    else:
        Console().print(table)


if __name__ == "__main__":
    main()
