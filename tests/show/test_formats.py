"""The table as CSV, JSON, Markdown and LaTeX."""

import csv
import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.samples import FACTS, sweep
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.show.formats import (
    as_csv,
    as_json,
    as_latex,
    as_markdown,
    csv_value,
    escape_latex,
    records,
)

HOSTILE = r"50% & $x_1$ \input{x} #~^ {a} | `b` <script>  é→Δ−± 中 --"


def test_csv_and_json_hold_the_same_unrounded_numbers() -> None:
    rows, runs = sweep(HOSTILE)
    table = main_table(Findings(FACTS, rows, runs))
    wanted = records(table)
    data = json.loads(as_json(table))
    assert data["rows"] == wanted
    assert data["notes"] == list(table.notes)
    read = list(csv.DictReader(io.StringIO(as_csv(table))))
    assert [row["variant"] for row in read] == [csv_value(row["variant"]) for row in wanted]
    for mine, theirs in zip(read, wanted, strict=True):
        for key in ("top1_mean", "top1_std", "difference_low", "p_holm", "macs"):
            assert (float(mine[key]) if mine[key] else None) == theirs[key]


def test_markdown_has_as_many_cells_in_every_row() -> None:
    rows, runs = sweep(HOSTILE)
    table = main_table(Findings(FACTS, rows, runs))
    lines = as_markdown(table).split("\n\n")[0].splitlines()
    bars = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert bars == {len(table.columns) + 1}
    assert len(lines) == len(rows) + 2
    assert "<script>" not in as_markdown(table).replace(r"\<script\>", "")


@settings(max_examples=50)
@given(st.text(max_size=30))
def test_no_text_is_left_as_a_command(text: str) -> None:
    escaped = escape_latex(text)
    assert escaped.isascii() or all(sign.isalpha() for sign in escaped if not sign.isascii())
    plain = re.sub(r"\\(text[a-z]+\{\}|ensuremath\{\\?[a-zA-Z<>|-]+\}|[&%$#_{}])", "", escaped)
    assert not set(plain.replace("{}", "")) & set('\\&%$#_{}~^<>|"')


@pytest.mark.parametrize("sign", "±−×→Δ≠†–—’")
def test_signs_of_our_tables_are_set_not_spelt_out(sign: str) -> None:
    assert "[U+" not in escape_latex(sign)


def test_latex_is_booktabs_with_one_line_for_each_row() -> None:
    rows, runs = sweep()
    table = as_latex(main_table(Findings(FACTS, rows, runs)))
    for word in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert table.count(word) == 1
    assert table.count(r"\tabularnewline") == len(rows) + 1
