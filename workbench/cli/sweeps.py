"""`workbench ablate` and `new-plan`."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    SlurmOptions,
    keeps_weights,
    print_json,
    print_json_file,
)
from workbench.cli.repeated import repeated
from workbench.cli.slots import asked, print_slots
from workbench.errors import InputError
from workbench.show.console import make_console
from workbench.show.formats import Form
from workbench.user_modules import import_modules

if TYPE_CHECKING:
    from workbench.plans.changes import Changes
    from workbench.report.before.foresight import Asked
    from workbench.runs.exchange.finished import Reuse
    from workbench.runs.sweep import SweepOptions


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="Train the rows of a plan; say what is real.",
        epilog="Example: workbench ablate quickstart --seeds 0,1,2,3 --name more",
    )(ablate)
    app.command(
        short_help="Join results folders of one plan.",
        epilog="Example: workbench merge results/norm-shard-*-of-8 --into results/norm",
    )(merge)
    app.command(
        "new-plan",
        short_help="Write a commented plan to begin with.",
        epilog="Example: workbench new-plan my_plan.yaml",
    )(new_plan)


PLAN = typer.Argument(
    help="A plan file, or the name of one in ablations/.", autocompletion=complete.plans
)
Seeds = Annotated[str | None, typer.Option(metavar="SEEDS", help="In place of the plan's: 0,1,2.")]
Only = Annotated[list[str] | None, typer.Option(metavar="NAME", help="This row alone; repeatable.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="For every row, or recipe.KEY=VALUE; repeatable."
    ),
]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Another name for plan and folder.")]
Extend = Annotated[
    bool, typer.Option("--extend", help="Allow new rows or seeds beside finished runs.")
]
ReuseFolders = Annotated[
    list[Path] | None,
    typer.Option("--reuse", metavar="FOLDER", help="Look for finished runs here too; repeatable."),
]
ShardOption = Annotated[
    str | None,
    typer.Option("--shard", metavar="K/N", help="Share K of N, in a folder of its own."),
]
ReuseAny = Annotated[
    bool, typer.Option("--reuse-any", help="Take over runs of other devices and versions too.")
]
NoReuse = Annotated[bool, typer.Option("--no-reuse", help="Train again what another folder has.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the runs with their cost and time; run none.")
]
Measure = Annotated[
    bool, typer.Option("--measure", help="In a dry run: time every row, not a few.")
]
Detect = Annotated[
    float | None,
    typer.Option(metavar="POINTS", help="In a dry run: seeds and hours to detect it."),
]
Budget = Annotated[
    str | None, typer.Option(metavar="TIME", help="In a dry run: what 2h or 90min can detect.")
]
NoiseFrom = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Its runs, of the same recipe, tell of the noise too."),
]
Template = Annotated[
    bool, typer.Option("--template", help="Print a commented plan to begin with; run none.")
]


def ablate(
    context: typer.Context,
    plan: Annotated[str | None, PLAN] = None,
    results: Results = Path("results"),
    jobs: Jobs = None,
    seeds: Seeds = None,
    only: Only = None,
    set_: Settings = None,
    name: Name = None,
    device: Device = "auto",
    engine: Engine = "local",
    ray_address: RayAddress = None,
    slurm: SlurmOptions = None,
    extend: Extend = False,
    shard: ShardOption = None,
    reuse: ReuseFolders = None,
    reuse_any: ReuseAny = False,
    no_reuse: NoReuse = False,
    ledger: LedgerUrl = None,
    logger: Loggers = None,
    keep: Keep = None,
    imports: Imports = None,
    noise_from: NoiseFrom = None,
    dry_run: DryRun = False,
    measure: Measure = False,
    detect: Detect = None,
    budget: Budget = None,
    template: Template = False,
    as_json: Json = False,
) -> None:
    """Train the rows of a plan with seeds, and say which differences are real.

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
            f"missing; choose from: {', '.join(complete.plans(''))}; or name a file", key="plan"
        )
    from workbench.plans.file import find_plan

    if measure and not dry_run:
        raise InputError("it needs --dry-run, for it times rows and trains none", key="--measure")
    if not dry_run and (detect is not None or budget is not None):
        key = "--budget" if detect is None else "--detect"
        raise InputError("it needs --dry-run, for it trains nothing", key=key)
    if shard and as_json and not dry_run:
        raise InputError("a share has no table; workbench merge prints it", key="--json")
    console, again = make_console(as_json), repeated(context, find_plan(plan))
    folder, code = again.print(console), 0
    if folder is None:
        from workbench.engine import EngineChoice, import_ahead

        if dry_run:
            import_ahead()
        from workbench.plans.changes import Changes
        from workbench.report import commands
        from workbench.runs.exchange.shard import Shard
        from workbench.runs.sweep import SweepOptions

        changes = Changes(name, seeds_of(seeds), tuple(set_ or ()), tuple(imports or ()))
        options = SweepOptions(
            jobs=jobs, device=device, ledger=ledger, loggers=tuple(logger or ("csv",)),
            where=EngineChoice(engine, ray_address, tuple(slurm or ())),
            only=tuple(only or ()), extend=extend,
            keep_weights=keeps_weights(keep), reuse=_reuse(reuse, reuse_any, no_reuse),
            shard=Shard.parse(shard) if shard else None, noise_from=noise_from,
        )  # fmt: skip
        if dry_run:
            from workbench.report.before.foresight import Asked

            wanted = Asked.of(detect, budget)
            _dry_run(plan, results, changes, options, wanted, console, as_json, measure)
            return
        done = commands.ablate(
            plan, results=results, changes=changes, options=options, console=console, again=again
        )
        reported = not (done.interrupted or shard)
        folder, code = done.folder if reported else None, done.exit_code
    if as_json and folder:
        print_json_file(folder / "table.json")
    raise typer.Exit(code)


