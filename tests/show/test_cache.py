"""What is kept is what would be made: to the byte, and only while nothing changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.show import cache
from workbench.show.cache import Shown, kept
from workbench.show.console import Command
from workbench.show.formats import Form, json_text, printed
from workbench.show.table import Column, Printout, Table, cell, number

VERSIONS = {"torch": "2"}
WIDE = Column("pixels", ("height", "width"), "numbers", rank=2, under="all", files_only=True)


class Maker:
    """Counts its calls; what it makes has every field that a printout may have."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Shown:
        self.calls += 1
        columns = (Column("name", ("name",), "name"), Column("top-1", ("top1",)), WIDE)
        rows = [
            (cell("a", style="red"), number(0.1 + 0.2, ".2f"), cell("2 x 3", 2, 3)),
            (cell("é"), number(None), cell("", None, None)),
        ]
        table = Table("Title", columns, rows, ("good", ""), ("note",), ("about",), header=False)
        says = ("last", Command(["workbench", "report", "my results"]))
        return Printout((table, table.for_people()), ("more",), says), {"calls": self.calls}


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, in a process that seems to be without torch."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch")
    cache.sources.cache_clear()
    return tmp_path / "cmt-workbench" / "shown"


def texts(shown: Shown) -> list[str]:
    found = shown[0]
    says = [str(each) for each in found.says] if isinstance(found, Printout) else []
    forms = [form for form in Form if form not in (Form.TEXT, Form.JSON)]
    return [json_text(shown[1]), *says, *(printed(found, form) for form in forms)]


def test_the_second_call_makes_nothing_and_shows_the_same() -> None:
    make = Maker()
    first, second = kept(["models"], VERSIONS, make), kept(["models"], VERSIONS, make)
    assert make.calls == 1
    assert texts(first) == texts(second)
    assert isinstance(first[0], Printout)
    assert isinstance(second[0], Printout)
    assert first[0].tables == second[0].tables


def test_a_single_table_is_kept_too() -> None:
    table = Table("", (Column("name", ("name",)),), [(cell("a"),)])
    assert kept(["one"], {}, lambda: (table, [1])) == kept(["one"], {}, Maker()) == (table, [1])


def test_other_words_or_versions_are_made_anew() -> None:
    make = Maker()
    for typed, torch in ((["a"], "2"), (["b"], "2"), (["a", None], "2"), (["a"], "3")):
        kept(typed, {"torch": torch}, make)
    assert make.calls == 4


@pytest.mark.parametrize("place", ["PACKAGE", "PUBLISHED"])
def test_changed_sources_or_published_numbers_never_show_an_old_number(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, home = Maker(), tmp_path / "home"
    (home / "inner").mkdir(parents=True)
    source = home / "inner" / "zoo.py" if place == "PACKAGE" else home / "zoo.csv"
    monkeypatch.setattr(cache, place, home)
    for text in ("dim = 46", "dim = 47"):
        source.write_text(text)
        cache.sources.cache_clear()
        kept(["a"], VERSIONS, make)
    assert make.calls == 2


@pytest.mark.parametrize("damage", ["", "{", "[]", "3", '{"table": {}}', '{"tables": 1}', "\xff"])
def test_a_damaged_file_is_passed_over_and_written_again(damage: str, fresh: Path) -> None:
    make = Maker()
    kept(["a"], VERSIONS, make)
    (file,) = fresh.iterdir()
    file.write_bytes(damage.encode("latin-1"))
    kept(["a"], VERSIONS, make)
    kept(["a"], VERSIONS, make)
    assert make.calls == 2


def test_a_digit_that_flipped_is_not_shown(fresh: Path) -> None:
    make = Maker()
    kept(["a"], VERSIONS, make)
    (file,) = fresh.iterdir()
    whole = file.read_text()
    assert "0.30" in whole
    file.write_text(whole.replace("0.30", "0.80"))
    assert "0.80" not in "".join(texts(kept(["a"], VERSIONS, make)))
    assert make.calls == 2


def test_a_folder_that_can_not_be_written_costs_the_time_alone(tmp_path: Path) -> None:
    (tmp_path / "cmt-workbench").write_text("a file where the folder would be")
    make = Maker()
    assert texts(kept(["a"], VERSIONS, make)) != texts(kept(["a"], VERSIONS, make))
    assert make.calls == 2


def test_a_process_with_torch_reads_and_keeps_nothing(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", pytest)
    make = Maker()
    kept(["a"], VERSIONS, make)
    kept(["a"], VERSIONS, make)
    assert make.calls == 2
    assert not fresh.exists()


def test_the_oldest_files_go(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST", 3)
    for name in "abcde":
        kept([name], VERSIONS, Maker())
    assert len(list(fresh.iterdir())) == 3


COMMAND = """
import sys
from workbench.cli import app
app([*sys.argv[2:]], standalone_mode=False)
assert ("torch" in sys.modules) == (sys.argv[1] == "torch"), "torch"
"""


def shown_by(words: list[str], torch: bool) -> bytes:
    wanted = "torch" if torch else "none"
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, wanted, *words], check=True, capture_output=True
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["models"], ["cost", "cmt_digits", "lpu=none", "--json"]], ids=lambda words: words[0]
)
def test_a_command_given_again_prints_the_same_bytes_without_torch(words: list[str]) -> None:
    assert shown_by(words, torch=True) == shown_by(words, torch=False)


@pytest.mark.slow
def test_a_network_with_modules_of_ones_own_is_never_kept(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.parent.parent.joinpath("mine.py").write_text("")
    monkeypatch.chdir(fresh.parent.parent)
    monkeypatch.setenv("PYTHONPATH", str(Path(cache.__file__).parents[2]))
    shown_by(["cost", "cmt_digits", "--import", "mine"], torch=True)
    assert not fresh.exists()
