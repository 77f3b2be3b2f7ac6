"""Tables that fit any width, one width for all commands, counts in words."""

import io
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType
from rich.text import Text

from workbench.show.console import (
    PIPED,
    Column,
    Command,
    Row,
    Table,
    count_text,
    exact_text,
    make_console,
    plural,
)


def lines(view: RenderableType, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


COLUMNS = (
    Column("name", right=False),
    Column("what it says", right=False, breaks=True, rank=1),
    Column("count", rank=2),
    Column("never measured"),
)
ROWS = (
    Row(("a first name", "a long text that goes on and on", "1,234,567", "")),
    Row(("b", Text("short", style="red"), "12", ""), below=(1,)),
)


def test_a_table_with_room_shows_every_column_that_has_something_to_show() -> None:
    assert lines(Table(COLUMNS, ROWS), 80) == [
        "name          what it says                         count",
        "a first name  a long text that goes on and on  1,234,567",
        "b             short                                   12",
    ]


def test_columns_go_by_rank_and_a_line_says_which_and_what_shows_them() -> None:
    assert lines(Table(COLUMNS, ROWS), 30) == [
        "name          what it says",
        "a first name  a long text that",
        "              goes on and on",
        "b             short",
        "No room for count: a width of ",
        "37 (COLUMNS) or --json has ",
        "them.",
    ]
    assert lines(Table(COLUMNS, ROWS), 37)[0].split() == ["name", "what", "it", "says", "count"]
    narrow = lines(Table(COLUMNS, ROWS), 20)
    assert narrow[2:4] == ["b", "  short"]  # below its row
    assert "No room for what it says, count:" in " ".join(" ".join(narrow).split())


def test_what_has_no_room_for_a_table_is_a_block_for_each_row() -> None:
    columns = (Column("name", right=False), Column("count"))
    rows = [Row(("a name of some length", "1,234,567,890"))]
    assert [line.rstrip() for line in lines(Table(columns, rows), 24)] == [
        "a name of some length",
        "count 1,234,567,890",
    ]


texts = st.lists(st.text("ab,. ", min_size=1, max_size=30), min_size=4, max_size=4)


@given(st.lists(texts, min_size=1, max_size=4), st.integers(32, 120))
def test_no_line_is_wider_than_the_console_and_every_name_stands_in_one(
    cells: list[list[str]], width: int
) -> None:
    rows = [Row(("#" + row[0].replace(" ", "-"), *row[1:])) for row in cells]
    found = lines(Table(COLUMNS, rows), width)
    assert max(map(len, found)) <= width
    for row in rows:
        assert any(line.startswith(str(row.cells[0])) for line in found)


def test_a_command_is_pasted_as_it_stands_at_any_width() -> None:
    words = ("workbench", "cost", "cmt_s", "depth=[4,4,19,4]", "name=it's", "stem.dim=42")
    for width in (30, 40, 60, 200):
        found = lines(Command(words), width)
        assert max(map(len, found)) <= width
        assert shlex.split("\n".join(found).replace("\\\n", "")) == list(words)  # as a shell


def test_the_width_is_that_of_columns_or_a_fixed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.delenv("COLUMNS", raising=False)
    assert make_console().width == PIPED
    monkeypatch.setenv("COLUMNS", "77")
    assert make_console().width == 77


def test_counts_in_words() -> None:
    assert [plural(count, "epoch") for count in (0, 1, 2)] == ["0 epochs", "1 epoch", "2 epochs"]
    assert exact_text(2_916_632_576) == "2,916,632,576 (2.92 G)"
    assert exact_text(768) == "768"
    assert count_text(None) == ""
