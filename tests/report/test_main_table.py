import io
import re
from dataclasses import replace
from typing import Literal

import pytest
from rich.console import Console

from tests.support.samples import FACTS, chain, diverged, sweep
from workbench.report.findings import Findings
from workbench.report.main_table import console_table, main_table
from workbench.report.notes import order_note
from workbench.runs.rows import StoredRun
from workbench.show.console import count_text
from workbench.show.formats import records
from workbench.show.table import Table, number
from workbench.show.terminal import view
from workbench.statistics.facts import Method, PlanFacts, Race, Row


def printed(table: Table, width: int) -> str:
    text = io.StringIO()
    Console(file=text, width=width).print(view(table))
    return text.getvalue()


def test_each_row_carries_its_unrounded_values() -> None:
    rows, runs = chain({"a": [90.123456, 91, 90.5], "b": [95.1, 96, 95.4]})
    first, second = records(main_table(Findings(FACTS, rows, runs)))
    assert first["top1_mean"] == pytest.approx((90.123456 + 91 + 90.5) / 3, abs=1e-12)
    assert first["difference"] is None
    assert first["verdict"] is None
    assert second["params"] == 900_001
    assert second["compared_to"] == "a"
    assert second["pairs"] == second["runs"] == second["completed"] == 3


def test_lost_runs_stand_in_the_open() -> None:
    rows, runs = sweep()
    table = main_table(Findings(FACTS, rows, runs))
    lost = records(table)[-1]
    assert (lost["outcome"], lost["diverged"], lost["top1_mean"]) == ("3 of 3 diverged", 3, None)
    assert lost["reasons"] == "loss is nan"
    assert table.tones[-1] == "lost"
    assert "9.9" not in " ".join(cell.text for cell in table.rows[-1])


def test_a_partly_lost_row_is_named_in_a_note() -> None:
    rows, runs = chain({"a": [90, 91, 90.5], "b": [95.1, 96]})
    table = main_table(Findings(FACTS, rows, (*runs, diverged("b", 2))))
    assert any(note.startswith("Not every seed completed for b:") for note in table.notes)
    assert not any("Not every seed" in n for n in main_table(Findings(FACTS, rows, runs)).notes)


def test_an_unfinished_plan_says_so() -> None:
    rows, runs = sweep()
    assert (
        "Not finished: 11 of 12 runs have ended."
        in main_table(Findings(FACTS, rows, runs[:-1])).notes
    )
    assert not any("Not finished" in note for note in main_table(Findings(FACTS, rows, runs)).notes)


def test_notes_say_what_the_plan_can_not_show() -> None:
    rows, runs = sweep()
    notes = " ".join(main_table(Findings(FACTS, rows, runs)).notes)
    assert order_note("additive") in notes
    assert "another order gives other credits" in notes
    assert "need not add up" in order_note("leave_one_out")
    assert order_note("list") == ""
    assert "A note of the plan." in notes
    assert "Holm" in notes
    raced = " ".join(main_table(Findings(replace(FACTS, race=Race(3, 12)), rows, runs)).notes)
    assert "Pocock" in raced
    assert "Pocock" not in notes


@pytest.mark.parametrize("race", [None, Race(2, 9)])
@pytest.mark.parametrize("variance", ["own", "shared"])
def test_an_interval_leaves_zero_out_just_where_there_is_a_verdict(
    race: Race | None, variance: Literal["own", "shared"]
) -> None:
    """With two more rows to be adjusted for, a p value of 0.04 is none."""
    rows, runs = chain({"a": [90, 91, 90.5], "b": [92, 94.4, 93], "c": [92.1, 94, 93], "d": [93]})
    facts = replace(FACTS, race=race, method=Method(variance))
    for row in records(main_table(Findings(facts, rows, runs)))[1:3]:
        low, high = row["difference_low"], row["difference_high"]
        assert isinstance(low, float)
        assert isinstance(high, float)
        assert (low > 0 or high < 0) is (row["verdict"] in ("helps", "hurts"))


def test_undecided_says_what_it_would_take() -> None:
    rows, runs = chain({"a": [90, 91, 90.5], "b": [92, 94.4, 93], "c": [92.1, 94, 93], "d": [93]})
    table = main_table(Findings(FACTS, rows, runs))
    row, cells = records(table)[1], [cell.text for cell in table.rows[1]]
    assert isinstance(row["takes"], int)
    assert row["takes"] > 3
    more = row["takes"] - 3
    assert f"undecided (takes {more} more seed{'s' * (more > 1)})" in cells
    assert any("'Takes more seeds'" in note for note in table.notes)


def test_what_rounds_to_zero_has_no_minus_sign() -> None:
    rows, runs = chain({"a": [90.0, 91.0, 90.5], "b": [89.999, 90.998, 90.5]})
    table = main_table(Findings(FACTS, rows, runs))
    assert "+0.00 [" in table.rows[1][6].text
    assert not any(re.search(r"-0\.0+\b", cell.text) for row in table.rows for cell in row)
    assert [number(value, ".2f").text for value in (-0.001, -0.0, -0.01)] == [
        "0.00",
        "0.00",
        "-0.01",
    ]


