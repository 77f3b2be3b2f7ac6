"""The command line as its user meets it: output, exit codes, one line for bad input."""

import sys
from pathlib import Path

import pytest

from tests.support.command import Ran, Run
from workbench.cli import main


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def command(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["workbench", *words])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return command
