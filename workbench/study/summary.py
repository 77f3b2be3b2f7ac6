"""What a study found: the best constants and how sharp they are, and whether the paper's hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, sqrt
from statistics import fmean, stdev
from typing import Protocol

import numpy as np
from scipy import stats

from workbench.scaling.constants import NAMES, PAPER
from workbench.scaling.surface import Surface
from workbench.study.file import DIRECTIONS, Objective, StudyFile
from workbench.study.importance import importances
from workbench.study.trials import Trial

LEVEL = 0.05
FEWEST = 5  # networks at least of which one is called the best, and of which the spread is told


class ReportedStudy(Protocol):
    """What a report reads of a study, whether it is resolved or read back from its folder."""

    @property
    def file(self) -> StudyFile: ...

    @property
    def surface(self) -> Surface: ...

    def document(self) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True)
class Spread:
    """One constant over the top networks, each at the point that trained it."""

    best: float
    mean: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SeedNoise:
    """What seeds alone do: differences of two networks up to `difference` are nothing.

    `sd` is of one run, once what networks and seeds have in common is taken out; `difference` is
    Tukey's honestly significant one for all pairs of `networks`, so that the best of many does not
    win by being one of many.
    """

    sd: float
    networks: int
    seeds: int
    difference: float


@dataclass(frozen=True, slots=True)
class StudySummary:
    """The end of a study. Top-1 in percent."""

    outcomes: Mapping[str, int]  # of all points
    networks: int  # distinct ones that trained
    best: Trial | None
    top: tuple[int, ...]  # trials that trained the top networks, whose spread is told
    spread: Mapping[str, Spread]  # of alpha, beta, gamma
    importance: Mapping[str, float]
    front: tuple[int, ...]  # trials that no other beats in all objectives
    noise: SeedNoise | None
    paper: Trial | None
    verdict: str
    notes: tuple[str, ...]

    @property
    def leader(self) -> str:
        """What the network of the highest top-1 may be called."""
        judged = self.noise is not None and self.noise.networks >= FEWEST
        return "best" if judged else "highest top-1"

    def to_json(self) -> dict[str, object]:
        """Everything, unrounded."""
        return asdict(self) | {
            "best": _trial_json(self.best),
            "paper": _trial_json(self.paper),
        }


def _trial_json(trial: Trial | None) -> dict[str, object] | None:
    return None if trial is None else asdict(trial) | {"constants": trial.constants.model_dump()}


def summarise_study(study: ReportedStudy, trials: Sequence[Trial]) -> StudySummary:
    """From the trials alone; the same trials give the same summary.

    A network counts once, however many points round to it: else the spread of the best constants
    would be the width of one rounding cell that the sampler returned to.
    """
    completed = [trial for trial in trials if trial.outcome == "completed"]
    trained = [trial for trial in completed if trial.trained]
    ranked = sorted(trained, key=lambda trial: (-(trial.top1 or 0.0), trial.number))
    count = min(len(ranked), max(FEWEST, ceil(study.file.top * len(ranked))))
    top = ranked[:count]
    best = ranked[0] if ranked else None
    noise = measure_noise([trial.top1_by_seed for trial in trained])
    paper = next((trial for trial in trials if trial.point == PAPER.each()), None)
    return StudySummary(
        outcomes=dict(Counter(trial.outcome for trial in trials)),
        networks=sum(trial.trained for trial in trials),
        best=best,
        top=tuple(trial.number for trial in top),
        spread={name: _spread(name, top) for name in NAMES} if top else {},
        importance=importances(trained),
        front=pareto_front(trained, study.file.objectives),
        noise=noise,
        paper=paper,
        verdict=verdict(paper, best, noise, sum(trial.top1 is not None for trial in trained)),
        notes=_notes(study),
    )


def _spread(name: str, top: Sequence[Trial]) -> Spread:
    values = [float(getattr(trial.constants, name)) for trial in top]
    sd = stdev(values) if len(values) > 1 else None
    return Spread(values[0], fmean(values), sd, min(values), max(values))


def _notes(study: ReportedStudy) -> tuple[str, ...]:
    file = study.file
    surface = study.surface
    notes = [f"Constraint surface: {surface.exponents} = {surface.growth:g}, each at least 1."]
    written = study.document().get("recipe.data.validation")
    share = written if isinstance(written, int | float) else 0
    split = f"validation images, {100 * share:g} % of those of training" if share else ""
    notes.append(f"Top-1 on {split or 'test images: there is no validation split'}.")
    if file.pruner.name != "none" and not file.prunes:
        notes.append(f"Pruning ({file.pruner.name}) is off: there are several objectives.")
    if file.prunes:
        notes.append(f"Pruning: {file.pruner.name}, by the top-1 of seed {file.seeds[0]}.")
    return tuple(notes)


def measure_noise(rows: Sequence[Sequence[float]]) -> SeedNoise | None:
    """From networks (rows) by seeds (columns); none with one network or one seed."""
    table = np.array([row for row in rows if len(row) == max(map(len, rows), default=0)])
    if table.ndim != 2 or min(table.shape) < 2:
        return None
    networks, seeds = table.shape
    by_network, by_seed = table.mean(1, keepdims=True), table.mean(0, keepdims=True)
    rest = table - by_network - by_seed + table.mean()
    freedom = (networks - 1) * (seeds - 1)
    sd = sqrt(float((rest**2).sum()) / freedom)
    quantile = float(stats.studentized_range.ppf(1 - LEVEL, networks, freedom))
    return SeedNoise(sd, networks, seeds, quantile * sd / sqrt(seeds))


def verdict(paper: Trial | None, best: Trial | None, noise: SeedNoise | None, networks: int) -> str:
    """A sentence: can the paper's choice be told from the best of `networks`?"""
    name = f"The paper's choice {PAPER}"
    if paper is None or best is None:
        return f"{name} can't be judged: {'it' if best else 'nothing'} was not tried."
    if paper.outcome != "completed" or paper.top1 is None or best.top1 is None:
        return (
            f"{name} can't be judged: {paper.outcome}: {paper.reason or 'it has not trained yet'}."
        )
    if noise is None or networks < FEWEST:
        seeds = min(len(paper.top1_by_seed), len(best.top1_by_seed))
        few = [f"{networks} network{'s are' if networks > 1 else ' is'} too few to call one best"]
        why = (few if networks < FEWEST else []) + (["one seed gives no verdict"] * (seeds < 2))
        return f"{name}: top-1 {paper.top1:.2f} %; {', and '.join(why)}."
    if paper.network == best.network:
        return f"{name} is the best network of this study: top-1 {best.top1:.2f} %."
    behind = best.top1 - paper.top1
    compared = (
        f"{paper.top1:.2f} % against {best.top1:.2f} % of {best.constants}, {behind:.2f} points"
    )
    told = "can't be told from" if behind <= noise.difference else "is worse than"
    return (
        f"{name} {told} the best: {compared}, where {noise.seeds} seeds of "
        f"{noise.networks} networks tell {noise.difference:.2f} points apart (Tukey, 95 %)."
    )


