"""Tables that fit any width: nothing is cut, no name is broken, what goes is named."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from workbench.show.table import Column, Printout, Table, cell, number
from workbench.show.terminal import view


def lines(view: RenderableType, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


COLUMNS = (
    Column("name", ("name",), "name"),
    Column("what it says", ("says",), "text", rank=1, under="lost"),
    Column("count", ("count",), rank=2),
    Column("never measured", ("measured",)),
)
ROWS = (
    (cell("a first name"), cell("a long text that goes on and on"), number(1234567), number(None)),
    (cell("b"), cell("short", style="red"), number(12), number(None)),
)
TABLE = Table("", COLUMNS, ROWS, ("", "lost"))


def test_a_table_with_room_shows_every_column_that_has_something_to_show() -> None:
    assert lines(view(TABLE), 80) == [
        "name          what it says                         count",
        "a first name  a long text that goes on and on  1,234,567",
        "b             short                                   12",
    ]


def test_columns_go_by_rank_and_a_line_says_which_and_what_shows_them() -> None:
    assert lines(view(TABLE), 30) == [
        "name          what it says",
        "a first name  a long text that",
        "              goes on and on",
        "b             short",
        "No room for count: a width of ",
        "37 (COLUMNS) or --json has ",
        "them.",
    ]
    assert lines(view(TABLE), 37)[0].split() == ["name", "what", "it", "says", "count"]
    narrow = lines(view(TABLE), 20)
    assert narrow[2:4] == ["b", "  short"]  # below its row
    assert "No room for what it says, count:" in " ".join(" ".join(narrow).split())


def test_what_has_no_room_for_a_table_is_a_block_for_each_row() -> None:
    columns = (Column("name", ("name",), "name"), Column("count", ("count",)))
    table = Table("", columns, [(cell("a name of some length"), number(1234567890))])
    assert [line.rstrip() for line in lines(view(table), 24)] == [
        "a name of some length",
        "count 1,234,567,890",
    ]


texts = st.lists(st.text("ab,. ", min_size=1, max_size=30), min_size=4, max_size=4)


@given(st.lists(texts, min_size=1, max_size=4), st.integers(32, 120))
def test_no_line_is_wider_than_the_console_and_every_name_stands_in_one(
    cells: list[list[str]], width: int
) -> None:
    rows = [("#" + row[0].replace(" ", "-"), *row[1:]) for row in cells]
    table = Table("", COLUMNS, [tuple(map(cell, row)) for row in rows])
    found = lines(view(table), width)
    assert max(map(len, found)) <= width
    for row in rows:
        assert any(line.startswith(row[0]) for line in found)


def test_tables_stand_apart_and_what_is_to_be_read_last_is_last() -> None:
    one = Table("one", COLUMNS[:1], [(cell("a"),)], notes=("a note",), about=("about it",))
    two = Table("", COLUMNS[:1], [(cell("b"),)], header=False)
    found = lines(view(Printout((one, two), ("below",), ("the answer",))), 40)
    assert found == ["one", "about it", "name", "a", "a note", "", "b", "", "below", "the answer"]
    assert lines(view(Printout((two,), ("below",), ("the answer",))), 40) == [
        "b", "below", "the answer",
    ]  # fmt: skip
