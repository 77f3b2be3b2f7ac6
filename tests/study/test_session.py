"""A study through an engine and the ledger: each network once, nothing lost, ends as outcomes."""

import json
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tests.support import inline, study_fits
from tests.support import studies as standins
from tests.support.checks import start, trained_epochs
from tests.support.studies import options, run, study
from tests.support.sweeps import quiet, said
from workbench.config import Outcome, Result, RunConfig
from workbench.engine import LOCAL
from workbench.errors import InputError
from workbench.runs.folder import LEDGER
from workbench.runs.ledger import Ledger
from workbench.runs.results import load_sweep
from workbench.study.run import StudyResult, run_study
from workbench.study.trials import Trial

pytestmark = pytest.mark.slow  # databases are written with every trial


def facts(done: StudyResult) -> list[tuple[object, ...]]:
    return [(t.number, t.constants.each(), t.outcome, t.top1, t.same_as) for t in done.trials]


def states(folder: Path) -> Counter[TrialState]:
    plain = optuna.load_study(study_name="digits", storage=f"sqlite:///{folder}/study.db")
    return Counter(trial.state for trial in plain.trials)


def by_network(trials: tuple[Trial, ...]) -> dict[str, list[Trial]]:
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.outcome == "completed":
            groups.setdefault(trial.network or "", []).append(trial)
    return groups


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """A study that was not cut short; its folder is not for writing."""
    return run(tmp_path_factory.mktemp("plain") / "digits", command="workbench study digits")


@pytest.fixture
def copied(plain: StudyResult, tmp_path: Path) -> Path:
    """A copy of its folder."""
    return Path(shutil.copytree(plain.folder, tmp_path / "copied"))


# ---------------------------------------------------------------- what is trained


def test_each_network_trains_once_with_every_seed(tmp_path: Path) -> None:
    done = run(tmp_path, study_=study(trials=10))
    groups = by_network(done.trials)
    assert len(groups) == 10
    assert any(len(trials) > 1 for trials in groups.values())  # rounding made some the same
    for trials in groups.values():
        first, *others = trials
        assert first.same_as is None
        assert all(other.same_as == first.number for other in others)
        assert {trial.top1 for trial in trials} == {first.top1}
        low, high = first.top1_by_seed
        assert high - low == 0.25  # the stand-in's, for a seed
        assert first.top1 == (low + high) / 2
    with Ledger.read(tmp_path / LEDGER) as ledger:
        runs = ledger.runs()
    assert Counter(run.variant for run in runs) == dict.fromkeys(groups, 2)
    assert {run.status for run in runs} == {"completed"}
    assert set(map(tuple, trained_epochs(tmp_path).values())) == {("0", "1", "2", "3")}


def test_infeasible_points_are_told_and_never_reach_the_ledger(tmp_path: Path) -> None:
    done = run(tmp_path, study_=study(tolerance=0.04, trials=5))
    missed = [trial for trial in done.trials if trial.outcome == "infeasible"]
    assert missed
    assert all("tolerance 4.0%" in (trial.reason or "") for trial in missed)
    with Ledger.read(tmp_path / LEDGER) as ledger:
        assert {run.variant for run in ledger.runs()}.isdisjoint(trial.network for trial in missed)


def test_done_is_done_and_more_trials_go_on(plain: StudyResult, copied: Path) -> None:
    again = run(copied)
    assert facts(again) == facts(plain)
    assert len(trained_epochs(copied)) == 12
    more = run(copied, study_=study(trials=8))
    assert facts(more)[: len(plain.trials)] == facts(plain)
    assert len(by_network(more.trials)) == 8


def test_sequential_study_repeats_itself(plain: StudyResult, tmp_path: Path) -> None:
    assert facts(run(tmp_path)) == facts(plain)


def test_grid_that_is_used_up_ends_and_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, study_=study(sampler={"name": "grid", "side": 3}, trials=50))
    assert done.short is not None
    assert "of 50 networks: the whole grid gave no more" in done.short
    assert done.exit_code == 0


def test_points_that_give_no_more_networks_end_at_the_limit(tmp_path: Path) -> None:
    done = run(tmp_path, study_=study(trials=50, most_asked=4))
    assert len(done.trials) == 4
    assert "4 points gave no more" in (done.short or "")


def test_results_folder_is_that_of_an_ablation(plain: StudyResult, copied: Path) -> None:
    sweep = load_sweep(copied)
    assert len(sweep.runs) == 12
    (copied / LEDGER).unlink()
    exported = load_sweep(copied)
    assert [run.id for run in exported.runs] == [run.id for run in sweep.runs]
    assert sweep.environment["command"] == "workbench study digits"
    assert plain.dashboard == f"optuna-dashboard sqlite:///{plain.folder}/study.db"


