"""The verdicts of a plan held to simulation, and to replays of real runs.

    python -m benchmarks.verdicts                         the whole grid, 20,000 plans a cell
    python -m benchmarks.verdicts --plans 1000            a quick look
    python -m benchmarks.verdicts --replay results/measured/noise_digits

Each cell draws plans of equal rows, and again with one row moved by twice its deviation. It counts
plans with any false verdict (the worse of the two), how often the moved row is found on its side,
how many 95 % intervals of a row alone hold the truth; beside them Student's paired t test with
Holm's method. R rows, the baseline among them, S seeds. `!` marks what misses its requirement.
A replay draws S of the seeds of a results folder with evidence for each plan, anew for each row
where `--unpaired`, after each row's mean over all of its seeds is taken off; of the test loss where
`--metric loss`.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.runs.results import load_evidence
from workbench.statistics import difference, sequential, variance
from workbench.statistics.comparison import LEVEL, holm
from workbench.statistics.facts import Race
from workbench.statistics.metric import METRICS, TOP1, Metric
from workbench.statistics.paired import student
from workbench.statistics.power import chance_of_verdict
from workbench.statistics.racing import FUTILE

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
Generator = np.random.Generator

KNOWN, SHARED = 0.75**2, 0.7**2  # squared points: of the size that digits runs have
EFFECT = 2.0  # root mean squares of the deviations of the two rows
CASES = (
    "equal", "images", "correlated", "correlated, unseen", "heavy", "loud row", "loud baseline",
    "loud row, of images", "loud baseline, of images", "outliers",
)  # fmt: skip
# What seeds have in common the images show, or not ("unseen").
# A row of three times the deviation of the others is more than the requirement, three times what
# its own images explain; both are drawn.
LOUD = CASES[5:]


@dataclass(frozen=True, slots=True)
class Plans:
    """Scores (plans, rows, seeds), what images explain as estimated, true deviations, and how much
    larger a row's real differences are by its level (1 where all rows are at one level)."""

    values: Floats
    known: Floats
    deviation: Floats
    scale: Floats | float = 1.0
    together: variance.Together | None = None

    def fit(self, values: Floats | None = None) -> variance.Model:
        """The model of these plans, or of other values of theirs."""
        found = self.values if values is None else values
        return variance.fit(variance.moments(found, self.known, self.scale, self.together))


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one way to judge, over the plans of a cell."""

    false: float
    power: float
    cover: float


def draw(case: str, plans: int, rows: int, seeds: int, generator: Generator) -> Plans:
    """Plans of rows without a difference."""
    shape = (plans, rows)
    known, shared = np.full(shape, KNOWN), np.full(shape, SHARED)
    if case == "images":
        known, shared = generator.uniform(0.3, 1.2, shape) ** 2, np.zeros(shape)
    common = 0.8 * (KNOWN + SHARED) if case.startswith("correlated") else 0.0
    if common:
        known, shared = 0.2 * known, 0.2 * shared
    if case in LOUD[:4]:
        which = np.zeros(plans, int) if "baseline" in case else generator.integers(1, rows, plans)
        loud = 9 * (KNOWN if "images" in case else KNOWN + SHARED)
        shared[np.arange(plans), which] = loud - KNOWN
    deviation = np.sqrt(known + shared)
    unit = generator.standard_normal((*shape, seeds))
    if case == "heavy":
        unit = generator.standard_t(5, (*shape, seeds)) / np.sqrt(5 / 3)
    if case == "outliers":
        sign = generator.choice([-5.0, 5.0], unit.shape)
        unit = unit + np.where(generator.random(unit.shape) < 0.05, sign, 0.0)
    values = unit * deviation[..., None]
    values += np.sqrt(common) * generator.standard_normal((plans, 1, seeds))
    # The known part is estimated: of 600 test images, a tenth in doubt, its error in per cent is
    # about that of a count of the images on which seeds disagree.
    error = generator.standard_normal(shape) * np.sqrt(1 / 60 / (seeds - 1) ** 0.5)
    estimated = known * np.maximum(1 + error, 0.2)
    told = common if case == "correlated" else 0.0
    together = _drawn_together(estimated, shared + told, told, seeds, generator)
    deviation = np.sqrt(deviation**2 + common)
    return Plans(values, estimated, deviation, together=together)


def _drawn_together(
    known: Floats, rest: Floats, common: float, seeds: int, generator: Generator
) -> variance.Together:
    """What images say of two rows. Its error is as in `noise_digits`, of 599 test images: between
    runs of other seeds correlations scatter by 0.06, those of losses by 0.09, with three seeds."""
    pairs = (len(known), known.shape[-1], known.shape[-1])
    error = np.triu(generator.standard_normal((2, *pairs)) * np.sqrt(2 / (seeds - 1)), 1)
    error = error + error.swapaxes(-1, -2)
    alike = common / np.sqrt(np.maximum(rest[:, :, None] * rest[:, None], 1e-12))
    explained = 0.06 * error[0] * np.sqrt(known[:, :, None] * known[:, None])
    alike = np.clip(alike + 0.09 * (1 - alike**2) * error[1], 0.0, 1.0)
    return variance.Together(explained, alike)


def sides(kind: str, rows: int) -> tuple[Ints, Ints]:
    """The rows compared, and those that they are compared to."""
    first = np.arange(1, rows)
    return first, first - 1 if kind == "additive" else np.zeros_like(first)


def judge(plans: Plans, first: Ints, second: Ints) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Means and p values of the shared model, and which comparisons have a loud row."""
    found = difference.contrasts(plans.fit(), first, second)
    return found.mean, found.p(), found.loud[0] | found.loud[1]


