import numpy as np
import pytest
from scipy import special

from tests.support.samples import chain, completed
from workbench.errors import InputError
from workbench.statistics import difference, variance
from workbench.statistics.comparison import LEVEL, Verdict
from workbench.statistics.facts import Method, Race, Row
from workbench.statistics.paired import compare_rows
from workbench.statistics.power import Noise
from workbench.statistics.student import student

SHARED = Method("shared")


def test_the_known_part_is_without_bias_at_two_seeds_and_exact_at_many() -> None:
    generator = np.random.default_rng(0)
    right = generator.beta(2, 0.5, 400)
    truth = (right * (1 - right)).sum() / 400**2
    few = [variance.known_variance(generator.random((2, 400)) < right) for _ in range(2_000)]
    assert np.mean(few) == pytest.approx(truth, rel=0.02)
    assert np.std(few) / truth < 0.3
    many = variance.known_variance(generator.random((4_000, 400)) < right)
    assert many == pytest.approx(truth, rel=0.02)
    assert np.isnan(variance.known_variance(np.ones((1, 400))))


def test_what_images_say_of_two_rows() -> None:
    """Rows that err alike on the same seeds, and one that errs on its own."""
    generator = np.random.default_rng(8)
    first = generator.normal(0, 1, (3, 5_000))
    near, far = first + generator.normal(0, 1, (3, 5_000)), generator.normal(0, 1, (3, 5_000))
    assert variance.correlation(first, first) == pytest.approx(1)
    assert variance.correlation(first, near) == pytest.approx(0.5**0.5, abs=0.04)
    assert variance.correlation(first, far) < 0.06
    assert variance.correlation(first, -near) == 0
    assert variance.correlation(first, np.ones((3, 5_000))) == 0
    assert variance.known_covariance(first, near) == pytest.approx(1 / 5_000, rel=0.06)


def test_rows_whose_images_are_alike_get_the_narrower_interval() -> None:
    values = np.random.default_rng(9).normal(90, 1, (4, 3))
    alike = np.zeros((4, 4))
    alike[0, 1] = alike[1, 0] = 0.75
    told = variance.Together(np.zeros((4, 4)), alike)
    model = variance.fit(variance.moments(values, together=told))
    found = difference.contrasts(model, [1, 2], 0)
    assert not np.any(found.loud)
    left = 1 - variance.BELIEVED * 0.75
    assert found.error[0] == pytest.approx(left**0.5 * found.error[1])
    assert found.freedom[0] == pytest.approx(found.freedom[1])


def test_a_seed_that_only_one_row_ran_falls_out_of_no_difference() -> None:
    values = np.random.default_rng(10).normal(90, 1, (4, 8))
    values[0, :4], values[1, 4:] = np.nan, np.nan
    told = variance.Together(np.zeros((4, 4)), np.full((4, 4), 0.75))
    found = difference.contrasts(
        variance.fit(variance.moments(values, together=told)), [1, 3], [0, 2]
    )
    # Means of four seeds each, that have nothing in common, and of eight that have.
    left = 1 - variance.BELIEVED * 0.75
    assert found.error[0] == pytest.approx(found.error[1] * (0.5 / (left / 4)) ** 0.5)


@pytest.mark.parametrize("freedom", [1, 2, 6.5, 40])
def test_the_tail_without_a_floor_is_students_and_with_all_of_it_the_normal(freedom: float) -> None:
    t = np.array([0.0, 0.7, 2.0, 4.0, 9.0])
    assert difference.tail(t, freedom) == pytest.approx(2 * special.stdtr(freedom, -t))
    drawn = np.random.default_rng(1).chisquare(freedom, 200_000) / freedom
    between = 2 * special.ndtr(-2.0 * np.sqrt(np.maximum(drawn, 0.5))).mean()
    assert difference.tail(2.0, freedom, 0.5) == pytest.approx(between, abs=0.002)
    critical = difference.critical(0.01, freedom, 0.5)
    assert difference.tail(critical, freedom, 0.5) == pytest.approx(0.01)


