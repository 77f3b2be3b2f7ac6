"""The answer of a study: which constants, how sharp they are, and whether the paper's hold."""

from collections.abc import Sequence

from workbench.scaling.constants import NAMES
from workbench.study.summary import FEWEST, StudySummary
from workbench.study.trials import Trial


def study_answer(trials: Sequence[Trial], summary: StudySummary) -> str:
    """In a few sentences; that of the paper's constants alone where no best can be named."""
    return " ".join(text for text in (_sharpness(trials, summary), summary.verdict) if text)


def _sharpness(trials: Sequence[Trial], summary: StudySummary) -> str:
    """The range of each constant over the networks that can't be told from the best."""
    noise, best = summary.noise, summary.best
    trained = [trial for trial in trials if trial.trained and trial.top1 is not None]
    if noise is None or best is None or best.top1 is None or len(trained) < FEWEST:
        return ""
    least = best.top1 - noise.difference
    alike = [trial for trial in trained if (trial.top1 or 0.0) >= least]
    if len(alike) == 1:
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


def _range(name: str, trials: Sequence[Trial]) -> str:
    values = [float(getattr(trial.constants, name)) for trial in trials]
    return f"{min(values):.2f} to {max(values):.2f}"
