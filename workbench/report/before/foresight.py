"""What a plan could see, before it runs; what a difference would take, and a budget could see."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.errors import InputError, shown
from workbench.plans.resolution import Plan
from workbench.runs.estimate import Estimate
from workbench.runs.folder import holds_results
from workbench.runs.progress import duration
from workbench.runs.results import load_sweep
from workbench.runs.rows import StoredRun, mean_seconds
from workbench.show.console import plural
from workbench.statistics.earlier import COIN, noise_of_images, noise_of_runs
from workbench.statistics.facts import Method
from workbench.statistics.metric import Metric
from workbench.statistics.power import MOST_SEEDS, Noise, resolution, seeds_of_budget

MOST_DAYS = 36_500
UNITS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Asked:
    """`--detect` in the unit of the plan's first metric, and `--budget` in seconds."""

    detect: float | None = None
    budget: float | None = None

    @classmethod
    def of(cls, detect: float | None, budget: str | None) -> "Asked":
        """From a command line. Raises `InputError` for what is no difference or no time."""
        if detect is not None and not 0 < detect < float("inf"):
            raise InputError(f"{detect} is refused: a difference is above 0", key="--detect")
        return cls(detect, None if budget is None else seconds_of(budget))


@dataclass(frozen=True)
class Foresight:
    """`noise` is that of every compared row by metric; `sources` say what each is from."""

    plan: Plan
    noise: Mapping[str, Mapping[str, Noise]]
    sources: Mapping[str, str]
    asked: Asked = Asked()
    took: Mapping[str, float] = field(default_factory=dict)  # seconds of earlier runs, by row

    @property
    def metric(self) -> Metric:
        """The first of the plan."""
        return self.plan.method.metrics[0]

    def smallest(self, row: str, metric: Metric, seeds: int | None = None) -> float | None:
        """The smallest difference that the row could see, with the seeds of the plan or others."""
        noise = self.noise.get(metric.key, {}).get(row)
        if noise is None:
            return None
        race = self.plan.race if seeds is None else None
        return noise.smallest(seeds or len(self.plan.seeds), race)


def seconds_of(text: str) -> float:
    """`2h`, `90 min`, `1.5d`, `30s`. Raises `InputError` for anything else, and for no time."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|m|h|d)\s*", text)
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not seconds:
        raise InputError(f"{shown(text)} is no time; write 90min, 2h or 1.5d", key="--budget")
    if seconds > MOST_DAYS * UNITS["d"]:
        raise InputError(f"{shown(text)} is refused: at most {MOST_DAYS}d", key="--budget")
    return seconds


def foresee(plan: Plan, results: Path, asked: Asked) -> Foresight:
    """From earlier runs of the plan in `results`/NAME, else from the size of the test set.

    Earlier runs are those that this plan would run, by id, with other seeds as well. Raises
    `InputError` for a difference that the test set can't show.
    """
    images = plan.test_images or plan.recipe.data.test_size
    metric = plan.method.metrics[0]
    if asked.detect is not None and metric.counts and images and asked.detect < resolution(images):
        raise InputError(
            f"{asked.detect:g} {metric.points} are below the resolution of the test set: one of "
            f"{images:,} images is {resolution(images):.2g} {metric.points}",
            key="--detect",
        )
    folder = results / plan.name
    runs, method = _earlier(plan, folder)
    names = {row.name for row in plan.variants}
    rows = [
        row if row.compared_to in names else row.model_copy(update={"compared_to": None})
        for row in plan.variants
    ]
    noise, sources = dict[str, Mapping[str, Noise]](), dict[str, str]()
    for each in plan.method.metrics:
        if found := noise_of_runs(rows, runs, method, each, images):
            noise[each.key] = found
            sources[each.key] = _source(plan, folder, len(runs))
        elif each.counts and images:
            noise[each.key] = noise_of_images(rows, method, images)
            sources[each.key] = (
                f"from the size of the test set alone: {images:,} images, each right in {COIN:g} % "
                "of the runs. Real runs differ beyond that: after two seeds, ask again"
            )
    return Foresight(plan, noise, sources, asked, mean_seconds(runs))


def _source(plan: Plan, folder: Path, runs: int) -> str:
    told = [f"{plural(runs, 'earlier run')} in {folder}"] if runs else []
    told += [f"{plan.earlier.runs} runs of {plan.earlier.plan}"] if plan.earlier else []
    return f"from the spread of {' and '.join(told)}"


def _earlier(plan: Plan, folder: Path) -> tuple[Sequence[StoredRun], Method]:
    """The completed runs in `folder` that are the plan's, and its method with what they know."""
    if not holds_results(folder):
        return (), plan.method
    sweep = load_sweep(folder)
    seeds = sorted({run.seed for run in sweep.runs})
    ids = {run.id for run in plan.runs(seeds=seeds)}
    runs = [run for run in sweep.records() if run.id in ids]
    known = sweep.facts().method.known
    return runs, replace(plan.method, known=known)