def test_folder_is_described_before_anything_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the command that repeats it is there after a kill."""
    real, rows = study_fits.quick, []

    def looking(run: RunConfig, *given: Any) -> Result:
        command = json.loads((tmp_path / "environment.json").read_text())["command"]
        assert command == "workbench study digits"
        plan = json.loads((tmp_path / "plan.json").read_text())
        rows.append([variant["name"] for variant in plan["variants"]])
        assert run.variant in rows[-1]
        return real(run, *given)

    monkeypatch.setattr(study_fits, "quick", looking)
    run(tmp_path, command="workbench study digits", study_=study(trials=3))
    assert [len(names) for names in rows] == [1, 1, 2, 2, 3, 3]


def test_each_run_has_the_host_that_its_worker_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline.Inline, "host", {"host": "node7", "cores": 96})
    run(tmp_path, study_=study(trials=1))
    hosts = [found.host for found in load_sweep(tmp_path).runs]
    assert {(host["host"], host["cores"]) for host in hosts} == {("node7", 96)}
    assert {host["engine"] for host in hosts} == {"inline"}


def test_progress_counts_runs_and_says_what_is_left(tmp_path: Path) -> None:
    console = quiet()
    run_study(study(trials=2), tmp_path, options(), console)
    lines = said(console).splitlines()
    ends = [line.partition(" ")[0] for line in lines if ": completed top-1" in line]
    assert ends == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert sum(line.startswith("trial ") for line in lines) == 2
    again = quiet()
    run_study(study(trials=2), tmp_path, options(), again)
    assert "All 4 runs are done; nothing to train." in said(again)


def test_unknown_logger_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="logger: unknown 'csw'"):
        run(tmp_path / "x", loggers=("csw",))
    assert not (tmp_path / "x").exists()


def test_several_objectives_are_told_and_nothing_is_pruned(tmp_path: Path) -> None:
    several = study(objectives=["top1", "macs", "throughput"], pruner="median")
    done = run(tmp_path, study_=several)
    plain = optuna.load_study(study_name="digits", storage=f"sqlite:///{tmp_path}/study.db")
    told = {trial.number: trial.values for trial in plain.trials if trial.values}
    for trial in done.trials:
        if trial.outcome == "completed":
            assert told[trial.number] == [trial.top1, trial.macs, trial.throughput]
    assert "pruned" not in {trial.outcome for trial in done.trials}


# ---------------------------------------------------------------- ends


def test_pruned_trials_stop_early_and_spare_the_other_seeds(tmp_path: Path) -> None:
    pruning = study(pruner={"name": "median", "startup": 2, "warmup": 1}, trials=10)
    done = run(tmp_path, study_=pruning)
    pruned = [trial for trial in done.trials if trial.outcome == "pruned" and trial.trained]
    assert pruned
    assert all((trial.reason or "").startswith("median: top-1 ") for trial in pruned)
    with Ledger.read(tmp_path / LEDGER) as ledger:
        runs = {(run.variant, run.seed): run for run in ledger.runs()}
    for trial in pruned:
        first, second = (runs[trial.network or "", seed] for seed in (0, 1))
        assert (first.status, second.status) == ("pruned", "pruned")
        assert second.started is None
        assert second.reason == "another seed: pruned"
    assert len([t for t in done.trials if t.trained]) == 10
    assert facts(run(tmp_path / "again", study_=pruning)) == facts(done)


def test_trials_are_judged_and_pruned_on_validation_images(tmp_path: Path) -> None:
    pruning = study(pruner={"name": "median", "startup": 2, "warmup": 1})
    plain = facts(run(tmp_path / "plain", study_=pruning))
    assert "pruned" in {outcome for _, _, outcome, *_ in plain}
    assert facts(run(tmp_path / "split", "validated", pruning)) == plain
    (tmp_path / "split" / "study.db").unlink()
    assert facts(run(tmp_path / "split", "validated", pruning)) == plain
    for found in load_sweep(tmp_path / "split").records():
        if found.outcome is Outcome.COMPLETED:
            assert [epoch.top1 for epoch in found.curve] == [None] * 4
            assert found.top1 is not None
            assert found.top1 < 50


def test_divergence_is_a_result_and_failure_is_tried_again(tmp_path: Path) -> None:
    wide = study(trials=8, points=[[1.2, 1.3, 1.15], [1.0, 1.6, 1.0], [2.5, 1.02, 1.0]])
    first = run(tmp_path, "mixed", wide)
    outcomes = Counter(trial.outcome for trial in first.trials)
    assert outcomes["diverged"] >= 1
    assert first.failed >= 1
    assert first.exit_code == 1
    assert states(tmp_path)[TrialState.RUNNING] == 0
    assert states(tmp_path)[TrialState.WAITING] >= first.failed
    (tmp_path / "runs" / "mended").touch()
    second = run(tmp_path, "mixed", wide)
    assert second.failed == 0
    assert second.exit_code == 0
    assert not [trial for trial in second.trials if trial.outcome == "waiting"]
    assert sum(trial.trained for trial in second.trials) == 8
    diverged = [trial for trial in second.trials if trial.outcome == "diverged"]
    assert all(trial.reason == "loss is nan" and trial.top1 is None for trial in diverged)


def test_search_without_its_storage_takes_the_runs_of_the_ledger(
    plain: StudyResult, copied: Path
) -> None:
    (copied / "study.db").unlink()
    again = run(copied)
    assert facts(again) == facts(plain)
    assert len(trained_epochs(copied)) == 12


def test_ledger_of_another_training_is_refused(copied: Path) -> None:
    (copied / "study.db").unlink()
    longer = study(recipe={"base": "digits", "epochs": 5})
    with pytest.raises(InputError, match=r"recipe: epochs 4 -> 5"):
        run(copied, study_=longer)


def test_two_studies_can_not_share_a_folder(tmp_path: Path) -> None:
    from workbench.runs.folder import locked

    with locked(tmp_path), pytest.raises(InputError, match="in use by another sweep"):
        run(tmp_path)


# ---------------------------------------------------------------- processes


def test_jobs_train_the_same_networks_to_the_same_top1(plain: StudyResult, tmp_path: Path) -> None:
    """Two seeds on two workers: one trial at a time, so that even the points are the same."""
    two = run(tmp_path / "2", jobs=2, where=LOCAL)
    assert facts(two) == facts(plain)
    four = run(tmp_path / "4", jobs=4, where=LOCAL)
    assert len(by_network(four.trials)) == 6
    assert states(tmp_path / "4")[TrialState.RUNNING] == 0


SCRIPT = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from {inline} import with_inline
from {module} import run

with with_inline():
    run(Path({folder!r}), "killed")
"""


