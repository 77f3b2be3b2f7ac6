"""What a study is told to have found, its files, and its commands."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.support.studies import FILE, options, study
from tests.support.sweeps import quiet, said
from workbench.engine import LOCAL
from workbench.errors import InputError
from workbench.plain_yaml import write_yaml
from workbench.scaling import PAPER, Constants
from workbench.shipped import PLANS
from workbench.show.again import RepeatedCommand
from workbench.study import commands as studies
from workbench.study.commands import StudyChanges, cost_only, load_study, study_command
from workbench.study.report import study_view, write_study
from workbench.study.space import Study
from workbench.study.summary import measure_noise, pareto_front, summarise_study, verdict
from workbench.study.trials import Trial


@pytest.fixture(scope="module")
def small() -> Study:
    return study()


def trial(number: int, top1: float | None, **changes: object) -> Trial:
    by_seed = () if top1 is None else (top1 - 0.1, top1 + 0.1)
    made = Trial(
        number=number, constants=Constants(alpha=1.1 + number / 50, beta=1.3, gamma=1.1),
        outcome="infeasible" if top1 is None else "completed", reason=None,
        network=f"network {number}", same_as=None, overrides=(), macs=1000 + number,
        params=10, growth=2.5, top1=top1, top1_by_seed=by_seed, throughput=5.0, point=None,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


PAPERS = PAPER.each()


# ---------------------------------------------------------------- noise and verdict


def test_noise_is_what_networks_and_seeds_leave() -> None:
    """Simulated: effects of networks and seeds of any size do not enter, and sd is found."""
    random = np.random.default_rng(0)
    table = 90 + random.normal(0, 3, (300, 1)) + random.normal(0, 3, (1, 4))
    noise = measure_noise((table + random.normal(0, 0.5, (300, 4))).tolist())
    assert noise is not None
    assert noise.sd == pytest.approx(0.5, rel=0.05)
    assert (noise.networks, noise.seeds) == (300, 4)


def test_difference_is_tukeys() -> None:
    rows = [[90.0, 90.4], [91.0, 91.2], [90.2, 90.9]]
    noise = measure_noise(rows)
    assert noise is not None
    steps = np.diff(np.array(rows))[:, 0]  # with two seeds, the residuals are these, halved
    sd = math.sqrt(((steps - steps.mean()) ** 2).sum() / 2 / 2)
    assert noise.sd == pytest.approx(sd)
    assert noise.difference == pytest.approx(
        stats.studentized_range.ppf(0.95, 3, 2) * sd / math.sqrt(2)
    )


@pytest.mark.parametrize("rows", [[], [[90.0, 91.0]], [[90.0], [91.0]]])
def test_noise_of_one_network_or_one_seed_is_unknown(rows: list[list[float]]) -> None:
    assert measure_noise(rows) is None


def test_verdict_says_whether_the_paper_is_within_the_noise() -> None:
    rows = [trial(0, 90.0, point=PAPERS), trial(1, 90.4, top1_by_seed=(90.2, 90.6)), trial(2, 89.0)]
    noise = measure_noise([each.top1_by_seed for each in rows])
    assert noise is not None
    best = max(rows, key=lambda each: each.top1 or 0)
    near = verdict(rows[0], best, replace(noise, difference=0.5), 5)
    far = verdict(rows[0], best, replace(noise, difference=0.3), 5)
    assert "(1.2, 1.3, 1.15) can't be told from the best: 90.00 % against 90.40 %" in near
    assert "is worse than the best" in far
    assert "is the best network" in verdict(rows[1], best, noise, 5)
    assert "was not tried" in verdict(None, best, noise, 5)
    missed = replace(trial(0, None), reason="MACs grow 3 times")
    assert "can't be judged: infeasible: MACs grow 3 times" in verdict(missed, best, noise, 5)


@pytest.mark.parametrize(
    ("networks", "seeds", "why"),
    [
        (1, 1, "1 network is too few to call one best, and one seed gives no verdict."),
        (4, 2, "4 networks are too few to call one best."),
        (9, 1, "one seed gives no verdict."),
    ],
)
def test_nothing_is_called_best_of_few_networks_or_by_one_seed(
    small: Study, networks: int, seeds: int, why: str
) -> None:
    trials = [
        trial(n, 80.0 + n, point=None if n else PAPERS, top1_by_seed=(80.0 + n, 80.1)[:seeds])
        for n in range(networks)
    ]
    found = summarise_study(small, trials)
    assert found.verdict == f"The paper's choice (1.2, 1.3, 1.15): top-1 80.00 %; {why}"
    assert found.leader == "highest top-1"
    console = quiet()
    console.print(study_view(small, trials, found))
    assert "best" not in said(console).replace("call one best", "")
    assert ("mean of the top" in said(console)) is (networks >= 5)


# ---------------------------------------------------------------- the summary


def test_best_spread_and_counts(small: Study) -> None:
    same = trial(40, 99.0, same_as=19, network="network 19", constants=trial(0, 1.0).constants)
    trials = [*(trial(number, 80.0 + number) for number in range(20)), trial(30, None), same]
    found = summarise_study(small, trials)
    assert found.outcomes == {"completed": 21, "infeasible": 1}
    assert found.networks == 20
    assert found.best is not None
    assert found.best.number == 19
    assert found.top == (19, 18, 17, 16, 15)  # a network counts once, whatever rounds to it
    spread = found.spread["alpha"]
    assert (spread.low, spread.high) == pytest.approx((1.4, 1.48))
    assert spread.best == pytest.approx(1.48)
    assert found.spread["beta"].sd == 0


def test_importance_goes_to_the_constant_that_matters(small: Study) -> None:
    found = summarise_study(small, [trial(number, 80.0 + number) for number in range(20)])
    assert found.importance["alpha"] == pytest.approx(1.0)
    assert sum(found.importance.values()) == pytest.approx(1.0)
    alike = summarise_study(small, [trial(number, 80.0) for number in range(20)])
    assert alike.importance == {}


def test_study_without_a_completed_trial_is_summed_up(small: Study) -> None:
    found = summarise_study(small, [trial(0, None, point=PAPERS)])
    assert found.best is None
    assert found.front == ()
    assert "can't be judged" in found.verdict


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), min_size=1, max_size=12))
def test_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    trials = [trial(i, float(top1), macs=macs) for i, (top1, macs) in enumerate(points)]
    front = set(pareto_front(trials, ("top1", "macs")))
    for index, (top1, macs) in enumerate(points):
        beaten = any(t >= top1 and m <= macs and (t, m) != (top1, macs) for t, m in points)
        assert (index not in front) is beaten


def test_pruning_that_is_off_is_said_to_be() -> None:
    several = study(objectives=["top1", "macs"], pruner="hyperband")
    notes = " ".join(summarise_study(several, []).notes)
    assert "Pruning (hyperband) is off: there are several objectives." in notes
    one = study(pruner="hyperband")
    assert "Pruning: hyperband" in " ".join(summarise_study(one, []).notes)


# ---------------------------------------------------------------- files and commands


@pytest.mark.slow
def test_files_hold_every_trial_unrounded(small: Study, tmp_path: Path) -> None:
    top1 = [80 + number / 7 for number in range(6)]
    trials = [trial(0, top1[0], point=PAPERS), *(trial(n, top1[n]) for n in range(1, 6))]
    trials += [trial(9, None)]
    summary = summarise_study(small, trials)
    written = write_study(tmp_path, small, trials, summary)
    assert {path.name for path in written} == {
        "report.html",
        "study.json", "trials.csv", "map.svg", "map.png", "top1_macs.svg", "top1_macs.png",
    }  # fmt: skip
    data = json.loads((tmp_path / "study.json").read_text())
    assert [each["top1"] for each in data["trials"]] == [*top1, None]
    assert data["summary"]["verdict"] == summary.verdict
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[3]["top1"]) == top1[3]
    assert rows[-1]["outcome"] == "infeasible"
    svg = (tmp_path / "map.svg").read_bytes()
    write_study(tmp_path, small, trials, summary)
    assert (tmp_path / "map.svg").read_bytes() == svg


def test_view_fits_what_it_says(small: Study) -> None:
    trials = [trial(number, 80.0 + number) for number in range(6)]
    console = quiet()
    summary = summarise_study(small, trials)
    console.print(study_view(small, trials, summary))
    text = said(console)
    assert "6 points (6 completed), 6 networks trained" in text
    assert "mean of the top 5 networks" in text
    assert summary.verdict in text


@pytest.mark.slow
def test_study_command_runs_writes_and_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write_file(tmp_path)
    console, again = quiet(), RepeatedCommand(("study",), path, {"torch": "2"})
    done, summary = studies.study(
        path,
        results=tmp_path / "results",
        changes=StudyChanges(name="mine", trials=3, settings=("recipe.epochs=2",)),
        options=options(),
        console=console,
        again=again,
    )
    assert done.exit_code == 0
    assert summary.networks == 3
    assert (tmp_path / "results" / "mine" / "study.json").exists()
    text = said(console)
    assert "To look into it: optuna-dashboard sqlite:///" in text
    assert "The paper's choice" in text
    environment = json.loads((done.folder / "environment.json").read_text())
    assert "--set recipe.epochs=2 --name mine --trials 3 --results" in environment["command"]
    second = quiet()
    assert again.print(second) == done.folder  # the same at once, with nothing read or drawn
    first, *rest = said(second).splitlines()
    assert first == "All 6 runs are done; nothing to train."
    assert text.splitlines()[-len(rest) :] == rest


def write_file(folder: Path) -> Path:
    path = folder / "study.yaml"
    path.write_text(write_yaml(FILE))
    return path


@pytest.mark.slow
def test_cost_only_trains_nothing(tmp_path: Path) -> None:
    console = quiet()
    found = cost_only(write_file(tmp_path), results=tmp_path / "results", console=console)
    folder = tmp_path / "results" / "digits"
    assert {path.name for path in folder.iterdir()} == {
        "cost_map.csv", "cost_map.svg", "cost_map.png",
    }  # fmt: skip
    with (folder / "cost_map.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(found.candidates) == 3600
    assert "3600 points" in said(console)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "not a study"),
        ("name: x", "base: missing"),
        (
            "name: x\nbase: cmt_s\nrecipe: digits\ntrial: 3",
            "line 4, column 1: .*unknown 'trial'; nearest: 'trials",
        ),
        ("name: x\nbase: cmt_s\nrecipe: digits\nimport: no_such_module", "no module 'no_such_m"),
        ("name: [", "line 1"),
    ],
)
def test_bad_file_is_one_line_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_set_is_for_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a study takes recipe"):
        load_study(write_file(tmp_path), StudyChanges(settings=("lpu=none",)))


@pytest.mark.parametrize("name", ["measured", "published"])
def test_results_that_ship_are_not_written_over(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"name: '{name}' is refused"):
        load_study(write_file(tmp_path), StudyChanges(name=name))


def test_module_on_the_command_line_may_have_the_mixer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_study_module.py").write_text("LOADED = True")
    found = load_study(write_file(tmp_path), StudyChanges(imports=("my_study_module",)))
    assert [module.name for module in found.imports] == ["my_study_module"]
    assert found.document() == load_study(write_file(tmp_path)).document()


def test_command_hides_a_password() -> None:
    url = "postgresql://user:secret@host/db"
    given = options(storage=url, ledger=url, jobs=2)
    assert study_command("x.yaml", "results", StudyChanges(), given) == (
        "workbench study x.yaml --storage 'postgresql://user:***@host/db' --device cpu --jobs 2 "
        "--ledger 'postgresql://user:***@host/db' --engine inline"
    )


def test_command_has_what_was_asked_for_beside_the_file() -> None:
    changes = StudyChanges("n", 3, ("recipe.epochs=2",), ("mine",))
    given = options(loggers=("csv", "tensorboard"), device="auto", jobs=None, where=LOCAL)
    assert study_command("x", "results", changes, given) == (
        "workbench study x --set recipe.epochs=2 --import mine --name n --trials 3 "
        "--logger csv --logger tensorboard"
    )


@pytest.mark.slow
def test_shipped_study_resolves_and_tries_the_paper_first() -> None:
    found = load_study("scaling_study")
    assert found.file.trials >= 30
    assert len(found.file.seeds) >= 2
    ((triple, depth, split),) = found.points()
    assert triple == PAPERS
    assert found.candidate(depth, split).refused is None
    text = (PLANS / "scaling_study.yaml").read_text()
    assert "workbench study scaling_study" in text
    assert "Budget" in text
