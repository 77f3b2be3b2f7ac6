"""The noise of earlier runs: `--noise-from FOLDER` pools it with that of a plan."""

from collections.abc import Sequence
from pathlib import Path

from workbench.errors import InputError
from workbench.plans.differences import other_recipe
from workbench.plans.resolution import Plan
from workbench.runs.evidence import image_noise, kept_evidence
from workbench.runs.results import Sweep, load_sweep
from workbench.runs.rows import StoredRun
from workbench.statistics.facts import EarlierRow, EarlierRuns
from workbench.statistics.metric import OF_TASK, Metric

KEY = "--noise-from"


def with_noise_from(plan: Plan, folder: Path | None) -> Plan:
    """The plan with the noise of the runs in `folder`; their scores are kept with the plan.

    Runs that the plan would do itself are left out: they would count twice. Raises `InputError`
    where the runs are of other data, of another recipe or test set, or too few; for a race, whose
    bounds know the plan's own rows alone; and for `variance: own`.
    """
    if folder is None:
        return plan
    if plan.race or plan.method.variance == "own":
        why = "seeds that race" if plan.race else "variance: own"
        raise InputError(f"{folder} can't be used with {why}: noise is not shared", key=KEY)
    sweep = load_sweep(folder)
    _refuse(plan, sweep, folder)
    own = {run.id for run in plan.runs(seeds=sweep.plan.seeds)} & {run.id for run in plan.runs()}
    alike = {row.name for row in sweep.plan.variants if row.recipe is None}
    runs = [run for run in sweep.records() if run.id not in own and run.variant in alike]
    found = _earlier(sweep.plan.name, folder, runs, OF_TASK[plan.recipe.task.name])
    if not found.rows:
        raise InputError(f"{folder} has no row with two seeds that this plan has not", key=KEY)
    return plan.model_copy(update={"earlier": found})


def _refuse(plan: Plan, sweep: Sweep, folder: Path) -> None:
    if found := other_recipe(sweep.plan, plan):
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise InputError(f"{folder} was trained otherwise: {found[0]}{more}", key=KEY)
    theirs, images = sweep.plan.test_images, plan.test_images
    if theirs and images and theirs != images:
        raise InputError(f"{folder} has {theirs:,} test images, this plan {images:,}", key=KEY)


def _earlier(
    plan: str, folder: Path, runs: Sequence[StoredRun], metrics: Sequence[Metric]
) -> EarlierRuns:
    seeds = sorted({run.seed for run in runs})
    evidence = kept_evidence(folder, runs)
    known = image_noise(runs, evidence) or {}
    scores = {(run.variant, run.seed): run for run in runs}
    rows = []
    for name in dict.fromkeys(run.variant for run in runs):
        of_seed = [scores.get((name, seed)) for seed in seeds]
        values = {
            metric.key: tuple(run.score(metric) if run else None for run in of_seed)
            for metric in metrics
        }
        if sum(score is not None for score in values[metrics[0].key]) > 1:
            parts = {key: each.rows[name] for key, each in known.items() if name in each.rows}
            rows.append(EarlierRow(name=name, scores=values, known=parts))
    digests = {each.test_set for each in evidence.values()}
    return EarlierRuns(
        plan=plan, seeds=tuple(seeds), rows=tuple(rows),
        test_set=digests.pop() if digests else None,
    )  # fmt: skip
