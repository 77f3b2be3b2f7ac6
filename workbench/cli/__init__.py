"""Commands: parse, call, print. No logic of their own; one file a group.

Rooms are imported inside the commands, so that `--help` does not wait for torch. Exit codes: 0, 1
where runs failed, 2 for bad input, 130 after Ctrl-C.
"""

import os
import sys

import typer

from workbench.cli import check, export, networks, results, scaling, slots, slurm, sweeps
from workbench.cli.app import app
from workbench.cli.usage import USAGE_ERROR, one_line
from workbench.errors import InputError, warn_in_one_line

__all__ = ["app", "main"]

for group in (sweeps, slurm, results, networks, slots, export, scaling, check):
    group.add_to(app)


def main() -> None:
    """The entry point: bad input is one line on stderr and exit code 2, never a traceback."""
    warn_in_one_line()
    try:
        code = app(standalone_mode=False)
    except InputError as error:
        _refuse(str(error))
    except USAGE_ERROR as error:
        _refuse(one_line(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:  # `workbench models | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    else:
        if code:
            sys.exit(code)


def _refuse(line: str) -> None:
    print(f"error: {line}", file=sys.stderr)
    sys.exit(2)
