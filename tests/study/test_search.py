"""Studies without training: the file, the space, the search in its storages, the costs."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tests.support import studies
from workbench.errors import InputError
from workbench.scaling import PAPER
from workbench.study.cost_map import map_costs
from workbench.study.search import OpenTrial, Search
from workbench.study.space import Study
from workbench.study.storage import dashboard_argument, open_storage
from workbench.study.trials import Trial

SAMPLER = {"name": "tpe", "startup": 3, "population": 4, "side": 3}
SAMPLERS = ("tpe", "gp", "cmaes", "qmc", "nsga2", "grid")


def study(**changes: Any) -> Study:
    return studies.study(**{"sampler": SAMPLER, **changes})


@pytest.fixture(scope="module")
def small() -> Study:
    return study()


def journal(folder: Path) -> str:
    return f"journal:{folder / 'study.journal'}"


def worth(asked: OpenTrial) -> float:
    assert asked.candidate.scaled is not None
    return 60 + 2.0 * sum(asked.candidate.scaled.sizes.depth)


def play(search: Search, count: int, until: int | None = None) -> list[Trial]:
    """Ask and tell `count` times, or leave trial `until` running."""
    for _ in range(count):
        asked = search.ask()
        if asked is None or asked.number == until:
            break
        if asked.candidate.refused:
            search.tell(asked, "infeasible", reason=asked.candidate.refused)
        else:
            search.tell(asked, "completed", top1=worth(asked), top1_by_seed=[], throughput=1.0)
    return list(search.trials())


def facts(trials: list[Trial]) -> list[tuple[object, ...]]:
    return [(t.number, t.constants.each(), t.outcome, t.network, t.top1) for t in trials]


# ---------------------------------------------------------------- the space


def test_candidates_are_on_the_surface_and_refused_before_they_train(small: Study) -> None:
    found = [small.candidate(u / 8, v / 8) for u in range(9) for v in range(9)]
    for each in found:
        assert small.surface.contains(each.constants)
        assert each.scaled is not None
        assert (each.refused is None) is (abs(each.scaled.miss) <= 0.1)
    assert any(each.refused and "tolerance 10.0%" in each.refused for each in found)
    assert len({each.label for each in found}) < len(found)  # rounding makes some the same


@pytest.mark.parametrize("rounding", [{}, {"heads": "scale"}, {"head": "scale"}])
def test_a_name_is_of_one_network(rounding: dict[str, Any]) -> None:
    """Points that share a name share a result: the sizes of stem, head and heads are in it."""
    given = study(tolerance=0.5, rounding=rounding, set=["head=projection", "head.dim=40"])
    found = [given.candidate(u / 12, v / 12).scaled for u in range(13) for v in range(13)]
    networks = {(each.label, each.spec.model_copy(update={"name": ""})) for each in found if each}
    assert len(networks) == len({name for name, _ in networks}) > 5
    assert len(networks) == len({network for _, network in networks})


def test_candidate_that_can_not_be_built_says_why(small: Study) -> None:
    from workbench.scaling import Constants

    found = small.at(Constants(alpha=0.5, beta=1.3, gamma=1.1))
    assert found.scaled is None
    assert "alpha: 0.5 is refused" in (found.refused or "")


def test_points_are_moved_along_their_ray(small: Study) -> None:
    ((triple, depth, split),) = small.points()
    assert triple == PAPER.each()
    at = small.surface.at(depth, split)
    ratio = math.log(at.alpha) / math.log(at.beta)
    assert ratio == pytest.approx(math.log(1.2) / math.log(1.3), rel=1e-3)


def test_exponents_are_measured_unless_told() -> None:
    assert study(exponents="paper", tolerance=0.5).surface.exponents.each() == (1, 1.5, 2)
    assert study(exponents=[1, 2, 2]).surface.exponents.each() == (1, 2, 2)
    assert study().surface.exponents.dim == pytest.approx(1.7, abs=0.05)


def test_cost_map_tells_which_points_keep_the_growth(small: Study) -> None:
    found = map_costs(small, side=12)
    rows = list(found.rows())
    assert len(rows) == 144
    assert sum(row["feasible"] for row in rows) == len(found.feasible)
    for row in rows:
        assert row["feasible"] is (abs(row["growth"] / 2.5 - 1) <= 0.1)
    assert sum(found.counts().values()) == len(found.feasible)
    assert set(found.networks()) == {each.label for each in found.feasible}


# ---------------------------------------------------------------- bad input

BAD: list[tuple[dict[str, Any], str]] = [
    ({"alpha": [0.9, 2.0]}, r"alpha: 0\.9 is refused.*nearest: 1"),
    ({"beta": [1.5, 1.2]}, r"beta: \[1\.5, 1\.2\] is refused"),
    ({"gamma": [1.0, math.nan]}, "gamma: "),
    ({"points": [[1.2, 0.9, 1.1]]}, r"beta: 0\.9 is refused"),
    ({"points": [[1.2, math.inf, 1.1]]}, r"beta: inf is refused"),
    ({"points": [[1, 1, 1]]}, "has no direction"),
    ({"points": [[1.2, 1.3, 1.15]], "gamma": [1.0, 1.05]}, "gamma is out of its bounds"),
    ({"growth": 1.0}, r"growth: 1\.0 is refused: no point"),
    ({"alpha": [1, 1.1], "beta": [1, 1.1], "gamma": [1, 1.1]}, r"no point within.*nearest: 1\."),
    ({"phi": 0}, "phi: 0 is refused"),
    ({"phi": -3}, "phi: -3 is refused"),
    ({"phi": 30}, "phi: 30"),
    ({"tolerance": 0}, "tolerance: 0 is refused"),
    ({"tolerances": 1}, "unknown 'tolerances'; nearest: 'tolerance"),
    ({"seeds": []}, "seeds: it needs at least 1"),
    ({"seeds": [1, 1]}, "seeds: one of"),
    ({"trials": 0}, "trials: 0 is refused"),
    ({"objectives": ["top5"]}, r"objectives\.0: unknown 'top5'; nearest: 'top1'"),
    ({"objectives": ["macs"], "pruner": "median"}, "pruner: 'median' goes by top1"),
    ({"sampler": "tpee"}, r"sampler: unknown 'tpee'; nearest: 'tpe'"),
    ({"base": "cmt_digit"}, "nearest: 'cmt_digits"),
    ({"recipe": "digit"}, "nearest: 'digits"),
    ({"exponents": [1, -1, 2]}, "exponents"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[next(iter(bad[0])) for bad in BAD])
def test_bad_study_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        study(**changes)
    assert "\n" not in str(caught.value)


def test_tolerance_that_rounding_never_meets_names_the_nearest_that_it_does() -> None:
    coarse = {"set": {}, "rounding": {"depth": "nearest", "dim": "down"}, "alpha": [1, 1.2]}
    with pytest.raises(InputError, match=r"tolerance: 1e-06 can never be met") as caught:
        study(tolerance=1e-6, **coarse)
    nearest = float(str(caught.value).rpartition("nearest: ")[2])
    assert study(tolerance=nearest, **coarse).file.tolerance == nearest


def test_cmaes_and_several_objectives_are_refused(small: Study, tmp_path: Path) -> None:
    several = study(objectives=["top1", "macs"], sampler="cmaes")
    with pytest.raises(InputError, match="'cmaes' knows one objective only; choose from"):
        Search.open(several, journal(tmp_path))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("sqlite:////no/such/folder/study.db", "does not open: unable to open database file"),
        ("no url", "'no url' does not open"),
        ("oracle+nothing://user:secret@host/db", r"user:\*\*\*@host"),
        ("postgresql+nodriver://user:secret@host/db", r"user:\*\*\*@host"),
        ("journal:", "does not open: journal: needs a path"),
        ("journal:/proc/none/study.journal", "journal:/proc/none/study.journal does not open"),
    ],
)
def test_storage_that_does_not_open_is_one_line(where: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        open_storage(where)
    text = str(caught.value)
    assert text.startswith("storage: ")
    assert "secret" not in text
    assert "\n" not in text


def test_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.write_text("no database, however long it is" * 40)
    with pytest.raises(InputError, match="does not open: file is not a database"):
        open_storage(f"sqlite:///{path}")


@pytest.mark.slow
def test_same_name_with_another_space_is_refused_with_the_difference(
    small: Study, tmp_path: Path
) -> None:
    Search.open(small, journal(tmp_path)).close()
    for changes, shown in [
        ({"growth": 3.0}, "growth 2.5 -> 3.0"),
        ({"recipe": {"base": "digits", "epochs": 5}}, "recipe.epochs 4 -> 5"),
        ({"seeds": [0]}, r"seeds \[0, 1\] -> \[0\]"),
        ({"gamma": [1.0, 1.4]}, r"gamma None -> \[1\.0, 1\.4\]"),
        ({"set": {**studies.FILE["set"], "lpu": "none"}}, "base.stages.0.lpu dwconv -> none"),
        ({"objectives": ["top1", "macs"]}, r"objectives \['top1'\] -> \['top1', 'macs'\]"),
    ]:
        with pytest.raises(InputError, match=f"exists with another search space.*{shown}"):
            Search.open(study(**changes), journal(tmp_path))
    Search.open(study(trials=50, question="Why?"), journal(tmp_path)).close()  # these may change


@pytest.mark.slow
def test_study_of_someone_else_is_not_touched(small: Study, tmp_path: Path) -> None:
    foreign = optuna.create_study(
        study_name="digits", storage=open_storage(journal(tmp_path)), direction="maximize"
    )
    foreign.tell(foreign.ask(), 1.0)
    with pytest.raises(InputError, match="was not made by the workbench"):
        Search.open(small, journal(tmp_path))


# ---------------------------------------------------------------- the search


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_study_repeats_itself_and_a_cut_changes_nothing(sampler: str, tmp_path: Path) -> None:
    found = study(sampler={**SAMPLER, "name": sampler})
    with Search.open(found, journal(tmp_path / "whole")) as search:
        whole = facts(play(search, 14))
    with Search.open(found, journal(tmp_path / "again")) as search:
        assert facts(play(search, 14)) == whole
    with Search.open(found, journal(tmp_path / "cut")) as search:
        play(search, 8, until=7)  # number 7 is asked for, and the process is gone
    with Search.open(found, journal(tmp_path / "cut")) as search:
        assert facts(play(search, 7)) == whole
    assert len(whole) == (10 if sampler == "grid" else 14)  # 3 x 3 cells and the paper's point


def test_paper_comes_first_and_seeds_change_the_rest(small: Study, tmp_path: Path) -> None:
    with Search.open(small, journal(tmp_path / "0")) as search:
        first = play(search, 3)
    other = study(sampler={**SAMPLER, "seed": 1})
    with Search.open(other, journal(tmp_path / "1")) as search:
        second = play(search, 3)
    assert first[0].point == second[0].point == PAPER.each()
    assert facts(first)[0] == facts(second)[0]
    assert facts(first)[1] != facts(second)[1]


@pytest.mark.slow
def test_grid_covers_the_surface_once_and_ends(tmp_path: Path) -> None:
    found = study(sampler={"name": "grid", "side": 4})
    with Search.open(found, journal(tmp_path)) as search:
        trials = play(search, 99)
    at = {tuple(round(value, 6) for value in trial.constants.each()) for trial in trials[1:]}
    assert len(trials) == 17
    assert len(at) == 13  # a triangle: all cells at depth alone are one point


WHERE: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder}/study.db",
    "journal": journal,
}


@pytest.mark.parametrize("kind", WHERE)
def test_trial_that_a_killed_process_left_is_taken_up(
    small: Study, kind: str, tmp_path: Path
) -> None:
    where = WHERE[kind](tmp_path)
    search = Search.open(small, where)
    left = [search.ask(), search.ask()]
    assert [each.number for each in left if each] == [0, 1]
    with Search.open(small, where) as again:
        assert {trial.outcome for trial in again.trials()} == {"waiting"}
        taken = [again.ask(), again.ask(), again.ask()]
        assert [each.number for each in taken if each] == [0, 1, 2]
        for before, after in zip(left, taken, strict=False):
            assert before is not None
            assert after is not None
            assert after.candidate.constants == before.candidate.constants
            again.release(after)
    plain = optuna.load_study(study_name="digits", storage=open_storage(where))
    states = [trial.state for trial in plain.trials]
    assert states == [TrialState.WAITING, TrialState.WAITING, TrialState.RUNNING]


@pytest.mark.slow
def test_plain_optuna_reads_what_a_study_wrote(small: Study, tmp_path: Path) -> None:
    where = WHERE["sqlite"](tmp_path)
    with Search.open(small, where) as search:
        trials = play(search, 6)
    plain = optuna.load_study(study_name="digits", storage=where)
    assert [trial.number for trial in plain.trials] == [trial.number for trial in trials]
    best = max(trial.top1 for trial in trials if trial.top1 is not None)
    assert plain.best_value == best
    assert plain.best_trial.user_attrs["network"]
    for trial, ours in zip(plain.trials, trials, strict=True):
        expected = TrialState.COMPLETE if ours.outcome == "completed" else TrialState.PRUNED
        assert trial.state == expected
    assert dashboard_argument(where) == where
    assert dashboard_argument("journal:x/y") == "x/y"


@pytest.mark.slow
def test_sampler_that_learns_nothing_is_helped_out(tmp_path: Path) -> None:
    """GP sees completed trials only: without help it asks for one infeasible point for ever."""
    found = study(sampler={"name": "gp", "startup": 1}, tolerance=0.02)
    with Search.open(found, journal(tmp_path)) as search:
        for _ in range(12):
            asked = search.ask()
            assert asked is not None
            search.tell(asked, "infeasible", reason="none ever is")
        trials = search.trials()
    assert len({trial.constants.each() for trial in trials[6:]}) == 6


def test_report_prunes_only_where_it_is_on(tmp_path: Path) -> None:
    pruned = study(pruner={"name": "median", "startup": 1})
    several = study(pruner="median", objectives=["top1", "macs"])
    assert pruned.file.prunes
    assert not several.file.prunes
    with Search.open(pruned, journal(tmp_path)) as search:
        said = []
        for top1 in (90.0, 50.0):
            asked = search.ask()
            assert asked is not None
            said.append(search.report(asked, 0, top1))
            search.tell(asked, "completed", top1=top1, top1_by_seed=[], throughput=1.0)
    assert said == [False, True]
