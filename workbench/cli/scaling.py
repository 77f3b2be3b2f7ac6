"""`workbench scale` and `study`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import complete
from workbench.cli.app import (
    Device,
    Engine,
    Format,
    Imports,
    Jobs,
    Json,
    Keep,
    LedgerUrl,
    Loggers,
    Overrides,
    RayAddress,
    Results,
    SlurmOptions,
    keeps_weights,
    print_json,
    print_json_file,
    print_table,
)
from workbench.cli.repeated import repeated
from workbench.errors import InputError
from workbench.show.console import make_console
from workbench.show.formats import Form


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="Compound scaling, before and after rounding.",
        epilog="Example: workbench scale cmt_s --phi 1",
    )(scale)
    app.command(
        short_help="Search alpha, beta and gamma with Optuna.",
        epilog="Example: workbench study scaling_study --cost-only",
    )(study)


def scale(
    base: Annotated[
        str,
        typer.Argument(
            help="A zoo entry; or table; or exponents.",
            autocompletion=complete.networks,
        ),
    ],
    overrides: Overrides = None,
    phi: Annotated[float, typer.Option(help="How far to scale; below 0 is smaller.")] = 1.0,
    alpha: Annotated[float, typer.Option(help="Depth grows alpha^phi.")] = 1.2,
    beta: Annotated[float, typer.Option(help="Dimension grows beta^phi.")] = 1.3,
    gamma: Annotated[float, typer.Option(help="Resolution grows gamma^phi.")] = 1.15,
    rounding: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Such as depth=total; repeatable.")
    ] = None,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """A network scaled by depth, dimension and resolution, and what rounding makes of it.

    `workbench scale table` sets the published CMTs beside the rule; `workbench scale exponents
    cmt_s` measures how the cost of a network grows with each of the three.
    """
    from workbench.scaling import commands

    rest, rules = list(overrides or ()), list(rounding or ())
    if base == "table":
        if rest:
            raise InputError(f"scale table: {rest[0]!r} is too much; it takes no overrides")
        found = commands.table_command(rules)
    elif base == "exponents":
        if not rest:
            raise InputError("scale exponents: the base is missing, such as cmt_s")
        found = commands.exponents_command(rest[0], rest[1:])
    else:
        found = commands.scale_command(base, rest, phi, alpha, beta, gamma, rules)
    print_table(found.printout, found.data, as_json, form)


def study(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            help="A study file, or the name of one in ablations/.", autocompletion=complete.studies
        ),
    ] = "scaling_study",
    results: Results = Path("results"),
    jobs: Jobs = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="recipe.KEY=VALUE", help="Repeatable.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another name for study and folder.")
    ] = None,
    trials: Annotated[int | None, typer.Option(metavar="N", help="Networks to train.")] = None,
    device: Device = "auto",
    engine: Engine = "local",
    ray_address: RayAddress = None,
    slurm: SlurmOptions = None,
    storage: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Optuna storage: a database URL, or a journal file."),
    ] = None,
    ledger: LedgerUrl = None,
    logger: Loggers = None,
    keep: Keep = None,
    imports: Imports = None,
    cost_only: Annotated[
        bool, typer.Option("--cost-only", help="Map the cost of the surface; train nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """An Optuna study over alpha, beta and gamma, on the surface where cost grows as asked.

    The same command again resumes. `optuna-dashboard` opens RESULTS/NAME/study.db as it is.
    """
    from workbench.plans.file import find_plan

    console, again = make_console(as_json), repeated(context, find_plan(file, study=True))
    if (folder := again.print(console)) is not None:
        if as_json:
            print_json_file(folder / "study.json")
        return
    from workbench.engine import EngineChoice
    from workbench.study import commands as studies
    from workbench.study.report import study_json
    from workbench.study.run import StudyOptions

    changes = studies.StudyChanges(name, trials, tuple(set_ or ()), tuple(imports or ()))
    if cost_only:
        mapped = studies.cost_only(file, results=results, changes=changes, console=console)
        _json_if(as_json, list(mapped.rows()))
        return
    options = StudyOptions(
        jobs=jobs, device=device, ledger=ledger, loggers=tuple(logger or ("csv",)),
        where=EngineChoice(engine, ray_address, tuple(slurm or ())),
        storage=storage, keep_weights=keeps_weights(keep),
    )  # fmt: skip
    done, summary = studies.study(
        file, results=results, changes=changes, options=options, console=console, again=again
    )
    _json_if(as_json, study_json(done.study, done.trials, summary))
    raise typer.Exit(done.exit_code)


def _json_if(as_json: bool, data: object) -> None:
    if as_json:
        print_json(data)
