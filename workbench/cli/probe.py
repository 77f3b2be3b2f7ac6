"""`workbench probe`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.app import Device, Format, Imports, Json, Overrides, print_table
from workbench.show.formats import Form, as_data


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="What a network's features are worth: k-NN, linear probe.",
        epilog="Example: workbench probe results/half --set recipe.data.train_size=2500",
    )(probe)


def probe(
    name: Annotated[
        str,
        typer.Argument(help="A results folder, a saved network, a zoo entry or timm:NAME."),
    ],
    overrides: Overrides = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of a zoo entry or timm:NAME.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="recipe.data.KEY. Default: as it was trained."
        ),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a results folder.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of a results folder.")] = None,
    neighbours: Annotated[int, typer.Option(metavar="N", help="Of the k-NN.")] = 20,
    device: Device = "auto",
    imports: Imports = None,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """Top-1 on test images that a network's features give without training it.

    By the nearest training images (k-NN), and by a line (logistic regression).
    """
    from workbench.report.probes import Asked, probes_table
    from workbench.user_modules import import_modules

    import_modules(imports or ())
    asked = Asked(name, tuple(overrides or ()), weights, variant, seed)
    table = probes_table(asked, data or (), neighbours, device)
    print_table(table, as_data(table), as_json, form)
