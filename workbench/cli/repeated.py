"""A command that may have come to its end before."""

from pathlib import Path

import typer

from workbench.cli.versions import versions
from workbench.show.again import RepeatedCommand


def repeated(context: typer.Context, source: Path) -> RepeatedCommand:
    """The command as it was typed, of the plan or study in the file `source`.

    How it prints its numbers makes no other command of it.
    """
    typed = {key: str(value) for key, value in context.params.items() if key != "as_json"}
    return RepeatedCommand(
        (context.info_name, typed), source, versions("scipy", "matplotlib", "optuna")
    )
