"""`workbench slots`, and questions about a slot in other commands."""

import json

import pytest

from tests.support.command import Run
from workbench.cli import complete
from workbench.models import SLOTS


def test_slots_as_text_and_as_json_name_every_component(run: Run) -> None:
    text, found = run("slots"), json.loads(run("slots", "--json").out)
    assert [each["slot"] for each in found] == list(complete.slots())
    for each in found:
        assert {choice["name"] for choice in each["choices"]} == set(SLOTS[each["slot"]])
        assert all(choice["name"] in text.out for choice in each["choices"])


@pytest.mark.parametrize(
    "words", ["cost cmt_ti lpu=?", "ablate quickstart --set lpu=?", "cost cmt_ti lpu.shortcut=?"]
)
def test_a_question_mark_lists_the_choices_of_a_slot(run: Run, words: str) -> None:
    assert run(*words.split()).out == run("slots", "lpu").out


@pytest.mark.parametrize("words", ["slots mixr", "cost cmt_ti mixr=?"])
def test_a_question_about_no_slot_names_the_nearest(run: Run, words: str) -> None:
    ran = run(*words.split())
    assert (ran.code, ran.err) == (2, "error: slot: unknown 'mixr'; nearest: 'mixer'\n")
