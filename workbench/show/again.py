"""What a command printed of a results folder in which nothing is left to do, kept.

The same command again prints it at once: it loads no torch, compares no rows and draws no figures.
That holds until the command, its plan, the workbench, what it stands on or any file of the folder
changes; else, and where anything is in doubt, the whole command runs.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from workbench.show.cache import digest, recall, remember
from workbench.show.console import say_line, say_nothing_to_train, say_written
from workbench.show.table import Printout, Table
from workbench.show.terminal import view

LOCK = ".lock"  # has the process that held the folder last


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What was written into a results folder, and what is printed of it."""

    folder: Path
    tables: tuple[Table, ...]
    answer: str
    files: int  # written
    page: Path
    missing: str = ""  # what it does without, since it is not on this machine
    after: tuple[str, ...] = ()  # what is said last

    def print(self, console: Console) -> None:
        """The tables, the answer, where the files are, and what is said last."""
        for table in self.tables:
            console.print(view(table))
        if self.answer:
            console.print(Text(self.answer, style="bold"))
        say_written(console, self.files, self.folder, self.page)
        for text in self.after:
            say_line(console, text)


@dataclass(frozen=True, slots=True)
class RepeatedCommand:
    """A command as it was `typed`, that may have come to its end before. `source` is its plan."""

    typed: tuple[object, ...]
    source: Path
    versions: Mapping[str, str]

    def print(self, console: Console) -> Path | None:
        """Print again what it printed of a folder that is as it left it; returns the folder.

        None, and nothing is printed, where there is no such folder.
        """
        try:
            found, data = recall(self._key(), self.versions) or (None, {})
            if not (isinstance(found, Printout) and isinstance(data, dict)):
                return None
            if _state(Path(data["folder"])) != data["state"]:
                return None
        except OSError:  # a file that went, or can't be read
            return None
        say_nothing_to_train(console, data["runs"])
        report = FolderReport(
            folder=Path(data["folder"]),
            tables=found.tables,
            answer="".join(map(str, found.says)),
            files=data["files"],
            page=Path(data["page"]),
            after=tuple(data["after"]),
        )
        report.print(console)
        return report.folder

    def keep(self, runs: int, report: FolderReport) -> None:
        """Keep what it printed of a folder with so many `runs`, all of them final."""
        says = (report.answer,) if report.answer else ()
        with suppress(OSError):
            data = {
                "folder": str(report.folder),
                "page": str(report.page),
                "files": report.files,
                "runs": runs,
                "after": report.after,
                "state": _state(report.folder),
            }
            printout = Printout(report.tables, says=says)
            remember(self._key(), self.versions, (printout, data))

    def _key(self) -> tuple[object, ...]:
        return (*self.typed, str(Path.cwd()), digest([self.source]))


def _state(folder: Path) -> str:
    """SHA-256 of the files of a folder, and of the size and age of those in folders below."""
    files, below = list[Path](), list[str]()
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place, name)
            if file.parent != folder:
                found = file.stat()
                below.append(f"{file} {found.st_size} {found.st_mtime_ns}")
            elif name != LOCK:
                files.append(file)
    return digest(sorted(files), *sorted(below))
