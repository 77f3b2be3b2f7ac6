"""One family of tests over rows and metrics; which way is better is the metric's."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from tests.support.samples import FACTS, chain, completed
from workbench.config import SCORES, named
from workbench.errors import InputError
from workbench.report.answer import answer
from workbench.report.compare import compare
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.runs.rows import StoredRun
from workbench.show.formats import records
from workbench.statistics.comparison import Verdict, holm
from workbench.statistics.facts import Method, Row
from workbench.statistics.metric import LOSS, MIOU, OF_TASK, TOP1, Metric, metrics_named
from workbench.statistics.paired import compare_metrics, compare_rows

BOTH = (TOP1, LOSS)
LOSSES = {"a": [0.51, 0.52, 0.50], "b": [0.31, 0.315, 0.30], "c": [0.42, 0.41, 0.43]}


def measured() -> tuple[tuple[Row, ...], tuple[StoredRun, ...]]:
    rows, _ = chain({name: [0.0] for name in LOSSES})
    top1 = {"a": [90.0, 90.2, 90.1], "b": [91.0, 91.1, 91.3], "c": [91.1, 91.2, 91.2]}
    runs = tuple(
        completed(name, seed, top1[name][seed], test_loss=loss)
        for name, losses in LOSSES.items()
        for seed, loss in enumerate(losses)
    )
    return rows, runs


@pytest.mark.parametrize("variance", ["own", "shared"])
def test_two_metrics_share_the_adjustment(variance: Literal["own", "shared"]) -> None:
    rows, runs = measured()
    alone = [
        compare_rows(rows, runs, range(3), method=Method(variance, metrics=(metric,)))
        for metric in BOTH
    ]
    both = compare_metrics(rows, runs, range(3), method=Method(variance, metrics=BOTH))
    raw = [each.p for found in alone for each in found.values()]
    assert [each.p for found in both for each in found.values()] == raw
    joint = [each.p_holm for found in both for each in found.values()]
    assert joint == pytest.approx(holm([p or 1.0 for p in raw]))
    for found in both:
        for each in found.values():
            assert each.interval is not None
            assert (each.interval.low > 0 or each.interval.high < 0) is each.decided


def test_a_lower_loss_helps_and_a_higher_one_hurts() -> None:
    rows, runs = measured()
    found = compare_rows(rows, runs, range(3), method=Method("shared", metrics=(LOSS,)))
    assert (found["b"].verdict, found["c"].verdict) == (Verdict.HELPS, Verdict.HURTS)
    assert found["b"].mean == pytest.approx(np.mean(LOSSES["b"]) - np.mean(LOSSES["a"]))
    assert found["b"].metric is LOSS


def test_the_loss_of_fine_spread_is_tested_and_its_steps_are_not_those_of_images() -> None:
    rows, _ = chain({"a": [0.0], "b": [0.0]})
    runs = [completed("a", s, 90.0, test_loss=0.5 + 1e-6 * s) for s in range(3)]
    runs += [completed("b", s, 90.0, test_loss=0.4 + 2e-6 * s) for s in range(3)]
    ways: tuple[Literal["own", "shared"], ...] = ("own", "shared")
    for variance in ways:
        method = Method(variance, metrics=(LOSS,))
        found = compare_rows(rows, runs, range(3), images=100, method=method)
        assert found["b"].verdict is Verdict.HELPS


def test_by_default_the_loss_stands_beside_as_support_without_a_verdict() -> None:
    rows, runs = measured()
    found = Findings(replace(FACTS, method=Method("shared")), rows, runs)
    row = records(main_table(found))[1]
    alone = compare_rows(rows, runs, range(3), method=Method("shared", metrics=(LOSS,)))["b"]
    assert row["loss_difference"] == alone.mean
    assert row["loss_p_unadjusted"] == alone.p
    assert "loss_verdict" not in row
    assert any("as support" in note and "unadjusted" in note for note in main_table(found).notes)
    assert "loss" not in answer(found)


def test_a_plan_of_two_metrics_answers_in_both() -> None:
    rows, runs = measured()
    found = Findings(replace(FACTS, method=Method("shared", metrics=BOTH)), rows, runs)
    row = records(main_table(found))[1]
    assert (row["verdict"], row["loss_verdict"]) == ("helps", "helps")
    told = answer(found)
    assert told.startswith("On top-1, of 2 steps, b (+1.03) earns its cost; ")
    assert "On test loss, of 2 steps, b (-0.2017) earns its cost; c (+0.1117) raises test" in told
    assert "Of 2 steps, 2 are decided by one or the other." in told


def test_a_plan_of_the_loss_alone_is_about_the_loss() -> None:
    rows, runs = measured()
    found = Findings(replace(FACTS, method=Method("shared", metrics=(LOSS,))), rows, runs)
    table = main_table(found)
    assert "Test loss, nats" in [each.title for each in table.columns]
    assert records(table)[1]["difference"] == pytest.approx(-0.2017, abs=1e-4)
    assert "top-1" not in answer(found)


def test_runs_without_the_metric_have_no_verdict_in_it() -> None:
    rows, runs = chain({"a": [90.0, 90.1], "b": [92.0, 92.2]})
    found = compare_rows(rows, runs, range(2), method=Method("shared", metrics=(LOSS,)))
    assert found["b"].verdict is Verdict.NONE


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (("accuracy",), "metric: unknown 'accuracy'"),
        (("lass",), "nearest: 'loss'"),
        (("loss", "loss"), "stands there 2 times"),
        ((), "at least one"),
    ],
)
def test_a_metric_that_runs_do_not_have_is_refused(keys: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        metrics_named(keys)
    assert metrics_named(("top1", "loss")) == BOTH


@pytest.mark.parametrize("metrics", [(LOSS,), (MIOU,), (MIOU, LOSS)])
def test_no_column_of_segmenters_is_top1_whatever_their_verdicts_are_about(
    metrics: tuple[Metric, ...],
) -> None:
    facts = replace(FACTS, task="segment", method=Method(metrics=metrics))
    found = Findings(facts, *measured())
    table = main_table(found)
    keys = {key for column in table.columns for key in column.keys}
    assert {"miou_mean", "loss_mean"} <= keys
    assert not any("top1" in key for key in keys)
    other = Findings(replace(facts, method=Method(metrics=(MIOU,))), found.rows, found.runs)
    assert f"{metrics[0].first} A, {metrics[0].unit}" in [
        column.title for column in compare(found, other).columns
    ]
    with pytest.raises(InputError, match="scored by mIoU, sample by top-1; only runs of one task"):
        compare(found, Findings(FACTS, found.rows, found.runs))


def test_a_task_names_its_score_in_files_as_in_plans() -> None:
    assert {task: found[0].key for task, found in OF_TASK.items()} == SCORES
    assert named(["seed", "top1", "validation_top1"], "detect") == ["seed", "ap", "validation_ap"]
