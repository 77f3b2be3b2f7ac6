"""What a command printed, kept, so that the same command again need not load torch and count.

It is kept in the cache folder under a SHA-256 of all that it depends on: the command as it was
typed, the sources of the workbench, the published numbers and the versions of what it stands on.
A file that is missing or damaged, or a folder that can't be written, costs the time and no more.
"""

import hashlib
import json
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.machine import cache_folder
from workbench.shipped import PACKAGE, PUBLISHED
from workbench.show.console import Command
from workbench.show.table import Cell, Column, Printout, Table
from workbench.whole_file import written_whole

MOST = 256  # files; the oldest go
UNUSABLE = (OSError, RuntimeError)  # sources or a folder out of reach; a user without a home

Shown = tuple[Table | Printout, object]  # what people read, and its data for --json


def kept(typed: Sequence[object], versions: Mapping[str, str], make: Callable[[], Shown]) -> Shown:
    """What `make` returned when the same was `typed` before, or what it returns now.

    Where torch is loaded already nothing is read or kept: the process has paid for it, and may have
    registered components of its own.
    """
    if "torch" in sys.modules:
        return make()
    shown = recall(typed, versions)
    if shown is None:
        shown = make()
        remember(typed, versions, shown)
    return shown


def recall(typed: Sequence[object], versions: Mapping[str, str]) -> Shown | None:
    """What was kept of a command; None where nothing is, or it can't be read."""
    with suppress(*UNUSABLE, ValueError):  # missing, or no text
        signed, _, text = _file(typed, versions).read_text(encoding="utf-8").partition("\n")
        if signed == _signature(text):  # else damaged: a flipped bit may be another number
            return _read(json.loads(text))
    return None


def remember(typed: Sequence[object], versions: Mapping[str, str], shown: Shown) -> None:
    """Keep what a command showed, where that is possible."""
    with suppress(*UNUSABLE):
        text = json.dumps(_plain(shown))
        _store(_file(typed, versions), f"{_signature(text)}\n{text}")


def _signature(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _file(typed: Sequence[object], versions: Mapping[str, str]) -> Path:
    return cache_folder() / "shown" / f"{_key(typed, versions)}.json"


def _key(typed: Sequence[object], versions: Mapping[str, str]) -> str:
    whole = hashlib.sha256(json.dumps([typed, dict(versions)]).encode())
    whole.update(sources().encode())
    return whole.hexdigest()


@lru_cache
def sources() -> str:
    """SHA-256 of all code of the workbench and of the published numbers."""
    return digest([*sorted(PACKAGE.rglob("*.py")), *sorted(PUBLISHED.glob("*.csv"))])


def digest(files: Iterable[Path], *more: str) -> str:
    """SHA-256 of files, their names included, and of `more`."""
    whole = hashlib.sha256("\0".join(more).encode())
    for file in files:
        content = file.read_bytes()
        whole.update(f"{file}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def _store(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(file) as half:
        half.write_text(text, encoding="utf-8")
    found = sorted(file.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)
    for old in found[:-MOST]:
        old.unlink(missing_ok=True)


def _plain(shown: Shown) -> dict[str, object]:
    found, data = shown
    if isinstance(found, Table):
        return {"table": asdict(found), "data": data}
    says = [{"command": str(s)} if isinstance(s, Command) else s for s in found.says]
    tables = [asdict(table) for table in found.tables]
    return {"tables": tables, "notes": found.notes, "says": says, "data": data}


def _read(plain: dict[str, Any]) -> Shown:
    if "table" in plain:
        return _table(plain["table"]), plain["data"]
    tables = tuple(map(_table, plain["tables"]))
    says = (s if isinstance(s, str) else Command(shlex.split(s["command"])) for s in plain["says"])
    return Printout(tables, tuple(plain["notes"]), tuple(says)), plain["data"]


def _table(plain: dict[str, Any]) -> Table:
    columns = tuple(Column(**{**each, "keys": tuple(each["keys"])}) for each in plain["columns"])
    rows = [
        tuple(Cell(each["text"], tuple(each["values"]), each["style"]) for each in row)
        for row in plain["rows"]
    ]
    return Table(
        plain["title"],
        columns,
        rows,
        tuple(plain["tones"]),
        tuple(plain["notes"]),
        tuple(plain["about"]),
        plain["header"],
    )
