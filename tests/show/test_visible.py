"""Names from files can't steer a terminal, a spreadsheet or the reader of an SVG."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.text import Text

from workbench.errors import visible
from workbench.show import figures
from workbench.show.console import make_console
from workbench.show.formats import as_csv, as_json, as_markdown
from workbench.show.table import Column, Table, cell
from workbench.show.terminal import view

EVIL = "red \x1b[31mtitle\x1b]0;x\x07 \x9b2J \u202egnp"
TABLE = Table("names", (Column("name", ("name",), "name"),), [(cell(EVIL),)])


@pytest.mark.parametrize("what", [EVIL, Text(EVIL), view(TABLE)], ids=["text", "rich", "table"])
def test_no_control_character_reaches_the_terminal(
    what: object, capsys: pytest.CaptureFixture[str]
) -> None:
    make_console().print(what, markup=False)
    printed = capsys.readouterr().out
    assert r"\x1b[31m" in printed
    assert not set(EVIL) & set(printed) & set("\x1b\x07\x9b\u202e")


def test_what_is_printed_as_data_has_none_either() -> None:
    assert json.loads(as_json(TABLE))["rows"] == [{"name": EVIL}]
    for text in (as_csv(TABLE), as_markdown(TABLE), as_json(TABLE)):
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)


def test_usual_text_stays() -> None:
    text = "Δ top-1 ≥ 0.5 %, naïve, 深度, 🙂\tx\ny"
    assert visible(text) == text


@pytest.mark.parametrize(
    ("name", "written"),
    [("=cmd()", "'=cmd()"), ("+ LPU", "'+ LPU"), ("@SUM", "'@SUM"), ("-x", "'-x"), ("-1.5", "-1.5"),
     ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"), ("-1e-05", "-1e-05"), ("-.5", "-.5"),
     ("a = b", "a = b"), ("", "")],
)  # fmt: skip
def test_a_text_is_no_formula_in_a_spreadsheet(name: str, written: str) -> None:
    table = Table("", (Column("name", ("name", "value")),), [(cell(name, name, -1.5),)])
    (row,) = csv.DictReader(io.StringIO(as_csv(table)))
    assert row == {"name": written, "value": "-1.5"}


def test_an_svg_with_such_a_name_is_xml(tmp_path: Path) -> None:
    made = figures.figure(2.5, 1.0)
    made.text(0.5, 0.5, EVIL)
    (path,) = figures.save(made, tmp_path, "evil", ["svg"])
    ElementTree.parse(path)
