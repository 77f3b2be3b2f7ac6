"""Races beside the fixed seeds that Student's test takes for the same power."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.verdicts.plans import KNOWN, SHARED, Generator, Plans, draw, sides
from workbench.statistics import difference, sequential
from workbench.statistics.comparison import LEVEL, holm
from workbench.statistics.facts import Race
from workbench.statistics.power import chance_of_verdict
from workbench.statistics.racing import FUTILE
from workbench.statistics.student import student


def race(
    plans: Plans, effects: NDArray[np.bool_], kind: str, bounds: Race
) -> tuple[float, float, float]:
    """Power, plans with a false verdict, and runs a plan, of `seeds: {min, max, stop: decided}`."""
    first, second = sides(kind, plans.values.shape[1])
    count, rows, most = plans.values.shape
    minima = sequential.null_minima(bounds.least, bounds.most, rows)
    share = sequential.nominal_level(bounds, LEVEL / len(first), rows)
    had = np.full((count, rows), bounds.least)
    best = np.ones((count, len(first)))
    decided = np.zeros(best.shape, dtype=bool)
    over = decided.copy()
    for look in range(bounds.least, bounds.most + 1):
        values = np.where(np.arange(most) < had[..., None], plans.values, np.nan)
        found = difference.contrasts(plans.fit(values), first, second)
        best = np.where(over, best, np.minimum(best, found.p()))
        p = (np.searchsorted(minima, best, side="right") + 1) / (len(minima) + 1)
        decided |= holm(p) <= LEVEL
        if look == bounds.most:
            break
        chance = chance_of_verdict(found.mean, found.error, look, bounds.most, found.freedom, share)
        over |= decided | (chance < FUTILE)
        for index, sides_of in enumerate(zip(first, second, strict=True)):
            for side in sides_of:
                had[:, side] = np.maximum(had[:, side], np.where(over[:, index], 0, look + 1))
    return (
        float(decided[effects].mean()),
        float((decided & ~effects).any(-1).mean()),
        float(had.sum(-1).mean()),
    )


def race_plans(
    plans: int, rows: int, seeds: int, kind: str, generator: Generator
) -> tuple[Plans, NDArray[np.bool_]]:
    """Half of the comparisons with an effect of 1 to 3 deviations, either way."""
    drawn = draw("equal", plans, rows, seeds, generator)
    shape = (plans, rows - 1)
    effects = generator.random(shape).argsort(-1) < (rows - 1) / 2
    size = generator.uniform(1, 3, shape) * generator.choice([-1.0, 1.0], shape)
    steps = np.where(effects, size, 0.0) * np.sqrt(KNOWN + SHARED)
    levels = steps.cumsum(-1) if kind == "additive" else steps
    levels = np.concatenate([np.zeros((plans, 1)), levels], -1)
    return replace(drawn, values=drawn.values + levels[..., None]), effects


def fixed_seeds(plans: Plans, effects: NDArray[np.bool_], kind: str, power: float) -> int:
    """The seeds with which Student's paired t test and Holm's method find as much."""
    first, second = sides(kind, plans.values.shape[1])
    for seeds in range(2, plans.values.shape[-1] + 1):
        values = plans.values[:, first, :seeds] - plans.values[:, second, :seeds]
        if (holm(student(values).p) <= LEVEL)[effects].mean() >= power:
            return seeds
    raise ValueError("not found with any number of seeds drawn")


def race_line(kind: str, plans: int) -> str:
    """A race beside the fixed seeds that Student's test takes for the same power."""
    drawn, effects = race_plans(plans, 7, 30, kind, np.random.default_rng(len(kind)))
    power, false, runs = race(drawn, effects, kind, Race(2, 15))
    seeds = fixed_seeds(drawn, effects, kind, power)
    share = runs / (7 * seeds)
    return (
        f"{kind:<8} power {power:.2f}, false {100 * false:.1f} %, {runs:.1f} runs; Student's takes "
        f"{seeds} seeds, {7 * seeds} runs: {share:.2f}{'!' if share > 0.4 else ''}"
    )
