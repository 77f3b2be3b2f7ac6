"""Trials before the seeds: what is run, what is chosen, what a second call does not run again."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import answered
from tests.support.checks import refused, trained_epochs
from tests.support.sweeps import PATH, options, plan, preview, quiet, said
from workbench.config import Outcome
from workbench.plans.resolution import Plan
from workbench.report import commands
from workbench.runs.exchange.shard import Shard
from workbench.runs.folder import LEDGER
from workbench.runs.ledger import Ledger
from workbench.runs.results import load_sweep
from workbench.runs.rows import REUSED
from workbench.runs.sweep import run_sweep
from workbench.tuning.stage import trial_count, tune, tuned, tuned_before

RATES = [0.001, 0.002, 0.004]
TUNE: dict[str, Any] = {"recipe.optimiser.lr": RATES, "trials": 3, "on": "validation", "seeds": 1}


def tuning(**fields: Any) -> Plan:
    return plan(seeds=[0, 1], tune=TUNE, **fields)


def chosen(found: Plan | None) -> dict[str, str | None]:
    assert found is not None
    return {row.name: row.tuned for row in found.variants}


BEST = {"small": "lr=0.002", "large": "lr=0.004 (edge)", "+ LPU": "lr=0.004 (edge)"}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a plan that was tuned and run by the command."""
    top = tmp_path_factory.mktemp("tuned")
    (top / "path.json").write_text(json.dumps({**PATH, "tune": TUNE}))
    (top / "path.yaml").write_text((top / "path.json").read_text())
    asked = answered("rated_answering", jobs=1)
    done = commands.ablate(top / "path.yaml", results=top, options=asked, console=quiet())
    assert done.exit_code == 0
    return top


def test_every_row_is_tried_and_then_run_at_its_own_best(swept: Path) -> None:
    sweep = load_sweep(swept / "path")
    assert chosen(sweep.plan) == BEST
    rates = {(run.variant, run.recipe.optimiser.lr) for run in sweep.runs}
    assert rates == {("small", 0.002), ("large", 0.004), ("+ LPU", 0.004)}
    trials = load_sweep(swept / "path" / "tuning")
    assert len(trials.runs) == 9
    assert {run.recipe.data.validation for run in (*trials.runs, *sweep.runs)} == {0.1}


def test_a_trial_at_the_chosen_value_is_not_trained_again(swept: Path) -> None:
    runs = load_sweep(swept / "path").runs
    assert {run.seed: REUSED in run.host for run in runs} == {0: True, 1: False}
    assert len({run.id for run in runs if run.seed == 0}) == 3


def test_the_report_shows_what_was_chosen_and_whether_the_order_depends_on_it(swept: Path) -> None:
    table = json.loads((swept / "path" / "table.json").read_text())
    assert [row["tuned"] for row in table["rows"]] == list(BEST.values())
    assert "The order of the rows does not depend on tuning" in table["answer"]
    assert "at the edge of what was tried" in table["answer"]
    assert "a wider range may hold better ones: large; + LPU." in table["answer"]
    assert "the best setting of any row can't be told" in table["answer"]
    notes = (swept / "path" / "table.md").read_text()
    assert "adamw, weight decay 0.05, cosine schedule; the lr of each row is what was" in notes
    assert "learning rate 0.001" not in notes
    trials = json.loads((swept / "path" / "tuning.json").read_text())["rows"]
    assert [row["chosen"] for row in trials[:3]] == [False, True, False]
    assert (swept / "path" / "tuning.svg").exists()


def test_the_same_again_trains_nothing_also_without_the_trials(swept: Path) -> None:
    found = load_sweep(swept / "path").plan
    untuned = tuning()
    assert tuned_before(untuned, swept / "path").runs() == found.runs()
    stage = tune(untuned, swept / "path", options("no_such_fit"), quiet())
    assert (stage.trials, stage.plan) == (None, found)


def test_the_dry_run_counts_the_trials(swept: Path, tmp_path: Path) -> None:
    asked = options("rated", jobs=1)
    fresh, found = preview(swept / "path.yaml", results=tmp_path, options=asked)
    assert sum(trial_count(fresh, row) for row in fresh.variants) == 9
    assert found.tuning is not None
    assert found.sweep is not None
    assert found.tuning == pytest.approx(1.5 * found.sweep)  # nine runs to six
    one = preview(swept / "path.yaml", results=tmp_path, options=replace(asked, only=("small",)))
    assert one[1].note is not None
    assert one[1].note.endswith("the others are tuned as well, which is not counted.")
    done, left = preview(swept / "path.yaml", results=swept, options=asked)
    assert sum(trial_count(done, row) for row in done.variants) == 0
    assert left.tuning == 0