def test_a_console_has_the_notes_that_its_rows_give_cause_for() -> None:
    rows, runs = chain({"a": [90], "b": [95.1]})
    one = " ".join(console_table(Findings(FACTS, rows, runs)).notes)
    assert "A note of the plan." in one
    assert "1 MAC = one multiply-add" in one
    for word in ("Holm", "standard deviation", "noise", "seen", "sqrt(6)", "another order"):
        assert word not in one
    three = console_table(Findings(FACTS, *sweep())).notes
    assert any("Holm" in note for note in three)
    alike = chain({"a": [90.0, 90.0, 90.1], "b": [95.0, 95.0, 95.1]})
    counted = console_table(Findings(replace(FACTS, test_images=600), *alike)).notes
    assert any("sqrt(6)" in note for note in counted)


def test_a_console_has_the_rows_that_have_runs_and_names_the_others() -> None:
    rows, runs = sweep()
    some = [run for run in runs if run.variant == "+ stem"]
    table = console_table(Findings(FACTS, rows, some))
    assert [row["variant"] for row in records(table)] == ["+ stem"]
    assert "3 of 4 rows have no runs and are left out: base, + LPU, norm_$bn$." in table.notes
    assert len(console_table(Findings(FACTS, rows, ())).rows) == len(
        main_table(Findings(FACTS, rows, some)).rows
    )


def test_published_numbers_of_another_data_set_are_left_to_the_files() -> None:
    rows, runs = sweep()
    named = (rows[0].model_copy(update={"published": "cmt_ablation/+ LPU"}), *rows[1:])
    title = "Published on ImageNet-1k, %"
    assert title in [each.title for each in main_table(Findings(FACTS, named, runs)).columns]
    console = console_table(Findings(FACTS, named, runs))
    assert title not in [each.title for each in console.columns]
    assert "of another data set, are in published.md" in console.notes[-1]
    table = main_table(Findings(FACTS, named, runs))
    shown = table.rows[0][-1].text
    assert "82.7 [1], " in shown
    assert "confidence, secondary summary" in shown
    assert "on another data set" in table.notes[-1]
    assert "Read in: [1] " in table.notes[-1]
    same = replace(FACTS, dataset="ImageNet-1k")
    assert console_table(Findings(same, named, runs)).columns[-1].title == "Published, %"


@pytest.mark.parametrize("width", [200, 120, 80, 40, 20])
def test_the_terminal_keeps_every_row_and_column_at_any_width(width: int) -> None:
    rows, runs = sweep()
    text = printed(main_table(Findings(FACTS, rows, runs)), width)
    assert max(map(len, text.splitlines())) <= width
    joined = "".join(text.split())
    for word in ("base", "+stem", "norm_$bn$", "slot=base", "3of3", "diverged", "93.0"):
        assert word in joined
    for title in ("MACs", "Seeds"):
        assert title in joined  # a column, or named as left out


def test_a_log_file_is_no_wider_than_a_terminal_of_its_width() -> None:
    rows, runs = sweep()
    table, texts = main_table(Findings(FACTS, rows, runs)), []
    for terminal in (True, False):
        text = io.StringIO()
        console = Console(file=text, width=100, force_terminal=terminal, color_system=None)
        console.print(view(table))
        texts.append(text.getvalue())
    plain = re.sub(r"\x1b\[[0-9;]*m", "", texts[0])
    assert plain == texts[1]
    assert max(map(len, texts[1].splitlines())) <= 100


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (60, "No room for Params, MACs, Seeds, Detectable, Outcome:"),
        (80, "No room for Params, Detectable, Outcome:"),
        (100, "No room for Detectable, Outcome:"),
        (160, None),
    ],
)
def test_what_decides_stays_longest_and_what_goes_is_named(width: int, gone: str | None) -> None:
    """Variant, top-1 and verdict at 60 columns; a lost row says so under its name."""
    rows, runs = sweep()
    text = printed(main_table(Findings(FACTS, rows, runs)), width)
    header = text.splitlines()[1]
    assert all(title in header for title in ("Variant", "Top-1, %", "Verdict"))
    assert (gone in text) if gone else ("No room for" not in text)
    assert ("Outcome" in header) is (gone is None)
    assert "diverged" in text


def test_names_that_look_like_rich_markup_are_printed_as_they_are() -> None:
    rows, runs = sweep("[red]x[/red]")
    assert "[red]x[/red]" in printed(main_table(Findings(FACTS, rows, runs)), 200)


def test_before_any_run_the_table_is_empty_not_zero() -> None:
    rows = (Row(name="a", params=5, macs=7), Row(name="b", compared_to="a"))
    found = records(main_table(Findings(PlanFacts("p"), rows, ())))
    assert found[0]["top1_mean"] is None
    assert found[1]["verdict"] == "none"
    empty: tuple[StoredRun, ...] = ()
    assert "0/0" in printed(main_table(Findings(PlanFacts("p"), rows, empty)), 120)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        (999, "999"),
        (1_000, "1.00 k"),
        (9_492_426, "9.49 M"),
        (26_256_160, "26.3 M"),
        (638_904_600, "639 M"),
        (4_031_742_464, "4.03 G"),
    ],
)
def test_counts_in_short(value: int | None, text: str) -> None:
    assert count_text(value) == text
