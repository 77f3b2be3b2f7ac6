"""A finished command prints again what it printed, while nothing it was made of changed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.sweeps import quiet, said
from workbench.show.again import FolderReport, RepeatedCommand
from workbench.show.table import Column, Table, cell

TABLE = Table("Rows", (Column("Variant", ("variant",), "name"),), [(cell("a"),)], notes=("note",))


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RepeatedCommand, Path]:
    """A command that has printed the report of a folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder, plan = tmp_path / "results", tmp_path / "plan.yaml"
    (folder / "runs" / "a-s0").mkdir(parents=True)
    for name in ("ledger.db", "report.html", ".lock", "runs/a-s0/evidence.npz", "../plan.yaml"):
        (folder / name).write_text(name)
    command = RepeatedCommand(("ablate", {"plan": "plan.yaml"}), plan, {"torch": "2"})
    report = FolderReport(folder, (TABLE, TABLE), "LPU earns its cost.", 2, folder / "report.html")
    assert command.print(quiet()) is None
    command.keep(3, report)
    return command, folder


def test_the_same_is_printed_again(finished: tuple[RepeatedCommand, Path]) -> None:
    command, folder = finished
    first, second = quiet(), quiet()
    first.print("All 3 runs are done; nothing to train.")
    FolderReport(folder, (TABLE, TABLE), "LPU earns its cost.", 2, folder / "report.html").print(
        first
    )
    assert command.print(second) == folder
    assert said(second) == said(first)


def rewrite(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text("other")


CHANGES = {
    "the ledger": rewrite("ledger.db"),
    "a figure that went": lambda folder: (folder / "report.html").unlink(),
    "a file more": rewrite("note.txt"),
    "evidence of a run": lambda folder: os.utime(folder / "runs/a-s0/evidence.npz", ns=(1, 1)),
    "the plan": rewrite("../plan.yaml"),
    "a plan that went": lambda folder: (folder / "../plan.yaml").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_made_again(finished: tuple[RepeatedCommand, Path], change: str) -> None:
    command, folder = finished
    CHANGES[change](folder)
    console = quiet()
    assert command.print(console) is None
    assert said(console) == ""


def test_the_name_of_the_last_process_changes_nothing(
    finished: tuple[RepeatedCommand, Path],
) -> None:
    command, folder = finished
    rewrite(".lock")(folder)
    assert command.print(quiet()) == folder


def test_another_command_version_or_place_is_another_matter(
    finished: tuple[RepeatedCommand, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    command, folder = finished
    others = (
        RepeatedCommand(
            ("ablate", {"plan": "plan.yaml", "seeds": "0"}), command.source, {"torch": "2"}
        ),
        RepeatedCommand(command.typed, command.source, {"torch": "3"}),
    )
    assert [other.print(quiet()) for other in others] == [None, None]
    monkeypatch.chdir(folder)
    assert command.print(quiet()) is None
