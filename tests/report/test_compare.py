from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.support.samples import FACTS, chain, sweep
from workbench.errors import InputError
from workbench.published import find, read_published, same_dataset, table_names
from workbench.report.beside_published import (
    beside,
    published_table,
    published_tables,
)
from workbench.report.compare import compare, welch
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.report.verdicts import mean_text
from workbench.show.formats import records
from workbench.statistics.comparison import Interval


def test_welchs_interval_is_scipys() -> None:
    a, b = [90.0, 91.2, 90.4], [93.0, 92.1, 94.4, 93.3]
    truth = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    found = welch(a, b)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((truth.low, truth.high))
    assert welch([90.0], b) is None
    assert welch([90.0, 90.0], [91.0, 91.0]) is None


def test_two_results_side_by_side() -> None:
    a = Findings(FACTS, *chain({"x": [90, 91, 90.5], "only_a": [80, 81, 82]}))
    b = Findings(replace(FACTS, name="other"), *chain({"x": [93, 94.2, 93.1], "only_b": [1, 2, 4]}))
    table = compare(a, b)
    x, only_a, only_b = records(table)
    assert [row["variant"] for row in (x, only_a, only_b)] == ["x", "only_a", "only_b"]
    assert x["difference"] == pytest.approx(np.mean([93, 94.2, 93.1]) - 90.5)
    assert only_a["outcome_b"] == only_b["outcome_a"] is None
    assert only_a["difference"] is None
    assert "not paired" in table.notes[-1]
    assert table.title == "sample (A) and other (B)"
    again = compare(replace(a, where="results/p"), replace(a, where="results/measured/p"))
    assert again.title == "results/p (A) and results/measured/p (B)"


def test_no_difference_is_taken_between_data_sets() -> None:
    a = Findings(FACTS, *chain({"x": [90, 91, 90.5]}))
    b = Findings(replace(FACTS, dataset="CIFAR-10, 5,000 images"), a.rows, a.runs)
    table = compare(a, b)
    assert records(table)[0]["difference"] is None
    assert table.notes[-1] == "The data sets differ, so no difference is taken."


def test_lost_runs_are_shown_in_a_comparison() -> None:
    results = Findings(FACTS, *sweep())
    lost = records(compare(results, results))[-1]
    assert lost["outcome_a"] == lost["outcome_b"] == "3 of 3 diverged"
    assert lost["top1_mean_a"] is None


def test_every_published_table_has_sources() -> None:
    assert len(table_names()) == 8
    for name in table_names():
        assert all(row["source"] for row in records(published_table(name)))


def test_published_numbers_stand_beside_measured_ones_and_are_marked() -> None:
    rows, runs = sweep()
    named = (rows[0].model_copy(update={"published": "cmt_ablation/+ LPU"}), *rows[1:])
    found = published_tables(Findings(replace(FACTS, published=("levit_ablation",)), named, runs))
    assert list(found) == ["published", "published_levit_ablation"]
    (row,) = records(found["published"])
    assert row["published_top1"] == 82.7
    assert row["another_dataset"] is True
    assert row["published_on"] == "ImageNet-1k"
    assert "arXiv:2107.06263" in str(row["source"])
    assert "(another data set)" in " ".join(cell.text for cell in found["published"].rows[0])
    assert published_tables(Findings(FACTS, rows, runs)) == {}


def test_the_same_data_set_is_not_marked() -> None:
    (first, *rest), runs = sweep()
    named = (first.model_copy(update={"published": "transfer/ResNet-152"}), *rest)
    found = Findings(replace(FACTS, dataset="cifar10, 5,000 images"), named, runs)
    marks = {row["published_on"]: row["another_dataset"] for row in records(beside(found))}
    assert marks["CIFAR-10"] is False
    assert marks["CIFAR-100"] is True
    shown = records(main_table(found))[0]  # the others are of no use beside it
    assert (shown["published_top1"], shown["published_on"]) == (97.9, "CIFAR-10")
    assert same_dataset("Flowers-102", "flowers102")
    assert same_dataset("stanford_cars (their_place), 100 training images", "Stanford Cars")
    assert not same_dataset("folder (pets)", "folder (flowers)")


def test_contradicting_sources_are_all_kept() -> None:
    found = find("imagenet/CMT-Ti")
    assert len({row.top1 for row in found if row.top1}) > 1


def test_what_no_source_printed_is_empty() -> None:
    row = find("cmt_ablation/CMT-S, all LN replaced by BN")[0]
    assert row.top1 is None
    assert "does not converge" in row.note


def test_unknown_names_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown '\+ LPUU'; nearest: '\+ LPU"):
        find("cmt_ablation/+ LPUU")
    with pytest.raises(InputError, match="nearest: 'cmt_ablation"):
        find("cmt_ablatoin/x")
    with pytest.raises(InputError, match="no table of top-1"):
        read_published("detection")
    with pytest.raises(InputError, match="no tables in"):
        table_names(tmp_path)


def test_identical_results_are_said_to_be_identical() -> None:
    a = Findings(FACTS, *chain({"x": [90, 91, 90.5]}))
    other = Findings(FACTS, *chain({"x": [90, 91, 90.6]}))
    assert any("identical" in note for note in compare(a, a).notes)
    assert not any("identical" in note for note in compare(a, other).notes)


def test_no_difference_is_printed_as_minus_zero() -> None:
    assert mean_text(-0.001, Interval(-0.004, 0.004)) == "+0.00 [+0.00, +0.00]"