def test_of_two_rows_the_model_is_the_paired_t_test() -> None:
    """Two rows share all there is to share: nothing is gained, and nothing lost."""
    values = np.random.default_rng(2).normal(90, 1, (500, 2, 8))
    found = difference.contrasts(variance.fit(variance.moments(values)), 1, 0)
    ordinary = ~(found.loud[0] | found.loud[1])[:, 0]
    own = student(values[:, 1] - values[:, 0])
    ratio = found.error[ordinary, 0] / own.error[ordinary]
    assert np.median(ratio) == pytest.approx(1, abs=0.01)
    assert np.quantile(np.abs(ratio - 1), 0.9) < 0.1
    assert ordinary.all()


def test_what_seeds_have_in_common_falls_out_of_a_difference() -> None:
    generator = np.random.default_rng(3)
    run, seed = generator.normal(0, 0.3, (400, 6, 3)), generator.normal(0, 5, (400, 1, 3))
    for common in (0 * seed, seed):
        found = difference.contrasts(variance.fit(variance.moments(run + common)), range(1, 6), 0)
        assert np.median(found.error) == pytest.approx(0.3 * np.sqrt(2 / 3), rel=0.05)


def test_seeds_that_not_all_rows_ran_leave_the_seeds_part_in_the_difference() -> None:
    values = np.random.default_rng(4).normal(0, 1, (3, 2_000, 10))
    values += 3 * np.random.default_rng(5).normal(0, 1, (1, 2_000, 10))
    plans = values.transpose(1, 0, 2).copy()
    plans[:, 1, :5] = np.nan
    found = difference.contrasts(variance.fit(variance.moments(plans)), [1, 2], [0, 0])
    assert np.sqrt(np.mean(found.error[:, 0] ** 2)) > 1.5 * np.sqrt(np.mean(found.error[:, 1] ** 2))
    z = found.mean / found.error
    assert np.std(z[:, 0]) == pytest.approx(1.1, abs=0.25)


@pytest.mark.parametrize("shift", [0.0, 70.0])
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_neither_level_nor_scale_matters(shift: float, scale: float) -> None:
    values = np.random.default_rng(6).normal(0, 1, (50, 5, 3))
    found = difference.contrasts(variance.fit(variance.moments(values, 0.4)), range(1, 5), 0)
    moved = variance.moments(shift + scale * values, 0.4 * scale**2)
    other = difference.contrasts(variance.fit(moved), range(1, 5), 0)
    assert other.p() == pytest.approx(found.p(), rel=1e-3)


def test_a_plan_decides_with_the_model_what_three_seeds_alone_do_not() -> None:
    rows, runs = chain(
        {
            "a": [41.0, 40.8, 41.9],
            "b": [44.1, 46.3, 44.9],
            "c": [50.9, 50.4, 52.8],
            "d": [51.0, 52.2, 51.6],
        }
    )
    own = compare_rows(rows, runs, range(3))
    shared = compare_rows(rows, runs, range(3), method=SHARED)
    assert [each.verdict for each in own.values()] != [each.verdict for each in shared.values()]
    assert shared["b"].verdict is shared["c"].verdict is Verdict.HELPS
    assert shared["d"].verdict is Verdict.UNDECIDED
    assert shared["d"].takes is None or shared["d"].takes > 3
    assert shared["b"].own_p == own["b"].p
    assert shared["c"].agrees is True


def test_the_interval_leaves_zero_out_just_where_the_verdict_does() -> None:
    generator = np.random.default_rng(7)
    for _ in range(40):
        means = 90 + generator.normal(0, 1.5, 5)
        rows, runs = chain({f"r{i}": generator.normal(m, 0.7, 3) for i, m in enumerate(means)})
        for each in compare_rows(rows, runs, range(3), resamples=0, method=SHARED).values():
            assert each.interval is not None
            assert each.p_holm is not None
            outside = each.interval.low > 0 or each.interval.high < 0
            assert outside == (each.p_holm <= LEVEL)
            assert outside == (each.verdict in (Verdict.HELPS, Verdict.HURTS))


def test_a_loud_row_keeps_its_own_variance_and_is_named() -> None:
    quiet = {name: [90.0, 90.4, 90.2, 89.9] for name in "abcd"}
    rows, runs = chain(quiet | {"loud": [80.0, 97.0, 93.0, 99.0]})
    found = compare_rows(rows, runs, range(4), resamples=0, method=SHARED)
    assert found["loud"].loud == ("loud",)
    assert found["b"].loud == ()
    narrow, wide = found["b"].interval, found["loud"].interval
    assert narrow is not None
    assert wide is not None
    assert narrow.high - narrow.low < 0.1 * (wide.high - wide.low)


