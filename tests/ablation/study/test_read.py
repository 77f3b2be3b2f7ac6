"""A study's trials come back from its folder as they were written."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.ablation.study import summarise_study
from workbench.ablation.study.read import read_trials
from workbench.ablation.study.write import write_study
from workbench.errors import InputError
from workbench.scaling import PAPER
from workbench.scaling.study import Study, Trial

from .standins import study
from .test_summary import trial


@pytest.fixture(scope="module")
def small() -> Study:
    return study()


def written(small: Study, folder: Path) -> list[Trial]:
    trials = [
        trial(0, 90.0, point=PAPER.each()),
        trial(1, 91.0, overrides=("depth=[1]",)),
        trial(2, None, reason="off the growth"),
    ]
    write_study(folder, small, trials, summarise_study(small, trials))
    return trials


def test_trials_come_back(small: Study, tmp_path: Path) -> None:
    trials = written(small, tmp_path)
    found = read_trials(tmp_path, small)
    assert list(found) == [replace(each, overrides=()) for each in trials]
    assert summarise_study(small, found).verdict == summarise_study(small, trials).verdict


def test_another_study_is_refused_with_what_differs(small: Study, tmp_path: Path) -> None:
    written(small, tmp_path)
    data = json.loads((tmp_path / "study.json").read_text())
    data["space"]["growth"] = 3.0
    (tmp_path / "study.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"of another one: growth is 3\.0 there"):
        read_trials(tmp_path, small)


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_what_can_not_be_read_is_one_line(small: Study, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "study.json").write_text(text)
    with pytest.raises(InputError, match=r"study: .*study\.json"):
        read_trials(tmp_path, small)
