"""`workbench cost`, `models` and `claims`."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from workbench.cli import complete
from workbench.cli.app import Format, Imports, Json, Network, Overrides, print_table
from workbench.cli.slots import asked, print_slots
from workbench.cli.versions import versions
from workbench.config import TIMM
from workbench.errors import InputError
from workbench.show.cache import Shown, kept
from workbench.show.formats import Form


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="Params, MACs and memory, by slot and stage.",
        epilog="Example: workbench cost cmt_s lpu=none --resolution 192",
    )(cost)
    app.command(
        short_help="The zoo, as counted and as published.",
        epilog="Example: workbench models --family levit",
    )(models)
    app.command(
        short_help="Do the papers' headline claims hold?",
        epilog="Example: workbench claims --speed",
    )(claims)


def cost(
    name: Network,
    overrides: Overrides = None,
    resolution: Annotated[
        str | None,
        typer.Option(metavar="PIXELS", help="Input side, or HEIGHTxWIDTH, such as 800x1280."),
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Batch size of a training step's memory.")
    ] = 1,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Another network in a table beside; repeatable.",
            autocompletion=complete.networks,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="In a detector, at 800x1280: retinanet, mask_rcnn."),
    ] = None,
    speed: Annotated[bool, typer.Option("--speed", help="Measure latency and throughput.")] = False,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where to measure: cpu, cuda.")
    ] = None,
    imports: Imports = None,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """Params, MACs, activations and memory of a network, by slot and by stage.

    Counted by fvcore's trace and in closed form, and refused where the two differ.
    """
    from workbench.user_modules import import_modules

    import_modules(imports or ())
    if questions := asked(overrides or ()):
        print_slots(questions, as_json, form)
        return

    def counted() -> Shown:
        from workbench.cost import printouts
        from workbench.cost import report as reports
        from workbench.cost.target import parsed_resolution

        if task:
            if beside or speed:
                raise InputError("it counts one network, by itself", key="--task")
            return _dense(task, name, overrides or (), resolution)
        if beside:
            rows = reports.column_reports(
                [name, *beside], parsed_resolution(resolution), speed=speed, device=device,
                overrides=overrides or (),
            )  # fmt: skip
            return printouts.beside_table(rows), reports.columns_json(rows)
        found = reports.cost_report(
            name,
            *overrides or (),
            resolution=parsed_resolution(resolution),
            batch=batch,
            speed=speed,
            device=device,
        )
        return printouts.cost_printout(found), found.to_json()

    typed = ["cost", name, overrides, resolution, batch, beside, task]
    print_table(*_kept(typed, counted, not (speed or imports)), as_json, form)


def _dense(task: str, name: str, overrides: Sequence[str], resolution: str | None) -> Shown:
    from workbench.cost.dense import dense_cost
    from workbench.cost.printouts import dense_printout
    from workbench.cost.target import parsed_resolution, size_of
    from workbench.models import spec

    if name.startswith(TIMM) and overrides:
        raise InputError(f"{name} takes none, for its parts are timm's", key=overrides[0])
    network = name if name.startswith(TIMM) else spec(name, *overrides)
    found = dense_cost(network, task, size_of(parsed_resolution(resolution)))
    return dense_printout(found), found.to_json()


def models(
    family: Annotated[
        str | None, typer.Option(metavar="NAME", help="cmt, deit, levit, volo, small, ...")
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(metavar="timm:NAME", help="Networks beside the zoo; repeatable."),
    ] = None,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """The zoo: params, MACs and resolution as counted, beside what was published."""

    def counted() -> Shown:
        from workbench.cost import catalogue, printouts

        rows = catalogue.model_rows(family, tuple(beside or ()))
        return printouts.models_printout(rows), catalogue.models_json(rows)

    print_table(*_kept(["models", family, beside], counted), as_json, form)


def _kept(typed: Sequence[object], make: Callable[[], Shown], counts_only: bool = True) -> Shown:
    """Counts of our own networks are kept; what was measured, or is of others' code, is not."""
    if not counts_only or TIMM in json.dumps(typed):
        return make()
    return kept(typed, versions(), make)


def claims(
    speed: Annotated[
        bool, typer.Option("--speed", help="Check the claims about speed too.")
    ] = False,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """Headline claims of the three papers that cost or speed alone can decide."""
    from workbench.cost import printouts, verdict

    found, speeds = verdict.judge_claims(speed)
    print_table(
        printouts.claims_printout(found, speeds), verdict.claims_json(found, speeds), as_json, form
    )
