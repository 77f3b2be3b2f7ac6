"""The one exception a user's mistake raises, its warning, and how near misses are named."""

import copy
import re
import sys
import warnings
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from math import isqrt
from typing import Literal, Self, TextIO

About = Literal["value", "key", "missing"]  # what is wrong: the value, the key, or that it lacks


class InputError(ValueError):
    """Input that the workbench refuses.

    The message is one line that names the key, the value and, where there is one, the nearest
    valid choice. The command line prints it and exits with code 2. It reads
    `PLACE: variant 'ROW': KEY[STAGE]: REASON`, without the parts that are empty.
    """

    def __init__(
        self,
        reason: str,
        *,
        key: str = "",  # dotted, as in a plan: recipe.optimiser.lr
        stage: int | None = None,  # of a key that has a value for each stage
        row: str = "",  # the name of a plan's row
        place: str = "",  # file, line and column
        about: About = "value",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.key = key
        self.stage = stage
        self.row = row
        self.place = place
        self.about: About = about

    def __str__(self) -> str:
        row = f"variant {self.row!r}" if self.row else ""
        key = self.key if self.stage is None else f"{self.key}[{self.stage}]"
        return ": ".join(part for part in (self.place, row, key, self.reason) if part)

    def but(self, **fields: str | int) -> Self:
        """The same error with other `fields`, such as the row that it is of."""
        changed = copy.copy(self)
        for name, value in fields.items():
            setattr(changed, name, value)
        return changed


class InputWarning(UserWarning):
    """Input that the workbench can use only in part."""


MOST_CHOICES = 24  # listed where none is near
MOST_DIFFERENCES = 5  # shown


MOST_SHOWN = 80  # characters of a value
LONG = re.compile(r"\S{400,}")  # longer than a path that somebody typed
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def visible(text: str) -> str:
    """Text with control characters as `\\x1b`: a name in a file may hold what steers a terminal.

    Tabs and ends of lines stay; marks that reverse the direction of writing do not.
    """
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def in_one_line(text: str) -> str:
    """`visible` text whose ends of lines are seen too, and whose words are cut where they have no
    end: a name or a value may hold anything."""
    line = visible(text).replace("\t", r"\t").replace("\n", r"\n")
    return LONG.sub(lambda found: f"{found[0][:MOST_SHOWN]}...{found[0][-7:]}", line)


def shown(value: object) -> str:
    """A value as an error message shows it: in quotes where it is text, and not too long."""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**40 else "so large a number"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 10]}...{text[-7:]}"


def some_of(differences: Sequence[str]) -> str:
    """The first few, and how many there are more."""
    more = len(differences) - MOST_DIFFERENCES
    shown = "; ".join(differences[:MOST_DIFFERENCES])
    return f"{shown}; and {more} more" if more > 0 else shown


def first_line(error: Exception) -> str:
    """What an exception of other code says, in a line; its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


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
    small = [n for n in range(1, isqrt(whole) + 1) if whole % n == 0]
    divisors = sorted({*small, *(whole // n for n in small)})
    least = min(abs(n - value) for n in divisors)
    return f"nearest: {', '.join(str(n) for n in divisors if abs(n - value) == least)}"


def unknown(key: str, value: str, choices: Iterable[str]) -> InputError:
    """The error for a name that is not among `choices`."""
    return InputError(f"unknown {value!r}; {nearest(value, choices)}", key=key)


def unknown_key(key: str, choices: Iterable[str]) -> InputError:
    """The error for a dotted key whose last part is not among `choices`."""
    error = unknown(key, key.rpartition(".")[2], choices)
    return error.but(about="key")


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
            print(in_one_line(f"warning: {message}"), file=file or sys.stderr)
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
