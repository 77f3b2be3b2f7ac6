"""How commands print: one rule of width, counts in words, commands to paste."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.control import Control
from rich.segment import Segment
from rich.text import Text

from workbench.errors import visible

PIPED = 120  # columns of what goes to a file or a pipe, where COLUMNS does not say another number


def make_console(stderr: bool = False) -> Console:
    """The console of a command: as wide as COLUMNS or the terminal says, else `PIPED`."""
    file = sys.stderr if stderr else sys.stdout
    said = file.isatty() or os.environ.get("COLUMNS", "").isdigit()
    console = Console(stderr=stderr, width=None if said else PIPED)
    console.push_render_hook(_Visible())
    return console


class _Visible(RenderHook):
    """Names that come from files can't steer the terminal."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [each if isinstance(each, Control) else _Shown(each) for each in renderables]


@dataclass(frozen=True, slots=True)
class _Shown:
    what: ConsoleRenderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self.what, options):
            yield Segment(text if control else visible(text), style, control)


def plural(count: int, noun: str) -> str:
    """`1 epoch`, `30 epochs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def say_line(console: Console, text: str) -> None:
    """Text as it stands, on one line whatever its length, so that it can be pasted."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def say_written(console: Console, count: int, folder: Path, page: Path) -> None:
    """The last line of a command that wrote `count` files: where, and which to open."""
    say_line(console, f"{plural(count, 'file')} in {folder}; open {page}")


def say_nothing_to_train(console: Console, done: int) -> None:
    """Where every run is done already."""
    counted = {0: "No run is to be", 1: "The run is"}.get(done, f"All {done} runs are")
    console.print(f"{counted} done; nothing to train.", highlight=False)


def count_text(value: int | None) -> str:
    """9492426 -> `9.49 M`; empty where unknown."""
    if value is None:
        return ""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if value >= size:
            scaled = value / size
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {unit}"
    return str(value)


def exact_text(value: int) -> str:
    """9492426 -> `9,492,426 (9.49 M)`; small numbers as they are."""
    return f"{value:,} ({count_text(value)})" if value >= 10**4 else f"{value:,}"


class Command:
    """A command to paste: where it is longer than a line, it goes on after a backslash."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(map(shlex.quote, words))

    def __str__(self) -> str:
        return " ".join(self.words)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lines no longer than `options.max_width`, unless one word is."""
        lines, margin = ["  "], len(r" \ ")
        for word in self.words:
            if len(lines[-1]) + len(word) + margin > options.max_width and lines[-1].strip():
                lines[-1] += "\\"
                lines.append("    ")
            lines[-1] += f"{word} "
        for line in lines:
            yield Text(line.rstrip(), no_wrap=True, overflow="ignore")
