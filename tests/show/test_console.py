"""One width for all commands, commands to paste, counts in words."""

import io
import shlex

import pytest
from rich.console import Console, RenderableType

from workbench.show.console import (
    PIPED,
    Command,
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