def judge_own(plans: Plans, first: Ints, second: Ints) -> tuple[Floats, Floats]:
    """Means and p values of Student's paired t test."""
    found = student(plans.values[:, first] - plans.values[:, second])
    return found.mean, found.p


def moved(plans: Plans, first: Ints, second: Ints, generator: Generator) -> tuple[Plans, Ints]:
    """One comparison of each plan given an effect; and which."""
    n = np.arange(len(plans.values))
    which = generator.integers(0, len(first), len(n))
    a, b = first[which], second[which]
    size = EFFECT * np.sqrt((plans.deviation[n, a] ** 2 + plans.deviation[n, b] ** 2) / 2)
    rows = np.arange(plans.values.shape[1])[None]
    chain = bool((second > 0).any())
    on = rows >= a[:, None] if chain else rows == a[:, None]
    values = plans.values + (on * size[:, None])[..., None]
    return replace(plans, values=values), which


def cell(plans: Plans, kind: str, generator: Generator) -> tuple[Rates, Rates]:
    """The shared model, and Student's test beside it."""
    first, second = sides(kind, plans.values.shape[1])
    effect, which = moved(plans, first, second, generator)
    found = []
    for shared in (True, False):
        judged = [
            judge(each, first, second)[:2] if shared else judge_own(each, first, second)
            for each in (plans, effect)
        ]
        found.append(_rates(judged[0], judged[1], which))
    return found[0], found[1]


def _rates(
    null: tuple[Floats, Floats], effect: tuple[Floats, Floats], which: Ints
) -> Rates:  # fmt: skip
    none = (holm(null[1]) <= LEVEL).any(-1).mean()
    mean, decided = effect[0], holm(effect[1]) <= LEVEL
    n = np.arange(len(which))
    power = (decided[n, which] & (mean[n, which] > 0)).mean()
    decided[n, which] = False
    return Rates(
        float(max(none, decided.any(-1).mean())), float(power), float((null[1] > LEVEL).mean())
    )


def misses(case: str, rows: int, seeds: int, shared: Rates, own: Rates) -> list[str]:
    """What a cell was to be and is not."""
    loud = case in LOUD
    found = []
    if shared.false > (0.075 if loud else 0.055):
        found.append("false")
    if loud and shared.power < own.power:
        found.append("power")
    if not loud and (rows, seeds) == (6, 3):
        least = 0.2 if case == "images" else 2 * own.power if case == "replay" else 0.28
        found += ["power"] if shared.power < least else []
    if case == "replay" and (rows, seeds) != (6, 3) and shared.power < 2 * own.power:
        found.append("power")
    if not loud and not 0.93 <= shared.cover <= 0.97:
        found.append("cover")
    return found


