"""The answer says what the verdicts say, and nothing that is not known."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.samples import FACTS, chain, factorial, sweep
from workbench.report.answer import answer
from workbench.report.findings import Findings
from workbench.report.write import write_report
from workbench.statistics.comparison import Verdict
from workbench.statistics.facts import Method, PlanFacts, Race

STEPS = {
    "base": [90.0, 90.2, 90.1],
    "+ stem": [95.0, 95.3, 95.1],
    "+ LPU": [95.2, 95.2, 95.4],
    "+ head = CMT": [92.0, 92.3, 92.1],
}


def found(kind: str = "additive", seconds: float | None = 10.0) -> Findings:
    rows, runs = chain(STEPS)
    timed = tuple(run.model_copy(update={"seconds": seconds}) for run in runs)
    return Findings(replace(FACTS, kind=kind, method=Method("shared")), rows, timed)


def test_every_compared_row_stands_under_its_verdict() -> None:
    told = answer(found())
    assert told.startswith("Of 3 steps, stem (+5.03) earns its cost; head (-3.13) lowers top-1; ")
    assert "LPU is undecided with 3 seeds." in told


def test_deciding_takes_the_seeds_and_the_seconds_of_both_rows() -> None:
    result = next(each for each in found().results if each.row.name == "+ LPU")
    assert result.comparison is not None
    assert result.comparison.verdict is Verdict.UNDECIDED
    assert result.comparison.takes is not None
    more = result.comparison.takes - 3
    text = f"would take {more} more seeds of it and of + stem, about {more * 20 // 60} min"
    assert text in answer(found())
    assert answer(found(seconds=None)).endswith(f"would take {more} more seeds.")


def test_a_component_that_is_missed_earns_its_cost() -> None:
    rows, runs = chain({"all": [95.0, 95.3, 95.1], "without stem": [90.3, 89.9, 90.1]})
    facts = replace(FACTS, kind="leave_one_out", method=Method("shared"))
    assert answer(Findings(facts, rows, runs)) == "stem (-5.03) earns its cost."
    listed = replace(facts, kind="list")
    assert answer(Findings(listed, rows, runs)) == "without stem (-5.03) is worse than all."


def test_nothing_is_said_of_what_is_not_known() -> None:
    rows, runs = chain(STEPS)
    assert answer(Findings(FACTS, rows, ())) == ""
    one = tuple(run for run in runs if run.seed == 0)
    told = answer(Findings(FACTS, rows, one))
    assert told.startswith("So far: of 3 steps, stem, LPU and head have no verdict (one seed")
    assert "Deciding" not in told
    same, alike = chain({"a": [90.0, 91.0], "b": [90.0, 91.0]})
    assert "no verdict" in answer(Findings(replace(FACTS, seeds=(0, 1)), same, alike))
    assert answer(Findings(FACTS, rows[:1], runs[:3])) == ""


def test_rows_that_differ_in_their_training_are_no_components() -> None:
    """One network throughout; names that a list would break stand in quotes."""
    taught = {"scratch": STEPS["base"], "tuned, few": STEPS["+ stem"], "tuned": STEPS["+ LPU"]}
    rows, runs = chain(taught)
    alike = tuple(row.model_copy(update={"params": 9, "macs": 99}) for row in rows)
    told = answer(Findings(replace(FACTS, method=Method("shared")), alike, runs))
    better = 'Of 2 rows, "tuned, few" (+5.03 against scratch) is better; '
    assert told.startswith(f'{better}tuned (against "tuned, few") is undecided with 3 seeds.')
    begun = answer(Findings(FACTS, alike, runs[:6]))
    assert begun.endswith("is better; tuned has no runs yet.")  # said once what it is against
    assert "Deciding tuned, if its difference is as observed (+0.13 points), would take" in told


def test_rows_that_have_not_begun_are_said_to_wait() -> None:
    rows, runs = chain(STEPS)
    some = tuple(run for run in runs if run.variant in ("base", "+ stem"))
    told = answer(Findings(FACTS, rows, some))
    assert told == "So far: of 3 steps, stem (+5.03) earns its cost; LPU and head have no runs yet."


def test_a_race_that_goes_on_says_for_which_rows() -> None:
    plan = found()
    raced = replace(plan.facts, seeds=tuple(range(9)), race=Race(3, 9), method=Method())
    told = answer(Findings(raced, plan.rows, plan.runs))
    assert told.startswith("So far: ")
    assert re.search(r"The race goes on for .*LPU", told)
    assert "more seeds" not in told


def test_a_factorial_is_answered_by_shares_and_interactions() -> None:
    values = {frozenset(c): [90.0 + 4 * ("a" in c), 90.3 + 4 * ("a" in c)] for c in ("", "a", "b")}
    values[frozenset("ab")] = [94.0, 94.31]
    rows, runs = factorial(("a", "b"), values)
    facts = PlanFacts("f", "factorial", seeds=(0, 1), test_images=1000)
    told = answer(Findings(facts, rows, runs))
    assert told.startswith("All components together are worth +4.01 [")
    assert "Of 2 shares, a (+4.00) is real; b is undecided with 2 seeds." in told
    assert "Of 1 interaction, a with b is undecided with 2 seeds." in told


@pytest.mark.usefixtures("undrawn")
def test_it_stands_in_the_markdown_in_the_json_and_on_the_page(tmp_path: Path) -> None:
    told = Findings(FACTS, *sweep())
    write_report(tmp_path, told)
    data = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert (data["question"], data["answer"]) == (FACTS.question, answer(told))
    assert {"title", "rows", "notes"} < set(data)
    first, second, *_ = (tmp_path / "table.md").read_text(encoding="utf-8").split("\n\n")
    assert first == FACTS.question
    assert second.replace("\\", "") == answer(told)
    assert answer(told) in (tmp_path / "report.html").read_text(encoding="utf-8")
