from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.support.samples import chain, completed, diverged, run
from workbench.errors import InputError
from workbench.statistics.comparison import Verdict, holm
from workbench.statistics.facts import Outcome, Race, Row, check
from workbench.statistics.paired import compare_rows, summarise
from workbench.statistics.student import bootstrap, detectable, rounding_error, student

POINTS = st.floats(-50, 50, allow_nan=False)


@settings(max_examples=50)
@given(st.lists(POINTS, min_size=2, max_size=12).filter(lambda v: np.std(v) > 0.01))
def test_the_paired_test_is_scipys(differences: list[float]) -> None:
    found, truth = student(differences), stats.ttest_1samp(differences, 0.0)
    interval = truth.confidence_interval(0.95)
    assert found.p == pytest.approx(truth.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_holm_on_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert (adjusted <= 1).all()


def test_a_clear_difference_helps_or_hurts() -> None:
    rows, runs = chain({"a": [90, 91, 90.5], "b": [95.1, 96, 95.4], "c": [90.1, 91, 90.3]})
    found = compare_rows(rows, runs, (0, 1, 2))
    assert list(found) == ["b", "c"]
    assert found["b"].verdict is Verdict.HELPS
    assert found["c"].verdict is Verdict.HURTS
    assert found["b"].differences == pytest.approx((5.1, 5.0, 4.9))
    assert found["b"].mean == pytest.approx(5.0)


def test_verdicts_go_by_the_adjusted_p_value() -> None:
    """The row alone would pass at 5 %; among ten it does not."""
    top1 = {"a": [90.0, 90.0, 90.0], "b": [91.0, 91.3, 91.5]}
    rows, runs = chain(top1)
    assert compare_rows(rows, runs, (0, 1, 2))["b"].verdict is Verdict.HELPS
    more = tuple(Row(name=f"r{i}", compared_to="a") for i in range(9))
    found = compare_rows((*rows, *more), runs, (0, 1, 2))["b"]
    assert found.p is not None
    assert found.p < 0.05
    assert found.verdict is Verdict.UNDECIDED


def test_one_seed_gives_no_verdict_and_says_so() -> None:
    rows, runs = chain({"a": [90], "b": [99]})
    found = compare_rows(rows, runs, (0,))["b"]
    assert (found.verdict, found.reason) == (Verdict.NONE, "one seed gives no verdict")
    assert found.mean == 9
    assert (found.interval, found.p, found.detectable, found.bootstrap) == (None,) * 4


@pytest.mark.parametrize("step", [0.0, 0.28, 5.0, 1e-7])
@pytest.mark.parametrize("seeds", [2, 3])
def test_identical_differences_are_no_certainty(step: float, seeds: int) -> None:
    base = [90.1, 90.7, 91.3][:seeds]
    rows, runs = chain({"a": base, "b": [value + step for value in base]})
    found = compare_rows(rows, runs, range(seeds))["b"]
    assert found.verdict is Verdict.NONE
    assert found.reason == f"all {seeds} seeds differ by the same amount, so the spread is unknown"
    assert found.interval is None
    assert found.p is None


def test_one_image_more_at_every_seed_is_within_noise() -> None:
    """Three seeds that agree to the image: with the size of the test set known, an honest verdict.

    Below 5 % needs 2 images of difference for this row alone, and 4 among four rows.
    """
    step = 100 / 599
    rows, runs = chain({"a": [97.0, 97.5, 97.3], "b": [97.0 + step, 97.5 + step, 97.3 + step]})
    found = compare_rows(rows, runs, range(3), images=599)["b"]
    assert found.verdict is Verdict.UNDECIDED
    assert found.interval is not None
    assert found.interval.low < 0 < step < found.interval.high
    assert found.detectable is not None
    assert found.detectable > 2 * step
    p = student(np.outer(np.arange(1, 5) * step, np.ones(3)), least=rounding_error(599)).p
    assert p[0] > 0.05 > p[1]
    assert p[2] > 0.05 / 4 > p[3]


@pytest.mark.parametrize("seeds", [3, 10, 100])
def test_what_repeats_does_not_average_out(seeds: int) -> None:
    found = student(np.zeros(seeds), least=rounding_error(500))
    assert found.error == pytest.approx(0.2 / np.sqrt(6))


def test_a_spread_beyond_the_step_is_untouched_by_it() -> None:
    differences = [0.4, 1.1, 0.2, 0.9]
    assert student(differences, least=rounding_error(599)) == student(differences)
    assert rounding_error(None) == 0


def test_a_seed_lost_on_one_side_is_not_paired() -> None:
    rows, runs = chain({"a": [90, 91, 92], "b": [95, 96.2, 97]})
    runs = (*(r for r in runs if (r.variant, r.seed) != ("b", 1)), diverged("b", 1))
    found = compare_rows(rows, runs, (0, 1, 2))["b"]
    assert found.seeds == (0, 2)
    assert found.differences == (5, 5)
    summary = summarise(rows[1], runs)
    assert summary.outcome == "1 of 3 diverged"
    assert (summary.runs, summary.completed, summary.mean) == (3, 2, 96)  # never its 9.9


def test_a_row_that_diverged_at_every_seed_still_counts_in_the_adjustment() -> None:
    rows, runs = chain({"a": [90, 91, 90.5], "b": [91.1, 92, 91.7], "c": []})
    runs = (*runs, *(diverged("c", seed) for seed in range(3)))
    found = compare_rows(rows, runs, (0, 1, 2))
    assert found["c"].reason == "no seed completed on both sides"
    assert found["c"].verdict is Verdict.NONE
    assert summarise(rows[2], runs).outcome == "3 of 3 diverged"
    assert summarise(rows[2], runs).mean is None
    assert found["b"].p_holm == pytest.approx(2 * (found["b"].p or 0))


def test_outcomes_are_counted_each() -> None:
    ended = [Outcome.FAILED, Outcome.DIVERGED, Outcome.FAILED, Outcome.COMPLETED]
    runs = [run("a", seed, outcome, top1=50.0) for seed, outcome in enumerate(ended)]
    summary = summarise(Row(name="a"), runs)
    assert summary.outcome == "1 of 4 diverged, 2 of 4 failed"
    assert summarise(Row(name="a"), []).outcome == ""


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_the_detectable_effect_is_found_in_80_of_100(n: int) -> None:
    level, sd = 0.05 / 4, 0.7
    effect = detectable(sd / np.sqrt(n), n, level)
    drawn = np.random.default_rng(n).normal(effect, sd, (40_000, n))
    assert (student(drawn).p <= level).mean() == pytest.approx(0.8, abs=0.01)


def test_the_bootstrap_is_seeded_and_stays_within_the_data() -> None:
    differences = [0.1, 0.5, 0.9, 1.4, -0.2]
    first = bootstrap(differences)
    assert first == bootstrap(differences)
    assert first is not None
    assert -0.2 <= first.low < np.mean(differences) < first.high <= 1.4
    assert bootstrap([1.0]) is None
    assert bootstrap([1.0, 1.0]) is None


def test_unmeasured_is_nan_and_never_significant() -> None:
    found = student([[1.0, 1.0, 1.0], [0.9, 1.0, 1.1]])
    assert isnan(found.low[0])
    assert found.p[0] == 1
    assert found.p[1] < 0.01


def test_what_would_be_counted_wrongly_is_refused() -> None:
    rows, runs = chain({"a": [90, 91], "b": [91, 92]})
    with pytest.raises(InputError, match=r"\('a', 0\).* twice"):
        check(rows, (*runs, completed("a", 0, 95)))
    with pytest.raises(InputError, match="'a' occurs twice"):
        check((*rows, Row(name="a")), runs)
    with pytest.raises(InputError, match="compared to 'z', which is no row"):
        check((Row(name="a", compared_to="z"),), ())
    with pytest.raises(InputError, match="'z' is no row of the plan"):
        check(rows, (completed("z", 0, 95),))
    with pytest.raises(InputError, match="completed with a score of nan"):
        check(rows, (completed("a", 0, 90).model_copy(update={"top1": float("nan")}),))
    with pytest.raises(InputError, match=r"seeds\.max: 2"):
        Race(3, 2)