# ---------------------------------------------------------------- replay of real runs


@dataclass(frozen=True, slots=True)
class Real:
    """Runs of a results folder: their scores (rows, seeds), in percent or nats, and the products of
    every two runs image by image, (rows, seeds, rows, seeds): of the scores and of the losses."""

    scores: Floats
    products: Floats
    losses: Floats
    images: int
    metric: Metric = TOP1

    def of(self, seeds: Ints) -> "Real":
        """Those of some seeds alone."""
        return replace(
            self,
            scores=self.scores[:, seeds],
            products=self.products[:, seeds][..., seeds],
            losses=self.losses[:, seeds][..., seeds],
        )


def real(scores: Floats, losses: Floats, metric: Metric = TOP1) -> Real:
    """From (rows, seeds, images): right and wrong as 1 and 0, or the loss, and the losses."""
    unit = 100 if metric.counts else 1
    products, of_losses = _products(unit * scores), _products(losses)
    return Real(unit * scores.mean(-1), products, of_losses, scores.shape[-1], metric)


def _products(values: Floats) -> Floats:
    flat = values.reshape(-1, values.shape[-1])
    flat = flat - flat.mean(0)
    found: Floats = (flat @ flat.T).reshape(values.shape[:2] * 2)
    return found


def evidence(folder: str, metric: Metric = TOP1) -> Real:
    """The runs of all seeds that every row has."""
    frame = load_evidence(folder)
    table = dict(iter(frame.groupby(["variant", "seed"], sort=False, observed=True)))
    names = list(dict.fromkeys(variant for variant, _ in table))
    every = [{seed for variant, seed in table if variant == name} for name in names]
    seeds = sorted(set.intersection(*every))

    def column(name: str) -> Floats:
        return np.array([[table[row, seed][name] for seed in seeds] for row in names], np.float64)

    losses = column("loss")
    return real(column("correct") if metric.counts else losses, losses, metric)


def replayed(
    found: Real, plans: int, seeds: int, generator: Generator, paired: bool = True
) -> Plans:
    """Plans of `seeds` of the real seeds. What images say is counted from those seeds alone."""
    rows, every = found.scores.shape
    scores = found.scores - found.scores.mean(-1, keepdims=True)
    drawn = generator.random((plans, 1 if paired else rows, every)).argsort(-1)[..., :seeds]
    drawn = np.broadcast_to(drawn, (plans, rows, seeds))
    values = np.take_along_axis(np.broadcast_to(scores, (plans, rows, every)), drawn, -1)
    explained = _covariances(found.products, drawn) / found.images**2
    known = np.diagonal(explained, axis1=-2, axis2=-1)
    losses = _covariances(found.losses, drawn)
    root = np.sqrt(np.maximum(np.diagonal(losses, axis1=-2, axis2=-1), 1e-12))
    alike = np.clip(losses / (root[:, :, None] * root[:, None]), 0.0, 1.0)
    deviation = np.broadcast_to(scores.std(-1, ddof=1), (plans, rows))
    scale: Floats | float = 1.0
    if found.metric.counts:
        levels = np.broadcast_to(found.scores, (plans, rows, every))
        scale = variance.level_scale(np.take_along_axis(levels, drawn, -1).mean(-1))
    return Plans(values, known, deviation, scale, variance.Together(explained, alike))


def _covariances(products: Floats, drawn: Ints) -> Floats:
    """(plans, rows, rows), summed over the images, of the (plans, rows, seeds) runs drawn."""
    plans, rows, seeds = drawn.shape
    found = np.empty((plans, rows, rows))
    for a in range(rows):
        for b in range(a, rows):
            of = products[a, :, b][drawn[:, a, :, None], drawn[:, b, None]]
            centred = np.trace(of, axis1=-2, axis2=-1) - of.sum((-1, -2)) / seeds
            found[:, a, b] = found[:, b, a] = centred / (seeds - 1)
    return found


# ---------------------------------------------------------------- races


