"""`workbench export`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.app import Imports, Overrides
from workbench.errors import InputError


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="A network for other runtimes: ONNX, or PyTorch's pt2.",
        epilog="Example: workbench export cmt_s --weights cmt_small.pth --fuse",
    )(export)


def export(
    name: Annotated[
        str, typer.Argument(help="A zoo entry, a saved network's folder or a results folder.")
    ],
    overrides: Overrides = None,
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="onnx or pt2.")] = "onnx",
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file. Default: NAME.FORMAT, here.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of a zoo entry. Default: initial ones.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a results folder.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of a results folder.")] = None,
    fuse: Annotated[bool, typer.Option("--fuse", help="Fold every BN first that can be.")] = False,
    imports: Imports = None,
) -> None:
    """Writes a network with its weights, for batches of any number of images."""
    from torch import nn

    from workbench.models import Network, build, load_weights, spec
    from workbench.models.export import export as write
    from workbench.runs.kept import load
    from workbench.user_modules import import_modules

    import_modules(imports or ())
    model: nn.Module
    if Path(name).is_dir():
        if overrides or weights:
            raise InputError("a folder has its own network and weights", key="export")
        model = load(name, variant, seed)
    elif variant is not None or seed is not None:
        raise InputError(f"{name!r} is no folder of results", key="variant")
    else:
        model = build(spec(name, *overrides or ()))
    if not isinstance(model, Network):
        raise InputError(
            f"{name!r} is a {type(model).__name__}; classifiers of the zoo alone are exported",
            key="export",
        )
    if weights is not None:
        load_weights(model, weights)
    print(write(model, output or Path(f"{Path(name).name}.{form}"), form, fused=fuse))
