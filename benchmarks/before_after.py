"""The verdicts of the shipped sweeps before and after, side by side, for `docs/statistics.md`.

    python -m benchmarks.before_after            print both tables
    python -m benchmarks.before_after --write    put them where the page has them

Before: Student's paired t test of each row alone (`variance: own`), Holm's method over the rows.
After: the variance model (`variance: shared`), with what evidence there is, on top-1; and had the
plan declared `metric: [top1, loss]`, on both, in one adjustment.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.runs.results import load_sweep
from workbench.statistics.comparison import Comparison
from workbench.statistics.facts import Method
from workbench.statistics.metric import LOSS, TOP1
from workbench.statistics.paired import compare_metrics

ROOT = Path(__file__).parents[1]
PAGE, FOLDERS = ROOT / "docs" / "statistics.md", ROOT / "results" / "measured"
PLANS = ("cmt_components", "norm", "attribution_digits", "quickstart", "noise_digits")
BEGIN, END = "<!-- verdicts before and after: begin -->", "<!-- verdicts before and after: end -->"


@dataclass(frozen=True, slots=True)
class Rejudged:
    """One row of a shipped sweep, by each way to judge."""

    plan: str
    evidence: bool
    before: Comparison
    after: Comparison
    both: tuple[Comparison, ...]


def rejudged(plan: str) -> Iterator[Rejudged]:
    """The compared rows of a shipped sweep."""
    sweep = load_sweep(FOLDERS / plan)
    facts, rows, runs = sweep.facts(), sweep.rows(), sweep.records()
    shared = replace(facts.method, variance="shared", metrics=(TOP1,))
    own, after, *both = (
        found
        for method in (Method(), shared, replace(shared, metrics=(TOP1, LOSS)))
        for found in compare_metrics(rows, runs, facts.seeds, None, 0, facts.test_images, method)
    )
    evidence = bool(shared.known)
    for name, before in own.items():
        yield Rejudged(plan, evidence, before, after[name], tuple(each[name] for each in both))


def tables(found: Sequence[Rejudged]) -> str:
    """How many rows are decided, by plan, and every row."""
    lines = [
        "| sweep | seeds | evidence | rows | decided before | after | after, with both metrics |",
        "|---|--:|---|--:|--:|--:|--:|",
    ]
    for plan in dict.fromkeys(each.plan for each in found):
        own = [each for each in found if each.plan == plan]
        seeds = max(len(each.after.seeds) for each in own)
        decided = (
            sum(each.before.decided for each in own),
            sum(each.after.decided for each in own),
            sum(any(one.decided for one in each.both) for each in own),
        )
        counts = " | ".join(map(str, (len(own), *decided)))
        lines.append(f"| `{plan}` | {seeds} | {'yes' if own[0].evidence else 'no'} | {counts} |")
    lines += [
        "",
        "| sweep | row | compared to | top-1, points | before | after | both: top-1, loss |",
        "|---|---|---|--:|---|---|---|",
    ]
    lines += [_line(each) for each in found]
    return "\n".join(lines)


def _line(found: Rejudged) -> str:
    after = found.after
    size = "" if after.mean is None else after.metric.signed(after.mean)
    both = ", ".join(str(each.verdict) for each in found.both)
    names = f"`{found.plan}` | {after.variant} | {after.compared_to}"
    return f"| {names} | {size} | {found.before.verdict} | {after.verdict} | {both} |"


def with_tables(page: str, made: str) -> str:
    """The page with the tables between its two marks."""
    above, _, rest = page.partition(BEGIN)
    _, _, below = rest.partition(END)
    return f"{above}{BEGIN}\n{made}\n{END}{below}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true")
    made = tables([each for plan in PLANS for each in rejudged(plan)])
    if parser.parse_args().write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_tables(page, made), encoding="utf-8")
    else:
        print(made)


if __name__ == "__main__":
    main()
