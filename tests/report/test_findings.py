"""What a sweep shows is found once, whatever is made of it."""

from pathlib import Path

import pytest

from tests.support.samples import FACTS, factorial, sweep
from workbench.report import findings
from workbench.report.findings import Findings
from workbench.report.main_table import console_table, main_table
from workbench.report.write import write_report
from workbench.runs.results import load_sweep
from workbench.shipped import in_checkout
from workbench.statistics.attribution import Attribution
from workbench.statistics.facts import PlanFacts, Race


@pytest.mark.slow
def test_a_report_compares_its_rows_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fronts ask of other pairs of rows, without resampling."""
    calls, compare_rows = [], findings.compare_rows

    def counted(*given: object, **named: object) -> object:
        resamples = given[4] if len(given) > 4 else None
        calls.extend([given] if resamples != 0 else [])
        return compare_rows(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(findings, "compare_rows", counted)
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
