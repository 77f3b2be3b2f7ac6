"""Main effects from a fraction, and interactions from pairs, against effects that are known."""

from collections.abc import Callable, Collection
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student_t

from tests.support.samples import completed, diverged
from tests.support.sweeps import options, quiet
from workbench.plans.file import parse_plan
from workbench.plans.resolution import resolve
from workbench.report.findings import Findings
from workbench.report.shares import effects_table, pairs_table
from workbench.report.write import write_report
from workbench.runs.results import load_sweep
from workbench.runs.rows import StoredRun
from workbench.runs.sweep import run_sweep
from workbench.statistics.effects import main_effects, pair_interactions
from workbench.statistics.facts import PlanFacts, Row

SEEDS = (0, 1, 2)
Truth = Callable[[Collection[str]], float]


def rows_of(kind: str, names: str, mode: str = "remove", **more: Any) -> tuple[Row, ...]:
    toggles = {name: f"{name}=1" for name in names}
    fields = {"kind": kind, "name": "f", "recipe": "digits", "base": "b", "toggles": toggles}
    return parse_plan({**fields, "mode": mode, **more}).choices()


def measured(rows: tuple[Row, ...], truth: Truth, noise: float = 0.0) -> tuple[StoredRun, ...]:
    """By seed; a seed moves all rows alike, which no effect may see."""
    rng = np.random.default_rng(0)
    return tuple(
        completed(row.name, seed, truth(row.present or ()) + seed + rng.normal(0, noise))
        for row in rows
        for seed in SEEDS
    )


def additive(on: Collection[str]) -> float:
    return 70 + sum({"A": 4.0, "B": 2.0, "C": -1.0, "D": 0.5}[name] for name in on)


@pytest.mark.parametrize("mode", ["remove", "add"])
def test_a_half_fraction_finds_every_main_effect(mode: str) -> None:
    rows = rows_of("factorial", "ABCD", mode, generators={"D": ["A", "B", "C"]})
    found = main_effects(rows, measured(rows, additive, 0.01), SEEDS)
    assert found is not None
    sizes = {effect.label: effect.size.mean for effect in found.effects}
    assert sizes == pytest.approx(
        {"A": 4, "B": 2, "C": -1, "D": 0.5,
         "A x B, or C x D": 0, "A x C, or B x D": 0, "A x D, or B x C": 0},
        abs=0.03,
    )  # fmt: skip
    assert found.effects[0].size.interval is not None


@pytest.mark.parametrize(("mode", "label"), [("remove", "C, or A x B"), ("add", "C, or -A x B")])
def test_what_cannot_be_told_apart_stands_in_one_line_with_its_sign(mode: str, label: str) -> None:
    """At resolution III: a truth that is all interaction of A and B looks like C."""
    rows = rows_of("factorial", "ABC", mode, generators={"C": ["A", "B"]})

    def truth(on: Collection[str]) -> float:
        return 70 + 3.0 * (1 if ("A" in on) is ("B" in on) else -1)

    found = main_effects(rows, measured(rows, truth), SEEDS)
    assert found is not None
    sizes = {effect.label: effect.size.mean for effect in found.effects}
    assert label in sizes
    assert sizes[label] == pytest.approx(6.0 if mode == "remove" else -6.0)
    assert sum(map(abs, sizes.values())) == pytest.approx(6.0)


@pytest.mark.parametrize("mode", ["remove", "add"])
def test_pairs_find_the_interaction_and_nothing_else(mode: str) -> None:
    rows = rows_of("pairs", "ABCD", mode)

    def truth(on: Collection[str]) -> float:
        return additive(on) + (1.5 if {"A", "C"} <= set(on) else 0.0)

    found = pair_interactions(rows, measured(rows, truth), SEEDS)
    assert found is not None
    sizes = {(one, other): size.mean for one, other, size in found.pairs}
    wanted = dict.fromkeys(combinations("ABCD", 2), 0.0) | {("A", "C"): 1.5}
    assert sizes == pytest.approx(wanted, abs=1e-9)
    alone = [size.mean for size in found.alone]
    last = [5.5, 2.0, 0.5, 0.5] if mode == "remove" else [4.0, 2.0, -1.0, 0.5]
    assert alone == pytest.approx(last)
    table = pairs_table(found)
    assert table.rows[0][1].text == ("added last" if mode == "remove" else "alone")
    assert [cell.text for cell in table.rows[5]][:2] == ["A and C", "interaction"]


@pytest.mark.parametrize("kind", ["fraction", "pairs"])
def test_no_interval_is_narrower_than_the_counting_of_images(kind: str) -> None:
    if kind == "pairs":
        rows, weight = rows_of("pairs", "AB"), np.sqrt(2)  # 1, -1
        pairs = pair_interactions(rows, measured(rows, additive), SEEDS, images=500)
        first = pairs.alone[0] if pairs else None
    else:
        rows, weight = rows_of("factorial", "ABC", generators={"C": ["A", "B"]}), 1.0  # 4 halves
        effects = main_effects(rows, measured(rows, additive), SEEDS, images=500)
        first = effects.effects[0].size if effects else None
    assert first is not None
    assert first.interval is not None
    half = student_t.ppf(0.975, 2) * 0.2 / np.sqrt(12)  # of one top-1, in steps of 0.2 points
    assert first.interval.high - first.mean == pytest.approx(half * weight)


def test_a_seed_that_is_not_complete_is_left_out_in_the_open() -> None:
    rows = rows_of("pairs", "AB")
    runs = measured(rows, additive)
    lost = tuple(run for run in runs if (run.variant, run.seed) != ("all", 1))
    found = pair_interactions(rows, (*lost, diverged("all", 1)), SEEDS)
    assert found is not None
    assert (found.seeds, found.left_out) == ((0, 2), (1,))
    assert "Left out, since not every row completed: seed 1." in pairs_table(found).notes
    fraction = rows_of("factorial", "ABC", generators={"C": ["A", "B"]})
    assert main_effects(fraction, (), SEEDS) is None
    some = main_effects(fraction, measured(fraction, additive), SEEDS)
    assert some is not None
    assert "can't be told apart" in effects_table(some).notes[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "more", "files"),
    [
        ("factorial", {}, {"shares.csv", "attribution.svg", "interactions.svg"}),
        ("factorial", {"generators": {"depth": ["LPU", "width"]}}, {"shares.csv"}),
        ("pairs", {}, {"shares.csv", "interactions.svg"}),
    ],
)
def test_a_sweep_of_toggles_is_attributed(
    tmp_path: Path, kind: str, more: dict[str, Any], files: set[str]
) -> None:
    toggles = {"LPU": "lpu=none", "width": "dim=4", "depth": "depth=2"}
    data = {"kind": kind, "name": "f", "seeds": 2, "recipe": "digits", "base": "small"}
    plan = resolve(parse_plan({**data, "toggles": toggles, **more}))
    run_sweep(plan, tmp_path, options("noisy", jobs=2), quiet())
    sweep = load_sweep(tmp_path)
    written = {p.name for p in write_report(tmp_path, Findings.of(sweep))}
    assert files <= written
    assert ("attribution.svg" in written) is ("attribution.svg" in files)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("resolution III" in page) is bool(more)


def test_a_plan_without_toggles_is_not_attributed(tmp_path: Path) -> None:
    rows = (Row(name="a"), Row(name="b", compared_to="a"))
    written = write_report(tmp_path, Findings(PlanFacts("p", "factorial"), rows, ()))
    assert not any(path.name.startswith("shares") for path in written)
