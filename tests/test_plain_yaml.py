"""YAML as plain data: what plans of before mean, and what is refused before it is made."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.effort import at_most
from workbench.errors import InputError
from workbench.plain_yaml import plain, read_value, read_yaml, write_yaml
from workbench.shipped import PLANS

CALLS = 20_000_000  # some seconds of work


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_plans_mean_what_they_meant(path: Path) -> None:
    """PyYAML, with which they were written, is there with optuna. It reads the key `on` of `tune`
    as true, for YAML 1.1 does; here a key is a name."""
    text = path.read_text(encoding="utf-8")
    meant = yaml.safe_load(text)
    if "tune" in meant:
        meant["tune"]["on"] = meant["tune"].pop(True)
    assert read_yaml(text).data == meant


WORDS = """
    yes No ON off null ~ 010 08 0 -0 -5 +7 0x1F 0b11 0_ 1_000 1.5 -.5 .5 1. 1e-3 1.0e-3 1.0e3 none
    y n .inf -.INF .nan 0o7 [] {} 'yes' "1" [1,[2],{a:b}] {a:1} - 1__ ._ +.inf 1._e+3 !!str&#32;3
"""


@pytest.mark.parametrize("word", WORDS.replace("&#32;", "\t").split())
def test_words_mean_what_they_meant(word: str) -> None:
    assert repr(read_value(word, "key")) == repr(yaml.safe_load(word))


@pytest.mark.parametrize("word", ["1:30", "2023-02-28", "2023-02-29", "2001-12-14 21:59:43", "="])
def test_dates_and_times_are_text(word: str) -> None:
    assert read_value(word, "key") == word


def test_merged_mappings_give_way_to_own_keys() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 5}\nd: {<<: *b}"
    assert read_yaml(text).data == yaml.safe_load(text)


def test_places_are_found_by_dotted_keys_and_within_overrides() -> None:
    found = read_yaml("a:\n  b.c: {d: 1}\n  e: [x, 'lpu.k=[1, 2]']\n")
    assert str(found.keys["a.b.c.d"]) == "line 2, column 9"
    assert str(found.values["a.b.c.d"]) == "line 2, column 12"
    assert str(found.values["a.e.lpu.k"]) == "line 3, column 10"


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ENDLESS = {
    "aliases": (BOMB, "more than 10,000 values by its aliases"),
    "an alias of itself": ("&a [*a]", "nested deeper than 30"),
    "brackets": ("[" * 100_000, "nested deeper than 30"),
    "braces": ("{a: " * 40_000, "nested deeper than 30"),
    "dashes": ("- " * 50_000, "nested deeper than 30"),
    "text": ("x" * 1_000_000, "longer than 200,000 characters"),
    "digits": ("9" * 5_000, "whole numbers go to 9223372036854775807"),
    "a seed": (str(2**63), "whole numbers go to 9223372036854775807"),
    "values": (f"[{'1,' * 60_000}]", "more than 10,000 keys and values"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_refused_at_once(what: str) -> None:
    text, reason = ENDLESS[what]
    with pytest.raises(InputError, match=reason) as caught, at_most(CALLS):
        read_yaml(text)
    assert len(str(caught.value)) < 300


@given(
    st.text(st.characters(codec=None), max_size=40)
    | st.text("{}[]:,-&*!?|>'\"#%@` \n\t~<=ax01e.", max_size=40)
)
def test_any_text_is_plain_data_or_refused_in_one_line(text: str) -> None:
    try:
        read_value(text, "key")
    except InputError as refusal:
        line = str(refusal)
        assert "\n" not in line


@given(st.text("+-0123456789_.xbeEinfaAN:", max_size=12))
def test_any_word_is_read(word: str) -> None:
    assert plain(word) is None or isinstance(plain(word), bool | int | float | str)


PLAIN = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text("abc: -'\n0")


@given(st.dictionaries(st.text("abc.", min_size=1), PLAIN | st.lists(PLAIN)))
def test_what_is_written_reads_the_same(data: dict[str, object]) -> None:
    assert read_yaml(write_yaml(data)).data == data
