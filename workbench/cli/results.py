"""`workbench report`, `compare`, `images`, `runs` and `show`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.app import Format, Json, print_json, print_json_file, print_table
from workbench.errors import InputError
from workbench.show.console import make_console
from workbench.show.formats import Form, as_data


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="Tables, figures and page of a folder, again.",
        epilog="Example: workbench report results/quickstart",
    )(report)
    app.command(
        short_help="Two results side by side.",
        epilog="Example: workbench compare results/quickstart results/more_seeds",
    )(compare)
    app.command(
        short_help="Which images and classes a row gained and lost.",
        epilog="Example: workbench images results/quickstart --classes",
    )(images)
    app.command(
        short_help="The runs of a results folder.",
        epilog="Example: workbench runs results/quickstart --variant '*LPU*' --status failed",
    )(runs)
    app.command(
        short_help="One run, and the command that repeats it.",
        epilog="Example: workbench show 3f2a91 --results results/quickstart",
    )(show)


PlanName = Annotated[
    str | None, typer.Option("--plan", metavar="NAME", help="Where a database holds several plans.")
]
LedgerOfRuns = Annotated[
    str | None,
    typer.Option("--ledger", metavar="URL", help="Where the runs are, if not in the folder."),
]


def report(
    folder: Annotated[Path, typer.Argument(help="A results folder.")],
    figures: Annotated[
        bool, typer.Option("--figures", help="Only the figures, for a paper, in FOLDER/figures.")
    ] = False,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="LIST", help="Of figures: pdf,svg,png. Default: pdf."),
    ] = None,
    width: Annotated[
        str | None,
        typer.Option(metavar="WIDTH", help="Of figures: column (default), 1.5, text, or 3.25in."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Of table.tex: variant,macs,score,difference."),
    ] = None,
    ledger: LedgerOfRuns = None,
    as_json: Json = False,
) -> None:
    """Write the tables, figures and the page of a results folder again, and print its table.

    Of a study's folder: its networks, its verdict and its figures.
    """
    from workbench.report.commands import paper_figures
    from workbench.report.commands import report as report_folder
    from workbench.report.latex import CHOICE
    from workbench.show.figures import Output, parse_formats, parse_width

    for option, given in {"--format": form, "--width": width}.items():
        if given is not None and not figures:
            raise InputError("is for figures; give --figures too", key=option)
    if figures and columns is not None:
        raise InputError("is for tables; leave --figures out", key="--columns")
    if figures and ledger is not None:
        raise InputError("is for tables; leave --figures out", key="--ledger")
    if figures:
        output = Output(parse_width(width or "column"), parse_formats(form or "pdf"))
        written = paper_figures(folder, output, make_console(as_json))
        if as_json:
            print_json([str(path) for path in written])
        return
    chosen = CHOICE if columns is None else columns.split(",")
    found = report_folder(folder, make_console(as_json), chosen, ledger)
    if as_json:
        print_json_file(found)


def compare(
    a: Annotated[str, typer.Argument(help="A results folder, its ledger, or the ledger's URL.")],
    b: Annotated[str, typer.Argument(help="The second one, likewise.")],
    plan: PlanName = None,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """Set two results side by side: cost, score, outcome and difference of every variant."""
    from workbench.report.compare import compare as side_by_side
    from workbench.report.compare import load_side

    table = side_by_side(load_side(a, plan), load_side(b, plan))
    print_table(table, as_data(table), as_json, form)


def images(
    folder: Annotated[Path, typer.Argument(help="A results folder.")],
    row: Annotated[
        str | None, typer.Option(metavar="ROW", help="This row alone, with its images.")
    ] = None,
    classes: Annotated[bool, typer.Option("--classes", help="Every class of every row.")] = False,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """What each row buys, and for which test images, from the evidence that its runs kept."""
    from workbench.report.image_tables import images_data, images_printout
    from workbench.report.images import load_images

    found = load_images(folder, row)
    print_table(images_printout(found, classes, row is not None), images_data(found), as_json, form)


def runs(
    results: Annotated[str, typer.Argument(help="A results folder, its ledger, or its URL.")],
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Or a pattern with * and ?; repeatable."),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(metavar="N", help="Repeatable.")] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="STATUS", help="completed, diverged, failed, pending, ..."),
    ] = None,
    score: Annotated[
        float | None,
        typer.Option("--score", "--top1", metavar="PERCENT", help="Top-1, AP or mIoU, at least."),
    ] = None,
    plan: PlanName = None,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """List the runs of a results folder."""
    from workbench.report.browse import Filters, runs_table
    from workbench.runs.results import load_sweep

    filters = Filters(tuple(variant or ()), tuple(seed or ()), tuple(status or ()), score)
    table = runs_table(load_sweep(results, plan), filters)
    print_table(table, as_data(table), as_json, form)


def show(
    run: Annotated[str, typer.Argument(help="The beginning of a run's id.")],
    results: Annotated[
        str, typer.Option(help="A results folder, a folder of them, or a ledger's URL.")
    ] = "results",
    plan: PlanName = None,
    as_json: Json = False,
) -> None:
    """Print one run: outcome, command that repeats it, curves, configuration, environment."""
    from workbench.report.browse import find_run, print_run, run_data

    found = find_run(run, results, plan)
    if as_json:
        print_json(run_data(found))
    else:
        print_run(found, make_console())
