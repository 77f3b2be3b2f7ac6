"""The rooms are as CONTRIBUTING.md's table has them: complete, in order, none too large."""

import ast
import re
from collections import Counter
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workbench"
LARGEST_SHARE = 0.20  # of all lines, for one room
MOST_FILES = 17  # on one level of a room, beside its `__init__.py`
FACADE = ("__init__", "__main__")  # above all rooms

Graph = dict[str, set[str]]


def table() -> list[str]:
    """The rooms from top to bottom, `cli`, `notebook`, ..., as the table names them."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## The rooms")[2].partition("\n## ")
    rooms = re.findall(r"^\| `(\w+)(?:/|\.py)`", section[0], re.MULTILINE)
    assert len(rooms) > 10
    return rooms


def name_of(file: Path) -> str:
    """`workbench.cost` for its `__init__.py`, `workbench.cost.trace` for `trace.py`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imported(file: Path) -> set[str]:
    """The project's files that one of them imports, wherever in it."""
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides which room it is from"
            inside = {f"{node.module}.{each.name}" for each in node.names}
            found |= {name if name in FILES else str(node.module) for name in inside}
    return {name for name in found if name in FILES}


IMPORTS: Graph = {name: imported(file) - {name} for name, file in FILES.items()}


def room_of(name: str) -> str:
    """`cost` of `workbench.cost.trace`; `__init__` of `workbench` itself."""
    return [*name.split("."), "__init__"][1]


def upward(imports: Graph, order: list[str]) -> list[str]:
    """The imports that go from a room to one above it."""
    place = {room: index for index, room in enumerate([*FACADE, *order])}
    return [
        f"{name} imports {other}"
        for name, others in imports.items()
        for other in sorted(others)
        if place[room_of(other)] < place[room_of(name)]
    ]


def test_the_table_names_every_room_once() -> None:
    files, folders = PACKAGE.glob("*.py"), PACKAGE.glob("*/__init__.py")
    there = {path.stem for path in files} | {path.parent.name for path in folders}
    assert Counter(table()) == Counter(there - set(FACADE))


def test_nothing_imports_upwards() -> None:
    assert upward(IMPORTS, table()) == []


def test_an_upward_import_is_seen() -> None:
    for above, below in pairwise(table()):
        assert upward({f"workbench.{below}.x": {f"workbench.{above}.y"}}, table())


def test_no_file_imports_itself_in_a_circle() -> None:
    TopologicalSorter(IMPORTS).prepare()  # its error names the circle


def test_no_room_is_too_large() -> None:
    lines = Counter[str]()
    for name, file in FILES.items():
        lines[room_of(name)] += len(file.read_text(encoding="utf-8").splitlines())
    shares = {room: count / lines.total() for room, count in lines.items()}
    assert {room: share for room, share in shares.items() if share > LARGEST_SHARE} == {}


def test_no_level_has_too_many_files() -> None:
    levels = Counter(file.parent for file in FILES.values() if file.stem != "__init__")
    assert {level: count for level, count in levels.items() if count > MOST_FILES} == {}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("__init__.py")), ids=name_of)
def test_a_room_opens_with_a_sentence_that_says_what_belongs_there(file: Path) -> None:
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    assert re.fullmatch(r"[A-Z].{20,}[.?]", said.partition("\n")[0])


def test_paths_in_the_guide_exist() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"\b(?:workbench|tests)/[a-z_/]+\.py\b", guide))
    assert len(named) > 8
    assert {path for path in named if not (ROOT / path).exists()} == set()