def race(
    plans: Plans, effects: NDArray[np.bool_], kind: str, bounds: Race
) -> tuple[float, float, float]:
    """Power, plans with a false verdict, and runs a plan, of `seeds: {min, max, stop: decided}`."""
    first, second = sides(kind, plans.values.shape[1])
    count, rows, most = plans.values.shape
    minima = sequential.null_minima(bounds.least, bounds.most, rows)
    had = np.full((count, rows), bounds.least)
    best = np.ones((count, len(first)))
    decided = np.zeros(best.shape, dtype=bool)
    over = decided.copy()
    share = sequential.nominal_level(bounds, LEVEL / len(first), rows)
    futile = np.vectorize(chance_of_verdict, excluded={2, 3, 5})
    for look in range(bounds.least, bounds.most + 1):
        values = np.where(np.arange(most) < had[..., None], plans.values, np.nan)
        found = difference.contrasts(plans.fit(values), first, second)
        reached = np.minimum(had[:, first], had[:, second]) >= look
        best = np.where(reached, np.minimum(best, found.p()), best)
        p = (np.searchsorted(minima, best, side="right") + 1) / (len(minima) + 1)
        decided |= holm(p) <= LEVEL
        if look == bounds.most:
            break
        chance = futile(found.mean, found.error, look, bounds.most, found.freedom, share)
        over |= decided | ((chance < FUTILE) & reached)
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


# ---------------------------------------------------------------- what is printed


def grid(plans: int, small: bool = False) -> Iterator[tuple[str, str, int, int, Rates, Rates]]:
    """Every cell: case, kind, rows, seeds, the shared model, Student."""
    for case in CASES:
        for rows in (6,) if small else (3, 6, 10):
            for seeds in (2, 3) if small else (2, 3, 5, 8):
                for kind in ("list", "additive"):
                    key = [CASES.index(case), rows, seeds, len(kind)]
                    generator = np.random.default_rng(key)
                    drawn = draw(case, plans, rows, seeds, generator)
                    yield (case, kind, rows, seeds, *cell(drawn, kind, generator))


def line(case: str, kind: str, rows: int, seeds: int, shared: Rates, own: Rates) -> str:
    missed = misses(case, rows, seeds, shared, own)
    marks = {name: "!" if name in missed else " " for name in ("false", "power", "cover")}
    return (
        f"{case:<25} {kind:<8} {rows:>3} {seeds:>2} "
        f"{100 * shared.false:6.1f}{marks['false']} {shared.power:6.2f}{marks['power']} "
        f"{100 * shared.cover:6.1f}{marks['cover']} {100 * own.false:8.1f} {own.power:6.2f}"
    )


HEAD = f"{'':<25} {'':<8}   R  S  false %  power  cover %  Student: false %, power"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--plans", type=int, default=20_000)
    parser.add_argument("--replay", action="append", default=[], metavar="FOLDER")
    parser.add_argument("--unpaired", action="store_true")
    parser.add_argument("--metric", choices=list(METRICS), default=TOP1.key, help="of the replays")
    parser.add_argument("--skip", nargs="*", default=[], choices=["grid", "race"])
    asked = parser.parse_args()
    begun, missed, cells = time.perf_counter(), 0, 0
    print(HEAD)
    for each in () if "grid" in asked.skip else grid(asked.plans):
        print(line(*each), flush=True)
        missed, cells = missed + bool(misses(*each[:1], *each[2:])), cells + 1
    for folder in asked.replay:
        print(f"\nReplay of {folder}")
        metric = METRICS[asked.metric]
        runs = evidence(folder, metric)
        for seeds in (2, 3, 5, 8):
            for kind in ("list", "additive"):
                generator = np.random.default_rng([seeds, len(kind)])
                drawn = replayed(runs, asked.plans, seeds, generator, not asked.unpaired)
                shared, own = cell(drawn, kind, generator)
                print(line("replay", kind, len(runs.scores), seeds, shared, own), flush=True)
                missed += bool(misses("replay", len(runs.scores), seeds, shared, own))
                cells += 1
    if "race" not in asked.skip:
        print("\nRaces of 7 rows, half of the comparisons with effects of 1 to 3 deviations")
        for kind in ("list", "additive"):
            print(race_line(kind, max(asked.plans // 10, 200)), flush=True)
    print(f"\n{missed} of {cells} cells miss a requirement; {time.perf_counter() - begun:.0f} s")


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


if __name__ == "__main__":
    main()
