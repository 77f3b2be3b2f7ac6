"""The one exception a user's mistake raises, its warning, and how near misses are named."""

import sys
import warnings
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TextIO


class InputError(ValueError):
    """Input that the workbench refuses.

    The message is one line that names the key, the value and, where there is one, the nearest
    valid choice. The command line prints it and exits with code 2.
    """


class InputWarning(UserWarning):
    """Input that the workbench can use only in part."""


MOST_CHOICES = 24  # listed where none is near
MOST_DIFFERENCES = 5  # shown


def some_of(differences: Sequence[str]) -> str:
    """The first few, and how many there are more."""
    more = len(differences) - MOST_DIFFERENCES
    shown = "; ".join(differences[:MOST_DIFFERENCES])
    return f"{shown}; and {more} more" if more > 0 else shown


def nearest(value: str, choices: Iterable[str], most: int = 3) -> str:
    """The valid choices nearest to `value`, as the tail of an error message."""
    known = sorted(set(choices))
    close = get_close_matches(value, known, n=most)
    if close:
        return f"nearest: {', '.join(map(repr, close))}"  # quoted, for one may be named 'none'
    listed = known[:MOST_CHOICES]
    listed += [f"{len(known) - MOST_CHOICES} more"] if len(known) > MOST_CHOICES else []
    return f"choose from: {', '.join(listed)}" if known else "there is nothing to choose from"


def nearest_divisor(value: int, whole: int) -> str:
    """The divisors of `whole` nearest to `value`, as the tail of an error message."""
    divisors = [n for n in range(1, whole + 1) if whole % n == 0]
    least = min(abs(n - value) for n in divisors)
    return f"nearest: {', '.join(str(n) for n in divisors if abs(n - value) == least)}"


def unknown(key: str, value: str, choices: Iterable[str]) -> InputError:
    """The error for a name that is not among `choices`."""
    return InputError(f"{key}: unknown {value!r}; {nearest(value, choices)}")


def warn_in_one_line() -> None:
    """From here on this process shows an `InputWarning` as one line, without Python's own."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, InputWarning):
            print(f"warning: {message}", file=file or sys.stderr)
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
