"""Usage errors of the parser as one line that names the nearest valid choice."""

import re
import sys
from itertools import pairwise
from typing import Any

import typer

from workbench.errors import unknown

# The parser is a part of typer in some versions and a package in others; this is in both.
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]


def one_line(error: Any) -> str:
    """What is wrong with the command line, and the help that says what is right."""
    context = error.ctx
    path = context.command_path if context else "workbench"
    return f"{_fault(error)}; see {path} --help"


def _fault(error: Any) -> str:
    kind, text = type(error).__name__, " ".join(str(error.message).split())
    group = getattr(error.ctx.command, "commands", None) if error.ctx else None
    if kind == "NoSuchOption":
        return str(unknown("option", error.option_name, _options(error.ctx)))
    if group is not None and (named := re.search(r"No such command '(.*?)'", text)):
        return str(unknown("command", named[1], group))
    if kind == "MissingParameter":
        return f"{_name(error.param)}: missing"
    if kind == "BadParameter" and error.param is not None:
        return f"{_name(error.param)}: {_given(error.param)}{_why(text)}"
    return text.rstrip(".")


def _why(text: str) -> str:
    """The parser's reason in our words, which differ between its versions."""
    for pattern, ours in (
        (r"valid int", "it must be a whole number"),
        (r"valid (number|float)", "it must be a number"),
        (
            r"(greater than or equal to |range x>=)(?P<least>[\d.]*\d)",
            "it must be at least {least}",
        ),
    ):
        if found := re.search(pattern, text):
            return ours.format_map(found.groupdict())
    return text.rstrip(".")


def _given(param: Any) -> str:
    """The value of an option as it was typed, for the parser's messages leave it out."""
    words = [part for word in sys.argv[1:] for part in word.split("=", 1)]
    after = [value for name, value in pairwise(words) if name in param.opts]
    return f"{after[-1]!r} is refused: " if after else ""


def _options(context: Any) -> list[str]:
    names = [name for param in context.command.params for name in param.opts]
    return [name for name in names if name.startswith("--")] + ["--help"]


def _name(param: Any) -> str:
    """An option as it is typed, an argument as the help has it."""
    option = next((name for name in param.opts if name.startswith("-")), None)
    return str(option or param.name).lower()
