"""How many workers share a GPU: what is chosen from what was measured, and when it is measured."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fits import Emit, ShouldStop
from tests.support.inline import Here
from tests.support.sweeps import options, plan, quiet, said
from workbench.config import Outcome, Result, RunConfig
from workbench.engine import LOCAL, resources
from workbench.runs.sweep import SweepOptions
from workbench.tuning import workers
from workbench.tuning.workers import best, choose_workers, fastest

PACES = {1: 100.0, 2: 190.0, 4: 250.0, 8: 255.0}


@pytest.mark.parametrize(
    ("paces", "tried", "chosen"),
    [
        (PACES, [1, 2, 4, 8], 4),
        ({1: 100.0, 2: 105.0}, [1, 2], 1),  # launches are not what it waits for
        ({1: 100.0, 2: 190.0, 4: 0.0}, [1, 2, 4], 2),  # four do not fit into its memory
    ],
)
def test_the_fewest_workers_that_more_do_not_beat(
    paces: dict[int, float], tried: list[int], chosen: int
) -> None:
    found = fastest(paces.__getitem__)
    assert list(found) == tried
    assert best(found) == chosen


BESIDE: list[Path] = []


def shared_gpu(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Each worker trains as if it were alone."""
    BESIDE.append(folder.parent)
    return Result(run=run.id, outcome=Outcome.COMPLETED, images_per_second=0.4)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> SweepOptions:
    """A machine of eight cores and one GPU, as far as its division goes."""
    monkeypatch.setattr(resources, "visible_gpus", lambda device: ("0",))
    monkeypatch.setattr(workers, "ThisMachine", Here)
    monkeypatch.setattr(workers, "cores", lambda: 8)
    monkeypatch.setattr(workers, "memory", lambda: 1 << 40)
    BESIDE.clear()
    return replace(options(jobs=None), where=LOCAL, fit=f"{__name__}:shared_gpu", device="auto")


def test_a_long_plan_is_tried_with_more_and_more_workers(tmp_path: Path, gpu: SweepOptions) -> None:
    console = quiet()
    chosen = choose_workers(plan(), tmp_path, gpu, console)
    assert chosen.jobs == 4  # of six runs: eight workers are not tried
    assert "Workers on a GPU: 4; images/s by their number: 1: 0, 2: 1, 4: 2." in said(console)
    assert len(set(BESIDE)) == 4  # one run for its pace, then 1, 2 and 4 at a time
    assert len(BESIDE) == 1 + 1 + 2 + 4


def test_a_short_plan_is_not_tried(
    tmp_path: Path, gpu: SweepOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WORTH", 1e9)
    assert choose_workers(plan(), tmp_path, gpu, quiet()).jobs is None
    assert len(BESIDE) == 1


def test_a_number_that_is_given_or_was_chosen_before_stands(
    tmp_path: Path, gpu: SweepOptions
) -> None:
    (tmp_path / "environment.json").write_text(json.dumps({"jobs": 2, "gpus": "NVIDIA"}))
    assert choose_workers(plan(), tmp_path, gpu, quiet()).jobs == 2
    assert choose_workers(plan(), tmp_path, options(jobs=1), quiet()).jobs == 1
    assert not BESIDE


def test_without_a_gpu_nothing_is_tried(tmp_path: Path) -> None:
    given = replace(options(jobs=None), where=LOCAL)
    assert choose_workers(plan(), tmp_path, given, quiet()) is given
