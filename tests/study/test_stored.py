"""A study's trials come back from its folder as they were written."""

import json
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState, create_trial
from typer.testing import CliRunner

from tests.support.studies import options, study
from tests.support.sweeps import quiet, said
from workbench.cli import app
from workbench.errors import InputError
from workbench.report.commands import paper_figures, report
from workbench.scaling import PAPER
from workbench.shipped import in_checkout
from workbench.show.figures import Output
from workbench.study.report import write_study
from workbench.study.run import run_study
from workbench.study.space import Study
from workbench.study.stored import read_study
from workbench.study.summary import study_answer, summarise_study
from workbench.study.trials import Trial, read_trial

from .test_summary import trial


@pytest.fixture(scope="module")
def small() -> Study:
    return study()


def written(small: Study, folder: Path) -> list[Trial]:
    trials = [
        trial(0, 90.0, point=PAPER.each()),
        trial(1, 91.0, overrides=("depth=[1]",)),  # the best: written with its overrides
        trial(3, 89.0),
        trial(2, None, reason="off the growth"),
    ]
    write_study(folder, small, trials, summarise_study(small, trials))
    return trials


def test_trials_come_back(small: Study, tmp_path: Path) -> None:
    trials = written(small, tmp_path)
    found = read_study(tmp_path).trials
    assert list(found) == trials
    assert summarise_study(small, found).verdict == summarise_study(small, trials).verdict


@pytest.mark.slow
def test_its_figures_are_drawn_for_a_paper(small: Study, tmp_path: Path) -> None:
    written(small, tmp_path)
    found = paper_figures(tmp_path, Output(3.25, ("svg", "pdf")), quiet())
    names = [f"{stem}.{end}" for stem in ("map", "top1_macs") for end in ("svg", "pdf")]
    assert [path.relative_to(tmp_path) for path in found] == [Path("figures") / n for n in names]
    assert 'width="234pt"' in found[0].read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"exponents": "paper", "alpha": [1.1, 1.4], "top": 0.5}])
def test_a_report_of_its_folder_is_the_study_s_own(tmp_path: Path, more: dict[str, Any]) -> None:
    """Without its base, its images and Optuna's storage, and byte for byte."""
    made = study(**more)
    trials = written(made, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    console = quiet()
    assert report(tmp_path, console) == tmp_path / "study.json"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert summarise_study(made, trials).verdict in said(console)
    assert said(console).rstrip().endswith(f"7 files in {tmp_path}; open {tmp_path}/report.html")
    assert study_answer(trials, summarise_study(made, trials)) in said(console)
    told = CliRunner().invoke(app, ["report", str(tmp_path), "--json"]).stdout
    assert json.loads(told) == json.loads((tmp_path / "study.json").read_text())


@pytest.mark.slow
def test_a_study_that_was_killed_is_not_reported_as_an_ablation(tmp_path: Path) -> None:
    done = run_study(study(trials=1), tmp_path, options(), quiet())
    assert done.exit_code == 0
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="is of a study that has not come to its end"):
        report(tmp_path, quiet())  # `study` writes study.json last
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("trials", 0, "top1"), "high"), (("trials", 0, "top1"), -1e308),
        (("trials", 1, "top1_by_seed"), [float("nan")]), (("trials", 1, "growth"), 10**400),
        (("trials", 0, "macs"), {}), (("trials", 0, "number"), None), (("trials",), 3),
        (("trials", 0, "alpha"), 0.0), (("surface", "exponents", "resolution"), 2**64),
        (("surface", "growth"), "x"), (("space", "exponents"), [1]), (("summary", "best"), [3]),
    ],
    ids=lambda given: repr(given)[:30],
)  # fmt: skip
def test_a_value_that_no_study_has_is_one_line(
    tmp_path: Path, keys: tuple[str | int, ...], value: object
) -> None:
    document = json.loads(in_checkout("results/measured/scaling_study/study.json").read_text())
    here: Any = document
    for key in keys[:-1]:
        here = here[key]
    here[keys[-1]] = value
    (tmp_path / "study.json").write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        read_study(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "told",
    [{"top1": "high"}, {"alpha": None}, {"top1_by_seed": 3}, {"point": [1]}, {"growth": -1}],
    ids=str,
)
def test_a_trial_that_is_damaged_in_its_storage_is_named(told: dict[str, Any]) -> None:
    known = {"outcome": "pruned", "network": "depth=[1]", "top1": 50.0}
    whole = create_trial(state=TrialState.PRUNED, user_attrs=known)
    assert read_trial(whole).top1 == 50.0
    damaged = create_trial(state=TrialState.PRUNED, user_attrs={**known, **told})
    with pytest.raises(InputError, match="storage: trial -1 in it is damaged"):
        read_trial(damaged)


@pytest.mark.parametrize("text", [None, "{", "{}", "[" * 100_000])
def test_what_can_not_be_read_is_one_line(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "study.json").write_text(text)
    with pytest.raises(InputError, match=r"study: .*study\.json"):
        read_study(tmp_path)
