"""A race in a sweep: further seeds where nothing is decided, the same ones however it is run."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.sweeps import PATH, options, plan, preview, quiet, said
from workbench.config import Outcome
from workbench.errors import InputError
from workbench.plans.changes import Changes
from workbench.plans.resolution import Plan
from workbench.report.before.preview import preview_data, print_preview
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.runs.results import load_sweep
from workbench.runs.sweep import SweepResult, run_sweep

SEEDS = {"min": 3, "max": 6, "stop": "decided"}
ROWS = [
    {"name": "small", "base": "small"},
    {"name": "without LPU", "set": "lpu=none"},  # 25 points less: decided at once
    {"name": "wider", "set": "dim=9"},  # no different: not decided at six seeds either
]


def race(changes: Changes | None = None, **fields: Any) -> Plan:
    how = {"kind": "list", "rows": ROWS, "seeds": SEEDS, "variance": "own"}
    return plan(changes, **{**how, **fields})


def ran(done: SweepResult) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for run in done.runs:
        assert run.outcome is Outcome.COMPLETED
        found.setdefault(run.variant, []).append(run.seed)
    return {name: sorted(seeds) for name, seeds in found.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[SweepResult, str]:
    console = quiet()
    folder = tmp_path_factory.mktemp("race") / "whole"
    return run_sweep(race(), folder, options("noisy"), console), said(console)


def test_only_what_is_not_decided_goes_on(whole: tuple[SweepResult, str]) -> None:
    done, text = whole
    six = list(range(6))
    assert ran(done) == {"small": six, "without LPU": [0, 1, 2], "wider": six}
    assert (done.trained, done.left, done.exit_code) == (15, 0, 0)
    assert text.count("Not decided yet: a further seed for small, wider.") == 3
    assert "[15/15]" in text


def test_on_the_shared_model_a_row_that_can_no_longer_be_decided_stops(tmp_path: Path) -> None:
    done = run_sweep(race(variance="shared"), tmp_path / "race", options("noisy"), quiet())
    assert ran(done) == {"small": [0, 1, 2], "without LPU": [0, 1, 2], "wider": [0, 1, 2]}
    found = load_sweep(done.folder)
    assert Findings.of(found).wanted == ()


def test_a_finished_race_is_not_taken_up_again(whole: tuple[SweepResult, str]) -> None:
    console = quiet()
    again = run_sweep(race(), whole[0].folder, options("no_such_fit"), console)
    assert again.trained == 0
    assert "All 15 runs are done" in said(console)


def test_its_table_says_how_it_was_run(whole: tuple[SweepResult, str]) -> None:
    sweep = load_sweep(whole[0].folder)
    facts = sweep.facts()
    notes = " ".join(main_table(Findings(facts, sweep.rows(), sweep.records())).notes)
    assert "from 3 to 6 seeds" in notes
    assert "15 runs in place of 18" in notes
    assert "Not finished" not in notes
    early = [run for run in sweep.records() if run.seed < 3]
    unfinished = main_table(Findings(facts, sweep.rows(), early)).notes
    assert any(
        note.startswith("Not finished: the race goes on for small, wider") for note in unfinished
    )


@pytest.mark.slow
@pytest.mark.parametrize("ends", [2, 9, 11])
def test_a_race_that_is_stopped_goes_on_to_the_same_runs(
    tmp_path: Path, whole: tuple[SweepResult, str], ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its first round, at the end of a round, and in the middle of a later one."""
    monkeypatch.setenv("WB_STOP_AFTER", str(ends))
    first = run_sweep(race(), tmp_path / "r", options("noisy", jobs=1), quiet())
    assert first.interrupted
    assert first.exit_code == 130
    monkeypatch.delenv("WB_STOP_AFTER")
    done = run_sweep(race(), tmp_path / "r", options("noisy"), quiet())
    assert ran(done) == ran(whole[0])
    top1 = {(run.variant, run.seed): run.top1 for run in done.runs}
    assert top1 == {(run.variant, run.seed): run.top1 for run in whole[0].runs}
    assert first.trained + done.trained >= 15


def test_one_row_alone_gets_the_first_seeds(tmp_path: Path) -> None:
    done = run_sweep(race(), tmp_path / "r", options("noisy", only=("small",)), quiet())
    assert [run.seed for run in done.runs if run.outcome] == [0, 1, 2]


def test_runs_that_fail_do_not_keep_the_race_from_its_end(tmp_path: Path) -> None:
    rows = [{"name": "small", "base": "small"}, {"name": "failed", "set": "dim=9"}]
    done = run_sweep(race(rows=rows), tmp_path / "r", options("every_end"), quiet())
    assert len(done.runs) == 6
    assert (done.left, done.exit_code) == (3, 1)


def test_other_bounds_are_another_plan(whole: tuple[SweepResult, str]) -> None:
    for bounds in ({"max": 8}, {"min": 2}):
        changed = race(seeds={**SEEDS, **bounds})
        with pytest.raises(InputError, match="race: seeds 3 to 6 -> "):
            run_sweep(changed, whole[0].folder, options(extend=True), quiet())


def test_a_dry_run_shows_the_range(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(json.dumps({**PATH, "kind": "list", "rows": ROWS, "seeds": SEEDS}))
    found = preview(path, options=options(jobs=1))
    console = quiet()
    print_preview(*found, console)
    assert "9 to 18 runs: 3 variants x 3 to 6 seeds; about " in said(console)
    data = preview_data(*found)
    assert data["race"] == {"least": 3, "most": 6}
    assert data["least_sweep_seconds"] == pytest.approx(data["sweep_seconds"] / 2)


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ({"min": 3, "max": 2, "stop": "decided"}, "seeds.max: 2 is refused"),
        ({"min": 1, "max": 2, "stop": "decided"}, "seeds.min: 1 is refused"),
        ({"min": 3, "max": 12}, "seeds.stop: missing"),
        (
            {"min": 3, "max": 12, "stop": "bored"},
            "seeds.stop: unknown 'bored'; choose",
        ),
        (
            {"min": 3, "max": 12, "mx": 12, "stop": "decided"},
            "seeds.mx: unknown 'mx'; nearest: 'max",
        ),
    ],
)
def test_refused(seeds: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        race(seeds=seeds)
    assert message in str(caught.value)


def test_seeds_on_the_command_line_end_the_race() -> None:
    assert race(Changes(seeds=(4, 5))).race is None
    assert Plan.model_validate_json(race().model_dump_json()) == race()
    with pytest.raises(InputError, match="race: unknown 'race'"):
        plan(race={"min": 3, "max": 6, "stop": "decided"})
