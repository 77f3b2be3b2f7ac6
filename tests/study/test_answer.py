"""The answer of a study: how sharp its constants are."""

import pytest

from tests.support.studies import study
from workbench.study.summary import study_answer, summarise_study

from .test_summary import trial


@pytest.mark.parametrize(
    ("scores", "text"),
    [
        ([90.0, 90.0, 90.1, 80.0, 70.0], "3 of 5 networks can't be told from the best; their"),
        ([90.0, 90.0, 90.1, 90.0, 90.0], "None of 5 networks can be told from the best"),
        ([90.0, 80.0, 80.0, 80.0, 80.0], "One of 5 networks is better than all others"),
    ],
)
def test_constants_are_as_sharp_as_the_seeds_tell(scores: list[float], text: str) -> None:
    jitter = (0.3, -0.2, 0.1, 0.25, -0.3)
    trials = [
        trial(at, top1, top1_by_seed=(top1 - each, top1 + each))
        for at, (top1, each) in enumerate(zip(scores, jitter, strict=True))
    ]
    summary = summarise_study(study(), trials)
    told = study_answer(trials, summary)
    assert text in told
    assert told.endswith(summary.verdict)
    assert ("alpha 1.10 to 1.14" in told) is (scores[3] < 90 and scores[1] == 90)


def test_too_few_networks_name_no_constants() -> None:
    trials = [trial(0, 90.0), trial(1, 91.0)]
    summary = summarise_study(study(), trials)
    assert study_answer(trials, summary) == summary.verdict
