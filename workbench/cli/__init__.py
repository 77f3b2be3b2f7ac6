"""Commands: parse, call, print. No logic of their own; one file a group.

Rooms are imported inside the commands, so that `--help` does not wait for torch. Exit codes: 0, 1
where runs failed, 2 for bad input, 130 after Ctrl-C.
"""

import atexit
import gc
import os
import signal
import sys

import typer

from workbench.cli import check, export, networks, probe, results, scaling, slots, slurm, sweeps
from workbench.cli.app import app
from workbench.cli.usage import USAGE_ERROR, one_line
from workbench.errors import InputError, in_one_line, shown, warn_in_one_line

__all__ = ["app", "main"]

for group in (sweeps, slurm, results, networks, slots, probe, export, scaling, check):
    group.add_to(app)


def main() -> None:
    """The entry point: bad input is one line on stderr and exit code 2, never a traceback."""
    warn_in_one_line()
    atexit.register(_end_sooner)
    try:
        code = app(standalone_mode=False)
    except InputError as error:
        _refuse(str(error))
    except USAGE_ERROR as error:
        _refuse(one_line(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            _leave_pipe()
        _refuse(_of_the_system(error))
    except (KeyboardInterrupt, typer.Abort):
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # one more: no traceback on the way out
        sys.exit(130)
    else:
        if code:
            sys.exit(code)


def _end_sooner() -> None:
    """Else Python searches all of PyTorch for garbage before it ends, for over a second. Triton,
    where it was imported, would complain of what is left."""
    if "triton" not in sys.modules:
        gc.freeze()


def _leave_pipe() -> None:
    """`workbench models | head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


def _of_the_system(error: OSError) -> str:
    """What no room foresaw: a path that is too long, a file that may not be read."""
    if error.filename is None:
        return str(error)
    return f"{shown(str(error.filename))}: {error.strerror}"


def _refuse(line: str) -> None:
    print(in_one_line(f"error: {line}"), file=sys.stderr)
    sys.exit(2)