def test_trials_that_were_cut_off_go_on(tmp_path: Path) -> None:
    found = tuning()
    first = tune(found, tmp_path, options("raising", jobs=1), quiet())
    assert first.plan is None
    assert first.trials is not None
    assert first.trials.exit_code == 1
    console = quiet()
    again = tune(found, tmp_path, options("rated", jobs=1), console)
    assert "Tuning: 9 trials on validation images." in said(console)
    assert chosen(again.plan) == BEST


SPAN = {"recipe.optimiser.lr": {"low": 0.0005, "high": 0.008, "log": True}, "sampler": "tpe"}


@pytest.mark.slow
@pytest.mark.parametrize("asked", [TUNE, {"trials": 3, **SPAN}], ids=["grid", "sampler"])
def test_trials_killed_outright_go_on_as_if_they_had_not_been(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    """The sampler goes on from the scores that are known, and no trial is trained twice."""
    found, cut = plan(seeds=[0, 1], tune=asked), tmp_path / "cut"
    plain = tune(found, tmp_path / "plain", options("rated", jobs=1), quiet()).plan
    assert killed(lambda: tune(found, cut, options("killed", jobs=1), quiet()))
    with Ledger.read(cut / "tuning" / LEDGER) as ledger:
        before = {run.id: run for run in ledger.runs() if run.final}
    assert len(before) == 4
    resumed = tune(found, cut, options("rated", jobs=1), quiet())
    assert resumed.plan == plain
    assert resumed.trials is not None
    after = {run.id: run for run in resumed.trials.runs}
    assert {run: after[run] for run in before} == before
    assert list(trained_epochs(cut / "tuning").values()) == [["0", "1", "2"]] * 9


def killed(work: Callable[[], object]) -> bool:
    """Whether a copy of this process that does `work` was killed outright."""
    child = os.fork()
    if not child:
        with suppress(BaseException):
            work()
        os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def test_a_row_that_diverges_everywhere_is_infeasible(tmp_path: Path) -> None:
    asked = {**TUNE, "recipe.optimiser.lr": [0.1, 0.002], "trials": 2}
    found = plan(seeds=[0], tune=asked, rows=[PATH["rows"][0]])
    whole = tune(found, tmp_path, options("rated", jobs=1), quiet()).plan
    assert chosen(whole) == {"small": "lr=0.002 (edge)"}
    assert whole is not None
    assert whole.tuning is not None
    lost = whole.tuning.model_copy(update={"tried": whole.tuning.tried[:1]})
    hopeless = tuned(found, lost)
    assert hopeless.variants[0].infeasible == "it diverged at each of its trials"
    done = run_sweep(hopeless, tmp_path / "x", options("rated", jobs=1), quiet())
    assert [run.outcome for run in done.runs] == [Outcome.INFEASIBLE]


def test_a_sampler_asks_one_by_one_and_a_second_call_asks_the_same(tmp_path: Path) -> None:
    span = {"low": 0.0005, "high": 0.008, "log": True}
    asked = {"recipe.optimiser.lr": span, "trials": 3, "sampler": "tpe"}
    found = plan(seeds=[0], tune=asked, rows=[PATH["rows"][0]])
    first = tune(found, tmp_path, options("rated", jobs=1), quiet())
    again = tune(found, tmp_path, options("no_such_fit", jobs=1), quiet())
    assert first.plan == again.plan
    assert first.plan is not None
    assert first.plan.tuning is not None
    rates = [dict(each.setting)["optimiser.lr"] for each in first.plan.tuning.tried]
    assert len(set(rates)) == 3
    assert all(0.0005 <= float(rate) <= 0.008 for rate in rates)


def test_another_request_under_the_same_name_is_refused(swept: Path) -> None:
    other = plan(seeds=[0, 1], tune={**TUNE, "recipe.optimiser.lr": [0.001, 0.008, 0.004]})
    refused(lambda: tune(other, swept / "path", options("rated"), quiet()), "tune: space")


def test_a_new_row_is_tuned_beside_finished_ones(swept: Path, tmp_path: Path) -> None:
    rows = [*PATH["rows"], {"name": "more", "set": {"dim": 12}}]
    stage = tune(
        tuning(rows=rows), swept / "path", replace(options("rated", jobs=1), extend=True), quiet()
    )
    assert chosen(stage.plan) == BEST | {"more": "lr=0.002"}


def test_a_plan_that_tunes_is_not_shared(swept: Path) -> None:
    asked = replace(options("rated"), shard=Shard(1, 2))
    refused(
        lambda: commands.ablate(swept / "path.yaml", results=swept, options=asked, console=quiet()),
        "tune: a plan with tune can't be shared",
    )
