"""The one exception a user's mistake raises, and how near misses are named."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Input that the workbench refuses.

    The message is one line that names the key, the value and, where there is one, the nearest
    valid choice. The command line prints it and exits with code 2.
    """


def nearest(value: str, choices: Iterable[str], most: int = 3) -> str:
    """The valid choices nearest to `value`, as the tail of an error message."""
    known = sorted(set(choices))
    close = get_close_matches(value, known, n=most, cutoff=0.5)
    if close:
        return f"nearest: {', '.join(close)}"
    return f"choose from: {', '.join(known)}" if known else "there is nothing to choose from"


def nearest_divisor(value: int, whole: int) -> str:
    """The divisor of `whole` nearest to `value`, as the tail of an error message."""
    divisors = [n for n in range(1, whole + 1) if whole % n == 0]
    return f"nearest: {min(divisors, key=lambda n: (abs(n - value), n))}"


def unknown(key: str, value: str, choices: Iterable[str]) -> InputError:
    """The error for a name that is not among `choices`."""
    return InputError(f"{key}: unknown {value!r}; {nearest(value, choices)}")
