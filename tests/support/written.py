"""Results folders that nobody trained, written as an export."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from workbench.config import Outcome, RunConfig
from workbench.plans.resolution import Plan
from workbench.runs.evidence import export_evidence
from workbench.runs.folder import RUNS, run_folder, write_text
from workbench.runs.results import write_plan
from workbench.runs.rows import StoredRun
from workbench.train.evidence import Evidence, write_evidence

Answers = tuple[np.ndarray, np.ndarray]  # right or wrong and the loss, by image


def write_results(
    folder: Path, plan: Plan, answers: Callable[[RunConfig], Answers], test_set: str = "a"
) -> Path:
    """A plan whose runs all completed, with what each said of every test image."""
    folder.mkdir(parents=True)
    write_plan(folder, plan)
    runs = [_run(folder, plan, run, answers(run), test_set) for run in plan.runs()]
    write_text(folder / RUNS, "".join(f"{run.model_dump_json()}\n" for run in runs))
    export_evidence(folder, runs)
    return folder


def _run(folder: Path, plan: Plan, run: RunConfig, said: Answers, test_set: str) -> StoredRun:
    correct, loss = said
    half = loss.astype(np.float16)
    row = next(each for each in plan.variants if each.name == run.variant)
    stored = StoredRun(
        plan=plan.name, id=run.id, variant=run.variant, seed=run.seed,
        status=Outcome.COMPLETED, top1=100.0 * float(correct.mean()), seconds=10.0,
        test_loss=float(half.astype(np.float64).mean()), device="cpu", params=row.params or 0,
        macs=row.macs or 0, spec=run.spec, recipe=run.recipe, details={}, host={}, created="",
        started=None, ended=None,
    )  # fmt: skip
    own = run_folder(folder, run)
    own.mkdir(parents=True)
    labels = np.arange(len(correct)) % 10
    write_evidence(own, Evidence(run.id, test_set, labels, correct, half))
    return stored


def by_ability(run: RunConfig, images: int = 200) -> Answers:
    """Images are hard or easy alike for all rows; a run errs from image to image by itself."""
    hard = np.random.default_rng(7).normal(2.0, 1.5, images)
    own = np.random.default_rng([run.seed, *run.variant.encode()])
    logit = hard + own.normal(0, 0.1) + 0.5 * (run.variant == "large")
    right = own.random(images) < 1 / (1 + np.exp(-logit))
    return right, np.where(right, 0.1, 2.0) + 0.05 * own.random(images)