# ---------------------------------------------------------------- what is asked


def detect_answer(found: Foresight, estimate: Estimate) -> dict[str, Any] | None:
    """Seeds, runs and seconds that the difference asked for would take, in every compared row."""
    difference = found.asked.detect
    if difference is None:
        return None
    noise = found.noise.get(found.metric.key, {})
    by_row = {name: each.seeds_for(difference) for name, each in noise.items()}
    known = [seeds for seeds in by_row.values() if seeds is not None]
    seeds = max(known) if known and len(known) == len(by_row) else None
    runs = seeds * len(found.plan.variants) if seeds else None
    return {
        "difference": difference, "metric": found.metric.key, "seeds_by_row": by_row,
        "seeds": seeds, "runs": runs, "seconds": _seconds(found, estimate, seeds),
    }  # fmt: skip


def budget_answer(found: Foresight, estimate: Estimate) -> dict[str, Any] | None:
    """What the time asked for could see."""
    budget, each = found.asked.budget, _seconds(found, estimate, 1)
    if budget is None:
        return None
    if each is None:
        raise InputError("the time of a run is not known here", key="--budget")
    rows = len(found.plan.variants)
    seeds = seeds_of_budget(budget / 3600, each / 3600 / rows, rows)
    by_row = {
        name: noise.smallest(seeds) for name, noise in found.noise[found.metric.key].items()
    } if found.metric.key in found.noise else {}  # fmt: skip
    return {
        "seconds": budget, "metric": found.metric.key, "seeds": seeds, "runs": seeds * rows,
        "seconds_of_a_seed": each, "detectable_by_row": by_row,
    }  # fmt: skip


def _seconds(found: Foresight, estimate: Estimate, seeds: int | None) -> float | None:
    """Of so many seeds of every row, by the workers of the estimate."""
    by_row = [
        estimate.runs.get(row.name, found.took.get(row.name))
        for row in found.plan.variants
        if not row.infeasible
    ]
    known = [each for each in by_row if each is not None]
    if seeds is None or len(known) < len(by_row):
        return None
    return seeds * sum(known) / estimate.jobs


def sentences(found: Foresight, estimate: Estimate) -> list[str]:
    """All of it in words, below the table of a dry run."""
    if not any(variant.compared_to for variant in found.plan.variants):
        return []
    seeds = plural(len(found.plan.seeds), "seed")
    find = "finds" if len(found.plan.seeds) == 1 else "find"
    texts = [
        f"'Detectable' is the smallest true difference in {metric.name} that {seeds} {find} in 80 "
        f"of 100 plans, {found.sources[metric.key]}."
        if metric.key in found.sources
        else f"The smallest detectable difference in {metric.name} is not known: no earlier runs."
        for metric in found.plan.method.metrics
    ]
    return [*texts, *_detect_text(found, estimate), *_budget_text(found, estimate)]


def _detect_text(found: Foresight, estimate: Estimate) -> list[str]:
    told = detect_answer(found, estimate)
    if told is None:
        return []
    size = f"{told['difference']:g} {found.metric.points} of {found.metric.name}"
    if told["seeds"] is None:
        out = [name for name, seeds in told["seeds_by_row"].items() if seeds is None]
        why = f"{', '.join(out)} would take more than {MOST_SEEDS:,} seeds" if out else (
            "the noise is not known"
        )  # fmt: skip
        return [f"To detect {size}: {why}."]
    time = f", about {duration(told['seconds'])}" if told["seconds"] is not None else ""
    most = max(told["seeds_by_row"], key=lambda name: told["seeds_by_row"][name])
    return [
        f"To detect {size} in every row: {plural(told['seeds'], 'seed')} (as many as {most} "
        f"needs), {told['runs']:,} runs{time}."
    ]


def _budget_text(found: Foresight, estimate: Estimate) -> list[str]:
    told = budget_answer(found, estimate)
    if told is None:
        return []
    head = f"{duration(told['seconds'])}: time for {plural(told['seeds'], 'seed')} of every row"
    if told["seeds"] < 2:
        least = duration(2 * told["seconds_of_a_seed"])
        return [f"{head}; a verdict takes two, about {least}."]
    seen = sorted(each for each in told["detectable_by_row"].values() if each is not None)
    if not seen:
        return [f"{head}, {told['runs']:,} runs; what they could detect is not known."]
    digits, points = found.metric.digits, found.metric.points
    span = " to ".join(dict.fromkeys(f"{each:.{digits}f}" for each in (seen[0], seen[-1])))
    return [
        f"{head}, {told['runs']:,} runs: differences of {span} {points} of {found.metric.name}, by "
        "row, would be found in 80 of 100 plans."
    ]
