"""Usage errors of the parser as one line that names the nearest valid choice.

What is wrong is read from the fields of its exceptions; their messages differ between versions.
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Protocol, get_args, get_type_hints

import typer
from typer.core import TyperGroup
from typer.models import OptionInfo

from workbench.errors import InputError, unknown

# The parser is a part of typer in some versions and a package in others; this is in both.
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
NUMBERS = {int: "a whole number", float: "a number"}


class _Param(Protocol):
    """An option or an argument, of whichever parser."""

    name: str | None
    opts: list[str]


def one_line(error: Exception) -> str:
    """What is wrong with the command line, and the help that says what is right."""
    context: typer.Context | None = getattr(error, "ctx", None)
    return f"{_fault(error, context)}{_see(context)}"


class Commands(TyperGroup):
    """All commands. A name that none of them has is refused, with the nearest."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; completion may ask for one that there is not."""
        found = super().get_command(ctx, cmd_name)
        if found is None and not ctx.resilient_parsing:
            error = unknown("command", cmd_name, self.commands)
            raise error.but(reason=f"{error.reason}{_see(ctx)}")
        return found


def _see(context: typer.Context | None) -> str:
    return f"; see {context.command_path if context else 'workbench'} --help"


def _fault(error: Exception, context: typer.Context | None) -> str:
    option: str | None = getattr(error, "option_name", None)
    param: _Param | None = getattr(error, "param", None)
    reason = " ".join(str(getattr(error, "message", error)).split()).rstrip(".")
    if type(error).__name__ == "NoSuchOption" and option and context:
        return str(unknown("option", option, _options(context)))
    if param is None:
        return reason
    if type(error).__name__ == "MissingParameter":
        return str(InputError("missing", key=_name(param)))
    given = _given(param)
    refused = f"{given!r} is refused: " if given is not None else ""
    return str(InputError(f"{refused}{_why(context, param, given) or reason}", key=_name(param)))


def _why(context: typer.Context | None, param: _Param, given: str | None) -> str:
    """Why a number is refused, by what its command declares; empty for what is no number."""
    declared = get_type_hints(context.command.callback, include_extras=True) if context else {}
    parts = list(_parts(declared.get(str(param.name))))
    kind = next((each for each in NUMBERS if each in parts), None)
    if kind is None or given is None:
        return ""
    try:
        kind(given)
    except ValueError:
        return f"it must be {NUMBERS[kind]}"
    least = next((each.min for each in parts if isinstance(each, OptionInfo)), None)
    return "" if least is None else f"it must be at least {least}"


def _parts(hint: object) -> Iterator[object]:
    """The types that a declaration is made of, and what else it says."""
    inner = get_args(hint)
    yield from (part for each in inner for part in _parts(each)) if inner else (hint,)


def _given(param: _Param) -> str | None:
    """The value of an option as it was typed, for the parser's exceptions leave it out."""
    words = [part for word in sys.argv[1:] for part in word.split("=", 1)]
    after = [value for name, value in pairwise(words) if name in param.opts]
    return after[-1] if after else None


def _options(context: typer.Context) -> list[str]:
    names = [name for param in context.command.params for name in param.opts]
    return [name for name in names if name.startswith("--")] + ["--help"]


def _name(param: _Param) -> str:
    """An option as it is typed, an argument as the help has it."""
    option = next((name for name in param.opts if name.startswith("-")), None)
    return str(option or param.name).lower()
