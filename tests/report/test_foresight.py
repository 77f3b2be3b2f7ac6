"""What a plan could see, before it runs."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.support import sweeps
from tests.support.sweeps import quiet, said, small_zoo  # noqa: F401
from tests.support.written import by_ability, write_results
from workbench.errors import InputError
from workbench.plans.resolution import Plan
from workbench.report.before.foresight import (
    Asked,
    budget_answer,
    detect_answer,
    foresee,
    seconds_of,
)
from workbench.report.before.preview import costs_at_once, preview_data, print_preview
from workbench.runs.estimate import Estimate
from workbench.statistics.metric import LOSS, TOP1, images_variance
from workbench.statistics.power import Noise

ESTIMATE = Estimate({"small": 300.0, "large": 600.0}, {}, sweep=1.0)  # the third took 10 s before
SEED = 910.0
PLAN = sweeps.plan(seeds=4, metric=["top1", "loss"])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_results(folder / PLAN.name, PLAN, by_ability)
    return folder


def with_seeds(count: int, plan: Plan = PLAN) -> Plan:
    return plan.model_copy(update={"seeds": tuple(range(count))})


def test_without_runs_it_is_the_size_of_the_test_set_that_says(tmp_path: Path) -> None:
    found = foresee(PLAN, tmp_path, Asked())
    images = PLAN.test_images or 0
    bound = images_variance(50, images)
    alone = Noise(bound, rows=3, comparisons=4, known=bound, least=100 / images / 6**0.5)
    assert found.smallest("+ LPU", TOP1) == alone.smallest(4)
    assert found.smallest("small", TOP1) is None  # it is compared to none
    assert found.smallest("+ LPU", LOSS) is None
    assert "test set alone: 50 images" in found.sources["top1"]


def test_earlier_runs_say_it_of_every_metric_also_with_other_seeds(results: Path) -> None:
    found = foresee(with_seeds(2), results, Asked())
    assert set(found.sources) == {"top1", "loss"}
    assert "12 earlier runs" in found.sources["loss"]
    two, four = (foresee(with_seeds(n), results, Asked()) for n in (2, 4))
    for metric in (TOP1, LOSS):
        few, more = (each.smallest("large", metric) for each in (two, four))
        assert few is not None
        assert more is not None
        assert 0 < more < few


def test_runs_of_another_recipe_are_none_of_the_plans(results: Path) -> None:
    longer = PLAN.recipe.model_copy(update={"epochs": 9})
    found = foresee(PLAN.model_copy(update={"recipe": longer}), results, Asked())
    assert "test set alone" in found.sources["top1"]


def test_what_is_seen_with_the_seeds_that_a_difference_takes_is_that_difference(
    results: Path,
) -> None:
    found = foresee(PLAN, results, Asked(detect=3.0))
    told = detect_answer(found, ESTIMATE)
    assert told is not None
    for row, seeds in told["seeds_by_row"].items():
        assert (found.smallest(row, TOP1, seeds) or 9) <= 3.0
        assert (found.smallest(row, TOP1, seeds - 1) or 9) > 3.0
    assert told["seeds"] == max(told["seeds_by_row"].values())
    assert told["runs"] == 3 * told["seeds"]
    assert told["seconds"] == pytest.approx(SEED * told["seeds"])
    alone = detect_answer(foresee(PLAN, results / "none", Asked(detect=20.0)), ESTIMATE)
    assert alone is not None
    assert alone["seconds"] is None


def test_a_budget_says_its_seeds_and_what_they_see(results: Path) -> None:
    found = foresee(PLAN, results, Asked.of(None, "2h"))
    told = budget_answer(found, ESTIMATE)
    assert told is not None
    assert (told["seeds"], told["runs"]) == (7, 21)
    assert told["detectable_by_row"]["+ LPU"] == found.smallest("+ LPU", TOP1, 7)
    console = quiet()
    print_preview(PLAN, ESTIMATE, console, seen=foresee(PLAN, results, Asked.of(5, "20min")))
    assert "a verdict takes two, about 30 min" in said(console)
    assert "To detect 5 points of top-1 in every row:" in said(console)
    data = json.loads(json.dumps(preview_data(PLAN, ESTIMATE, found)))
    assert data["budget"]["seeds"] == 7
    assert set(data["rows"][1]["detectable"]) == {"top1", "loss"}


def test_more_seeds_than_there_can_be_are_said_so(tmp_path: Path) -> None:
    told = detect_answer(foresee(PLAN, tmp_path, Asked(detect=2.0)), ESTIMATE)
    assert told is not None
    assert (told["seeds"], told["seconds"]) == (None, None)


def test_a_difference_below_the_resolution_of_the_test_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--detect: 1\.9 points are below.*50 images is 2 points"):
        foresee(PLAN, tmp_path, Asked.of(1.9, None))


@pytest.mark.parametrize("text", [f"{'9' * 400}h", "40000d"])
def test_a_budget_without_end_names_its_bound(text: str) -> None:
    with pytest.raises(InputError, match=r"--budget: .* is refused: at most 36500d"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "0h", "two hours"])
def test_a_budget_without_sense_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--budget: .* is no time"):
        seconds_of(text)
    assert [seconds_of(each) for each in ("90min", "1.5 h", "2d", "30s")] == [
        5400, 5400, 172800, 30,
    ]  # fmt: skip


@pytest.mark.parametrize("points", [0.0, -1.0, float("nan"), float("inf")])
def test_a_difference_without_sense_is_refused(points: float) -> None:
    with pytest.raises(InputError, match="--detect"):
        Asked.of(points, None)


@pytest.mark.parametrize("screen", [True, False])
def test_costs_stand_on_a_screen_before_anything_is_timed(screen: bool) -> None:
    console = Console(file=StringIO(), force_terminal=screen, width=120)
    with costs_at_once(PLAN, console, None, "Timing ..."):
        before = said(console)
    assert (f"{PLAN.variants[0].macs:,}" in before) is screen
    assert "Timing ..." in before
