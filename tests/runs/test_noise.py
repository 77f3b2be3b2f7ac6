"""`--noise-from`: earlier runs of the same recipe tell of the noise, and of nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support import sweeps
from tests.support.sweeps import small_zoo  # noqa: F401
from tests.support.written import by_ability, write_results
from workbench.config import RunConfig
from workbench.errors import InputError
from workbench.plans.differences import differences
from workbench.plans.resolution import Plan
from workbench.report.before.foresight import Asked, foresee
from workbench.report.findings import Findings
from workbench.runs.exchange.noise import with_noise_from
from workbench.runs.results import load_sweep
from workbench.statistics.metric import TOP1
from workbench.statistics.shared import fit_rows

PLAN = sweeps.plan(seeds=2)
EARLIER = sweeps.plan(seeds=8, name="earlier")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_results(folder / "earlier", EARLIER, by_ability)
    write_results(folder / "path", with_noise_from(PLAN, folder / "earlier"), by_ability)
    return folder


def test_the_plan_keeps_the_scores_and_leaves_out_its_own_runs(results: Path) -> None:
    plan = with_noise_from(PLAN, results / "earlier")
    assert plan.earlier is not None
    assert plan.earlier.seeds == tuple(range(2, 8))  # it runs 0 and 1 itself: the same runs
    assert plan.earlier.runs == 18
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert [run.id for run in plan.runs()] == [run.id for run in PLAN.runs()]
    assert "18 runs of earlier" in differences(PLAN, plan).changed[0]
    assert with_noise_from(PLAN, None) is PLAN


def test_the_shared_part_is_known_better_and_the_means_stay(results: Path) -> None:
    sweep = load_sweep(results / "path")
    method = sweep.facts().method
    rows, runs = sweep.plan.variants, sweep.records()
    with_them, without = (
        fit_rows(rows, runs, (0, 1), TOP1, each) for each in (method, replace(method, earlier=None))
    )
    assert with_them.uncertainty[0] < 0.5 * without.uncertainty[0]
    assert with_them.moments.mean[:3] == pytest.approx(without.moments.mean)
    found = Findings.of(sweep)
    compared = [each.comparison for each in found.results if each.comparison]
    assert len(compared) == 2
    assert all(each.interval for each in compared)


def test_a_dry_run_counts_them(results: Path, tmp_path: Path) -> None:
    plan = with_noise_from(PLAN, results / "earlier")
    assert "18 runs of earlier" in foresee(plan, tmp_path, Asked()).sources["top1"]


def noisy(run: RunConfig) -> tuple[np.ndarray, np.ndarray]:
    right, loss = by_ability(run)
    return right[::-1], loss[::-1]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (lambda: sweeps.plan(recipe={**sweeps.RECIPE, "epochs": 4}), "recipe: epochs 3 -> 4"),
        (
            lambda: sweeps.plan(
                recipe={**sweeps.RECIPE, "data": {**sweeps.RECIPE["data"], "test_size": 40}}
            ),
            "recipe: data.test_size 50 -> 40",
        ),
        (lambda: sweeps.plan(seeds={"min": 2, "max": 4, "stop": "decided"}), "seeds that race"),
        (lambda: sweeps.plan(variance="own"), "variance: own"),
        (lambda: EARLIER, "no row with two seeds that this plan has not"),
    ],
)
def test_noise_that_is_not_the_plans_is_refused(
    results: Path, plan: Callable[[], Plan], message: str
) -> None:
    with pytest.raises(InputError, match=f"--noise-from: .*earlier.*{message}"):
        with_noise_from(plan(), results / "earlier")
    with pytest.raises(InputError, match="does not exist"):
        with_noise_from(PLAN, results / "nowhere")


def test_evidence_of_another_test_set_than_the_noise_is_refused(
    results: Path, tmp_path: Path
) -> None:
    plan = with_noise_from(PLAN, results / "earlier")
    write_results(tmp_path / "path", plan, by_ability, test_set="b")
    with pytest.raises(InputError, match=r"evidence: .* of another test set, or of another order"):
        load_sweep(tmp_path / "path").facts()
