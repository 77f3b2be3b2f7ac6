"""How few runs a race could take, were more known than can be.

    python -m benchmarks.verdicts.oracle

The variance is known; the adjustment knows which comparisons have no effect, and gives each of them
its full share of the error; and each comparison stops by the best of all rules, the one that takes
the fewest seeds for its error and its power. That rule is found by going back from the last seed
with a price for either mistake (Wald and Wolfowitz, Annals of Mathematical Statistics 19, 1948);
the prices are then moved until error and power are as asked for. The plans are those of `races`. A
race that knows none of this is not to be expected below these numbers; it is no bound on rules
that weigh one comparison against another.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.verdicts.plans import KNOWN, SHARED, sides
from benchmarks.verdicts.races import fixed_seeds, race_plans
from workbench.statistics.comparison import LEVEL
from workbench.statistics.facts import Race

Floats = NDArray[np.float64]
NONE, FOUND, ON = 0, 1, 2  # what a rule says: no effect, an effect, one more seed
SPREAD = np.sqrt(2.0)  # of a paired difference, in deviations of a row
STEP, END = 0.3, 45.0
SUMS = np.arange(-END, END + STEP, STEP)  # of the differences so far, in deviations
EFFECTS = np.arange(1.0625, 3, 0.125)
TRUTHS = np.concatenate([[0.0], EFFECTS, -EFFECTS])
PRIOR = np.concatenate([[0.5], np.full(2 * len(EFFECTS), 0.25 / len(EFFECTS))])
MOVES = stats.norm.pdf(SUMS[None] - SUMS[:, None], TRUTHS[:, None, None], SPREAD) * STEP
TRIES = 30


@dataclass(frozen=True, slots=True)
class Rule:
    """What is said after each number of seeds, (most, sums), and what comes of it."""

    says: NDArray[np.int_]
    error: float
    power: float
    seeds: float  # of a comparison, half of them without an effect


def best_rule(error: float, power: float, bounds: Race) -> Rule:
    """The one that takes the fewest seeds."""
    wrong, missed = 400.0, 40.0  # the prices, in seeds
    for _ in range(TRIES):
        found = _rates(_cheapest(wrong, missed, bounds))
        wrong *= np.clip(found.error / error, 0.5, 2) ** 0.7
        missed *= np.clip((1 - found.power) / (1 - power), 0.5, 2) ** 0.7
    return found


def _cheapest(wrong: float, missed: float, bounds: Race) -> NDArray[np.int_]:
    """By backward induction: from each sum on, what costs least."""
    says = np.full((bounds.most, len(SUMS)), ON)
    ahead = np.full(len(SUMS), np.inf)
    for seeds in range(bounds.most, 0, -1):
        chance = _chances(seeds)
        prices = np.stack([(1 - chance[0]) * missed, chance[0] * wrong])
        if seeds < bounds.least:
            prices[:] = np.inf
        on = np.full(len(SUMS), np.inf)
        if seeds < bounds.most:
            on = 1 + (chance * (MOVES @ ahead)).sum(0)
        every = np.concatenate([prices, on[None]])
        says[seeds - 1], ahead = every.argmin(0), every.min(0)
    return says


def _chances(seeds: int) -> Floats:
    """(truths, sums): how likely each truth is, once the sum is seen."""
    log = (TRUTHS[:, None] * SUMS - seeds * TRUTHS[:, None] ** 2 / 2) / SPREAD**2
    weight = PRIOR[:, None] * np.exp(log - log.max(0))
    return np.asarray(weight / weight.sum(0))


def _rates(says: NDArray[np.int_]) -> Rule:
    """Counted forward, from the chances of each sum under each truth."""
    mass = stats.norm.pdf(SUMS[None], TRUTHS[:, None], SPREAD) * STEP
    found, seeds = np.zeros(len(TRUTHS)), np.zeros(len(TRUTHS))
    for said in says:
        seeds += mass.sum(-1)
        found += (mass * (said == FOUND)).sum(-1)
        mass = np.einsum("ts,tsz->tz", mass * (said == ON), MOVES)
    return Rule(says, float(found[0]), float(found[1:].mean()), float(PRIOR @ seeds))


def runs(rule: Rule, values: Floats, kind: str) -> tuple[float, NDArray[np.bool_]]:
    """Runs a plan, and what is found, of (plans, rows, seeds) values: a row runs as long as any of
    its comparisons goes on."""
    first, second = sides(kind, values.shape[1])
    sums = (values[:, first] - values[:, second]).cumsum(-1) / np.sqrt(KNOWN + SHARED)
    places = np.clip(np.rint((sums + END) / STEP).astype(int), 0, len(SUMS) - 1)
    most = len(rule.says)
    said = np.stack([rule.says[seed][places[..., seed]] for seed in range(most)], -1)
    had = (said != ON).argmax(-1)
    found = np.take_along_axis(said, had[..., None], -1)[..., 0] == FOUND
    rows = np.zeros(values.shape[:2])
    for index, pair in enumerate(zip(first, second, strict=True)):
        for row in pair:
            rows[:, row] = np.maximum(rows[:, row], had[:, index] + 1)
    return float(rows.sum(-1).mean()), found


def main() -> None:
    """One line for each kind of plan and each way to end."""
    for bounds in (Race(2, 15), Race(2, 30)):
        for kind in ("list", "additive"):
            plans, effects = race_plans(4000, 7, 30, kind, np.random.default_rng(len(kind)))
            rule = best_rule(LEVEL / (~effects[0]).sum(), 0.8, bounds)
            count, found = runs(rule, plans.values, kind)
            fixed = 7 * fixed_seeds(plans, effects, kind, 0.8)
            false = (found & ~effects).any(-1).mean()
            span = f"{bounds.least} to {bounds.most} seeds"
            print(
                f"{kind:<8} {span}: power {found[effects].mean():.2f}, false {100 * false:.1f} %, "
                f"{count:.1f} runs; Student's takes {fixed}: {count / fixed:.2f}"
            )


if __name__ == "__main__":
    main()