def _dry_run(
    plan: str,
    results: Path,
    changes: "Changes",
    options: "SweepOptions",
    wanted: "Asked",
    console: Console,
    as_json: bool,
    measure: bool,
) -> None:
    from workbench.report import commands
    from workbench.report.before.foresight import foresee
    from workbench.report.before.preview import costs_at_once, preview_data, print_preview

    resolved = commands.planned(plan, changes, options, results)
    seen = foresee(resolved, results, wanted)
    text = f"Timing some steps of {'every row' if measure else 'a few rows'} ..."
    with nullcontext() if as_json else costs_at_once(resolved, console, seen, text):
        found = commands.timed(resolved, results, options, measure)
    if as_json:
        print_json(preview_data(resolved, found, seen))
    else:
        print_preview(resolved, found, console, options.where.engine, seen)


def _reuse(folders: list[Path] | None, anything: bool, none: bool) -> "Reuse | None":
    from workbench.runs.exchange.finished import Reuse

    if none and (folders or anything):
        raise InputError("it contradicts --reuse and --reuse-any", key="--no-reuse")
    return None if none else Reuse(tuple(folders or ()), anything)


def seeds_of(text: str | None) -> tuple[int, ...] | None:
    """What `--seeds` says."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{text!r} is not a list of numbers such as 0,1,2", key="seeds") from None


def merge(
    folders: Annotated[
        list[Path], typer.Argument(help="Results folders of one plan.", show_default=False)
    ],
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="Where all goes.")],
    prefer: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Its numbers count where folders have others."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Join shares, seeds, or two people's folders of one plan into one result with one table.

    Nothing trains. What is missing, the plan trains with --name and the name of the new folder.
    """
    from workbench.report import commands

    found = commands.merge(folders, into, prefer, make_console(as_json))
    if as_json and found:
        print_json_file(found.folder / "table.json")


def new_plan(
    file: Annotated[Path, typer.Argument(help="The file to write; none is overwritten.")] = Path(
        "my_plan.yaml"
    ),
) -> None:
    """Write a commented plan to begin with. It runs as it is, in a minute or two."""
    from workbench.plans.template import write_template

    write_template(file)
    print(f"{file} is written; now: workbench ablate {file} --dry-run")
