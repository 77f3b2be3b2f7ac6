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

import numpy as np

from benchmarks.verdicts.plans import CASES, Rates, cell, draw, misses
from benchmarks.verdicts.races import race_line
from benchmarks.verdicts.replay import evidence, replayed
from workbench.statistics.metric import METRICS, TOP1


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
    parser.add_argument("--half", type=int, choices=[0, 1], help="of the seeds of the replays")
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
        runs = runs if asked.half is None else runs.half(asked.half)
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


if __name__ == "__main__":
    main()