def test_a_cheaper_part_is_called_equivalent_where_the_interval_lies_within() -> None:
    noise = [0.1, -0.1, 0.05, -0.05, 0.02, -0.02, 0.08, -0.08]
    rows, runs = chain({"a": [90 + x for x in noise], "b": [90 - x for x in noise]})
    found = compare_rows(rows, runs, range(8), method=Method("shared", equivalent=0.5))
    assert {each.verdict for each in found.values()} == {Verdict.EQUIVALENT}
    close = compare_rows(rows, runs, range(8), method=Method("shared", equivalent=0.01))
    assert {each.verdict for each in close.values()} == {Verdict.UNDECIDED}


@pytest.mark.parametrize("margin", [0.0, -1.0, 100.0, float("nan")])
def test_an_equivalence_without_sense_is_refused(margin: float) -> None:
    with pytest.raises(InputError, match="equivalent"):
        Method("shared", equivalent=margin)


def test_one_seed_and_identical_seeds_give_no_verdict() -> None:
    rows, runs = chain({"a": [90.0, 90.0], "b": [91.0, 91.0]})
    same = compare_rows(rows, runs, range(2), method=SHARED)["b"]
    assert same.verdict is Verdict.NONE
    assert "spread is unknown" in same.reason
    rows, runs = chain({"a": [90.0, 90.3], "b": [91.0]})
    one = compare_rows(rows, runs, range(2), method=SHARED)["b"]
    assert (one.verdict, one.interval) == (Verdict.NONE, None)
    assert compare_rows((Row(name="a"),), (completed("a", 0, 90.0),), range(2), method=SHARED) == {}


def test_a_race_on_the_model_counts_every_look() -> None:
    rows, runs = chain({name: [90.0, 90.5, 90.2, 90.3] for name in "ab"} | {"c": [92, 92.4, 92.2]})
    raced = compare_rows(rows, runs, range(8), Race(2, 8), method=SHARED)
    fixed = compare_rows(rows, runs, range(8), method=SHARED)
    assert raced["c"].p is not None
    assert fixed["c"].p is not None
    assert raced["c"].verdict is Verdict.HELPS
    assert raced["c"].p > fixed["c"].p


def test_power_rises_with_seeds_and_rows_and_its_inverse_agrees() -> None:
    noise = Noise(1.0, rows=6, comparisons=5)
    seen = [noise.smallest(seeds) or 0 for seeds in (2, 3, 5, 10, 50)]
    assert seen == sorted(seen, reverse=True)
    seeds = noise.seeds_for(1.5) or 0
    assert (noise.smallest(seeds) or 9) <= 1.5
    assert (noise.smallest(seeds - 1) or 9) > 1.5
    assert noise.seeds_for(1e-6) is None
    assert noise.smallest(1) is None
    assert Noise(1e-9, 6, 5, least=0.1).seeds_for(0.1) is None
    assert (noise.smallest(9, Race(2, 9)) or 0) > (noise.smallest(9) or 9)


def test_the_smallest_difference_is_found_in_eighty_of_a_hundred_plans() -> None:
    least = Noise(1.0, rows=6, comparisons=5).smallest(5) or 0
    values = np.random.default_rng(9).normal(0, 1, (20_000, 6, 5))
    values[:, 1] += least
    found = difference.contrasts(variance.fit(variance.moments(values)), [1], [0], comparisons=5)
    assert (found.p() <= LEVEL / 5).mean() == pytest.approx(0.8, abs=0.04)


def test_two_rows_at_different_levels_are_compared_as_by_the_paired_t_test() -> None:
    values = np.array([[90.0, 90.2, 90.1], [95.0, 95.3, 95.1]])
    scale = variance.level_scale(values.mean(-1))
    model = variance.fit(variance.moments(values, scale=scale))
    found = difference.contrasts(model, [1], [0])
    spread = (values[1] - values[0]).std(ddof=1) / np.sqrt(3)
    assert found.error[0] == pytest.approx(spread, rel=1e-6)
