"""`workbench ablate` and `new-plan`."""

import json
from pathlib import Path

import pytest

from tests.support.command import Run
from tests.support.inline import with_inline

PLAN = """
name: tiny
kind: list
seeds: [0]
recipe: {base: digits, epochs: 1, data: {name: synthetic, train_size: 64, test_size: 32}}
rows:
  - {name: all, base: cmt_digits}
  - {name: no LPU, set: [lpu=none]}
"""


HERE = ("--jobs", "1", "--engine", "inline")


def write_plan(folder: Path, text: str) -> str:
    file = folder / "plan.yaml"
    file.write_text(text)
    return str(file)


def test_a_new_plan_is_written_once_and_printed(run: Run, tmp_path: Path) -> None:
    assert run("new-plan").code == 0
    assert (tmp_path / "my_plan.yaml").read_text() == run("ablate", "--template").out
    again = run("new-plan")
    assert again.code == 2
    assert "my_plan.yaml is there already" in again.err


@pytest.mark.slow
def test_ablate_trains_prints_a_table_and_is_done_the_second_time(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("workbench.report.write._draw", lambda *_: [])  # it takes longest
    plan = write_plan(tmp_path, PLAN)
    with with_inline():
        first = run("ablate", plan, *HERE)
    assert first.code == 0
    assert "no LPU" in first.out
    folder = tmp_path / "results" / "tiny"
    for name in (
        "ledger.db",
        "plan.json",
        "environment.json",
        "table.csv",
        "table.md",
        "table.tex",
    ):
        assert (folder / name).stat().st_size > 0, name
    with monkeypatch.context() as nothing_left:
        nothing_left.delattr("workbench.report.commands.ablate")
        second = run("ablate", plan, *HERE)
        data = json.loads(run("ablate", plan, *HERE, "--json").out)
    assert second.code == 0
    assert second.out.startswith("All 2 runs are done; nothing to train.\n")
    table = second.out.partition("\n")[2]
    assert first.out.endswith(table)
    assert "no LPU" in table
    assert len(data["rows"]) == 2
    (folder / "table.md").unlink()
    with with_inline():
        assert run("ablate", plan, *HERE).out == second.out
    assert (folder / "table.md").exists()


def test_a_plan_for_images_that_are_not_here_still_shows_its_costs(run: Run) -> None:
    ran = run("ablate", "levit_ablation", "--dry-run", "--json")
    assert ran.code == 0
    rows = json.loads(ran.out)["rows"]
    assert [row["run_seconds"] for row in rows] == [None] * 8
    assert {row["variant"]: round(row["params"] / 1e6, 1) for row in rows}["A4 no teacher"] == 7.4
    assert "no time without images" in run("ablate", "levit_ablation", "--dry-run").out


def test_a_key_of_the_recipe_is_found_one_level_below(run: Run) -> None:
    ran = run("ablate", "quickstart", "--dry-run", "--set", "recipe.lr=0.1")
    assert ran.code == 2
    assert "unknown 'lr'; nearest: 'recipe.optimiser.lr'" in ran.err
