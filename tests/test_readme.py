"""The numbers that the README shows are those of the runs that ship with the project."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_quickstart_s_table_is_that_of_the_shipped_runs() -> None:
    shown = (ROOT / "README.md").read_text().partition("<!-- quickstart -->")[2]
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in shown.partition("![")[0].strip().splitlines()[2:]
    ]
    table = (ROOT / "results/measured/quickstart/table.md").read_text().replace("\\", "")
    kept = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in table.splitlines()
        if line.startswith("|")
    ][2:]
    assert [[cell for cell in row if cell] for row in rows] == [
        [cell for cell in (row[0], *row[2:8]) if cell] for row in kept
    ]


@pytest.mark.parametrize("folder", sorted((ROOT / "results/measured").glob("*/runs.jsonl")))
def test_what_ships_was_run_from_a_commit_and_says_with_what_command(folder: Path) -> None:
    facts = json.loads((folder.parent / "environment.json").read_text())
    assert facts["command"].startswith("workbench ")
    assert re.fullmatch(r"[0-9a-f]{40}", facts["commit"])
    assert facts["dirty"] is False