def pareto_front(trials: Sequence[Trial], objectives: Sequence[Objective]) -> tuple[int, ...]:
    """Numbers of the trials that none beats in one objective and equals in the others."""
    points = {trial.number: _oriented(trial, objectives) for trial in trials}
    return tuple(
        number
        for number, mine in points.items()
        if not any(other != mine and _covers(other, mine) for other in points.values())
    )


def _covers(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True))


def _oriented(trial: Trial, objectives: Sequence[Objective]) -> tuple[float, ...]:
    signs = {"maximize": 1.0, "minimize": -1.0}
    return tuple(
        signs[DIRECTIONS[name]] * float(getattr(trial, name) or 0.0) for name in objectives
    )


# ---------------------------------------------------------------- the answer


def study_answer(trials: Sequence[Trial], summary: StudySummary) -> str:
    """In a few sentences; that of the paper's constants alone where no best can be named."""
    return " ".join(text for text in (_sharpness(trials, summary), summary.verdict) if text)


def _sharpness(trials: Sequence[Trial], summary: StudySummary) -> str:
    """The range of each constant over the networks that can't be told from the best."""
    alike = not_apart(trials, summary)
    if not alike:
        return ""
    trained = [trial for trial in trials if trial.scored]
    if len(alike) == 1:
        best = alike[0]
        return f"One of {len(trained)} networks is better than all others: {best.constants}."
    if len(alike) == len(trained):
        tried = ", ".join(f"{name} {_range(name, trained)}" for name in NAMES)
        return (
            f"None of {len(trained)} networks can be told from the best, so the constants are "
            f"open within all that was tried: {tried}."
        )
    ranges = ", ".join(f"{name} {_range(name, alike)}" for name in NAMES)
    return (
        f"{len(alike)} of {len(trained)} networks can't be told from the best; their constants "
        f"are {ranges} (tried: {', '.join(_range(name, trained) for name in NAMES)})."
    )


def not_apart(trials: Sequence[Trial], summary: StudySummary) -> list[Trial]:
    """The trials that trained a network which can't be told from the best; none where no network
    can be called that."""
    noise, best = summary.noise, summary.best
    trained = [trial for trial in trials if trial.scored]
    if noise is None or best is None or best.top1 is None or len(trained) < FEWEST:
        return []
    least = best.top1 - noise.difference
    return [trial for trial in trained if (trial.top1 or 0.0) >= least]


def _range(name: str, trials: Sequence[Trial]) -> str:
    values = [float(getattr(trial.constants, name)) for trial in trials]
    return f"{min(values):.2f} to {max(values):.2f}"
