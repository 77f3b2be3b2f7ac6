"""How near misses are named, and how warnings look."""

import pickle
import subprocess
import sys

import pytest

from workbench.errors import InputError, in_one_line, nearest, nearest_divisor

WARNS = """
import warnings
from workbench.errors import InputWarning, warn_in_one_line
warn_in_one_line()
warnings.warn("data.path: one of them", InputWarning)
warnings.warn("another", UserWarning)
"""


@pytest.mark.parametrize(
    ("value", "choices", "text"),
    [
        ("nne", ["none", "dwconv"], "nearest: 'none'"),
        ("wide", ["identity", "lmhsa"], "choose from: identity, lmhsa"),
        ("x", [], "there is nothing to choose from"),
        ("x", [f"name{n:02}" for n in range(30)], "name22, name23, 6 more"),
    ],
)
def test_the_nearest_are_quoted_and_otherwise_the_choices_listed(
    value: str, choices: list[str], text: str
) -> None:
    assert nearest(value, choices).endswith(text)


def test_divisors_that_are_equally_near_are_both_named() -> None:
    assert nearest_divisor(3, 64) == "nearest: 2, 4"
    assert nearest_divisor(5, 64) == "nearest: 4"
    assert nearest_divisor(100, 64) == "nearest: 64"
    assert nearest_divisor(10**7, 10**12) == "nearest: 10000000"  # not searched one by one


def test_our_warnings_are_one_line_and_pythons_are_as_ever() -> None:
    done = subprocess.run([sys.executable, "-c", WARNS], check=True, capture_output=True, text=True)
    first, *rest = done.stderr.splitlines()
    assert first == "warning: data.path: one of them"
    assert "UserWarning: another" in rest[0]


def test_an_error_says_where_it_is_from_what_it_carries() -> None:
    error = InputError("8 does not divide 10", key="mixer.k", stage=1)
    assert str(error) == "mixer.k[1]: 8 does not divide 10"
    whole = error.but(row="wide", place="plan.yaml: line 3, column 5")
    assert str(whole) == f"plan.yaml: line 3, column 5: variant 'wide': {error}"
    assert error.row == ""
    again = pickle.loads(pickle.dumps(whole))  # as it comes from a worker
    assert (str(again), again.key, again.stage) == (str(whole), "mixer.k", 1)


def test_a_line_stays_one_whatever_a_name_holds() -> None:
    assert in_one_line("a\nb\tc\x1b[31m") == r"a\nb\tc\x1b[31m"
    path = "/".join(["folder"] * 40)
    assert in_one_line(f"{path} is there") == f"{path} is there"
    assert in_one_line(f"unknown '{'x' * 5000}'; none") == f"unknown '{'x' * 79}...xxxxx'; none"
