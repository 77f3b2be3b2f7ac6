"""What a sweep shows is found once, whatever is made of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.samples import FACTS, chain, factorial, sweep
from workbench.report import findings
from workbench.report.answer import answer
from workbench.report.figures import effects
from workbench.report.findings import Findings
from workbench.report.main_table import console_table, main_table
from workbench.report.write import write_report
from workbench.runs.results import load_sweep
from workbench.shipped import in_checkout
from workbench.statistics.attribution import Attribution
from workbench.statistics.facts import Method, PlanFacts, Race


@pytest.mark.slow
def test_a_report_compares_its_rows_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fronts ask of other pairs of rows, without resampling."""
    calls, compare_metrics = [], findings.compare_metrics

    def counted(*given: object, **named: object) -> object:
        resamples = given[4] if len(given) > 4 else None
        calls.extend([given] if resamples != 0 else [])
        return compare_metrics(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(findings, "compare_metrics", counted)
    found = Findings.of(load_sweep(in_checkout("results/measured/quickstart")))
    write_report(tmp_path, found)
    console_table(found)
    main_table(found)
    assert len(calls) == 1


def test_a_race_that_is_not_over_wants_seeds() -> None:
    rows, runs = sweep()
    facts = PlanFacts("race", seeds=tuple(range(6)), race=Race(3, 6))
    assert [each.variant for each in Findings(facts, rows, runs[:-1]).wanted] == ["norm_$bn$"]
    assert Findings(FACTS, rows, runs[:-1]).wanted == ()


def test_components_are_told_apart_where_the_rows_switch_them() -> None:
    assert Findings(FACTS, *sweep()).shares is None
    cells = {frozenset(c): [90.0 + len(c), 90.3 + len(c)] for c in ((), "a", "b", "ab")}
    full = Findings(PlanFacts("f", "factorial", seeds=(0, 1)), *factorial(("a", "b"), cells))
    assert isinstance(full.shares, Attribution)


@pytest.mark.parametrize("variance", ["own", "shared"])
def test_a_row_compared_to_several_has_a_verdict_for_each_in_one_family(variance: str) -> None:
    """With three comparisons instead of two each p value is adjusted over three."""
    means = {"a": [80.0, 80.5, 80.2], "b": [85.0, 85.2, 85.1], "c": [85.1, 85.4, 85.0]}
    rows, runs = chain(means)
    method = Method("own" if variance == "own" else "shared")
    facts = replace(FACTS, method=method)
    both = (*rows[:2], rows[2].model_copy(update={"also": ("a",)}))
    found = Findings(facts, both, runs)
    compared = [each.comparison for each in found.contrasts if each.comparison]
    assert [(each.variant, each.compared_to) for each in compared] == [
        ("b", "a"), ("c", "b"), ("c", "a"),
    ]  # fmt: skip
    assert [str(each.verdict) for each in compared] == ["helps", "undecided", "helps"]
    least = min(compared, key=lambda each: each.p or 1.0)
    assert least.p_holm == pytest.approx(3 * (least.p or 0))
    table = main_table(found)
    assert [row[0].text for row in table.rows] == ["a", "b", "c", "c"]
    names = [column.title for column in table.for_people().columns]
    assert [row[names.index("Compared to")].text for row in table.for_people().rows] == [
        "", "a", "b", "a",
    ]  # fmt: skip
    assert "c (+4.93 against a)" in answer(found)
    drawn = effects.draw(found.contrasts)
    assert drawn is not None
    assert len(drawn.axes[0].texts) == 4 * 3  # name, difference, other row and verdict of each