def test_study_killed_outright_loses_nothing_and_ends_as_if_it_had_not_been(
    plain: StudyResult, tmp_path: Path
) -> None:
    folder = tmp_path / "cut"
    names = {"inline": inline.__name__, "module": standins.__name__}
    script = SCRIPT.format(path=sys.path, folder=str(folder), **names)
    process = start(script, folder, epoch_seconds=0)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, output
    assert sum(len(each) == 4 for each in trained_epochs(folder).values()) == 5
    copy = tmp_path / "as_left"
    shutil.copytree(folder, copy)
    assert states(copy)[TrialState.RUNNING] >= 1
    console = quiet()
    resumed = run_study(study(), folder, options(), console)
    assert facts(resumed) == facts(plain)
    assert states(folder)[TrialState.RUNNING] == states(folder)[TrialState.WAITING] == 0
    assert list(trained_epochs(folder).values()) == [["0", "1", "2", "3"]] * 12
    assert "[6/6]" in said(console)


def test_ctrl_c_leaves_nothing_running_and_says_how_to_go_on(
    plain: StudyResult, tmp_path: Path
) -> None:
    """That no process is left is for `tests/runs/test_endings.py`, with the same recording."""
    console = quiet()
    command = "workbench study digits"
    done = run_study(study(), tmp_path, options("interrupted", command=command), console)
    assert done.exit_code == 130
    assert "give the same command again: workbench study digits" in said(console)
    assert states(tmp_path)[TrialState.RUNNING] == 0
    with Ledger.read(tmp_path / LEDGER) as ledger:
        assert Outcome.INTERRUPTED in {run.outcome for run in ledger.runs()}
    assert facts(run(tmp_path)) == facts(plain)
    assert list(trained_epochs(tmp_path).values()) == [["0", "1", "2", "3"]] * 12


def test_storage_is_one_file_that_sqlite_reads(copied: Path) -> None:
    with sqlite3.connect(copied / "study.db") as connection:
        (name,) = connection.execute("SELECT study_name FROM studies").fetchone()
        stored = dict(connection.execute("SELECT key, value_json FROM study_user_attributes"))
    assert name == "digits"
    assert json.loads(stored["space"])["growth"] == 2.5
