import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.samples import chain, completed, diverged, run
from workbench.runs.rows import StoredRun
from workbench.statistics import sequential
from workbench.statistics.comparison import Verdict, holm, step_level
from workbench.statistics.facts import ImageNoise, Method, Outcome, Race, Row
from workbench.statistics.paired import compare_rows
from workbench.statistics.racing import Wanted, next_seeds
from workbench.statistics.student import student

RACE = Race(3, 12)
SEEDS = tuple(range(12))
Floats = NDArray[np.float64]


def test_every_row_starts_with_the_least_number_of_seeds() -> None:
    rows, _ = chain({"a": [], "b": []})
    wanted = next_seeds(rows, (), SEEDS, RACE)
    assert wanted == (Wanted("a", (0, 1, 2)), Wanted("b", (0, 1, 2)))


def test_only_undecided_comparisons_go_on_and_both_sides_do() -> None:
    rows, runs = chain(
        {
            "a": [90, 91, 90.5],
            "b": [95.0, 96.01, 95.5],
            "c": [95.3, 95.8, 95.6],
            "d": [80, 81.01, 80.5],
        }
    )
    rows = (*rows[:3], Row(name="d", compared_to="a"))
    found = compare_rows(rows, runs, SEEDS, RACE)
    assert found["b"].verdict is Verdict.HELPS
    assert found["c"].verdict is Verdict.UNDECIDED
    assert next_seeds(rows, runs, SEEDS, RACE) == (Wanted("b", (3,)), Wanted("c", (3,)))


def test_the_size_of_the_test_set_counts_in_a_race_too() -> None:
    """Differences all alike are no verdict without it, and a clear one with it."""
    rows, runs = chain({"a": [90, 91, 90.5], "b": [95, 96, 95.5]})
    assert len(next_seeds(rows, runs, SEEDS, RACE)) == 2
    assert next_seeds(rows, runs, SEEDS, RACE, images=1000) == ()


def test_one_side_ahead_is_caught_up_with() -> None:
    rows, runs = chain({"a": [90, 91, 90.5, 91], "b": [90.2, 90.9, 90.4]})
    assert next_seeds(rows, runs, SEEDS, RACE) == (Wanted("b", (3,)),)


def test_the_race_ends_at_the_most_seeds_and_at_lost_rows() -> None:
    rng = np.random.default_rng(0)
    rows, runs = chain({"a": rng.normal(90, 1, 12).tolist(), "b": rng.normal(90, 1, 12).tolist()})
    rows = (*rows, Row(name="c", compared_to="a"))
    runs = (*runs, *(diverged("c", seed) for seed in range(3)))
    assert compare_rows(rows, runs, SEEDS, RACE)["b"].verdict is Verdict.UNDECIDED
    assert next_seeds(rows, runs, SEEDS, RACE) == ()


def test_a_seed_that_failed_on_one_side_does_not_stop_the_race() -> None:
    rows, runs = chain({"a": [90, 91, 90.5], "b": [90.2, 90.9]})
    runs = (*runs, run("b", 2, Outcome.FAILED, reason="boom"))
    assert next_seeds(rows, runs, SEEDS, RACE) == (Wanted("a", (3,)), Wanted("b", (3,)))
    found = compare_rows(rows, runs, SEEDS, RACE)["b"]
    assert found.reason == "2 paired seeds of the 3 that the race begins with"


def test_a_race_goes_by_what_images_say() -> None:
    """Rows that err on the same images need fewer seeds."""
    rows, runs = chain({"a": [90.0, 91.0, 90.4], "b": [91.2, 92.3, 91.7], "c": [91.9, 91.3, 92.2]})
    pairs = {("a", "b"): (0.0, 0.95), ("a", "c"): (0.0, 0.0), ("b", "c"): (0.0, 0.0)}
    noise = {"top1": ImageNoise(dict.fromkeys("abc", 0.0), pairs)}
    told, untold = Method("shared", known=noise), Method("shared")
    assert Wanted("a", (3,)) in next_seeds(rows, runs, SEEDS, RACE, method=untold)
    assert "a" not in [each.variant for each in next_seeds(rows, runs, SEEDS, RACE, method=told)]


def test_racing_until_decided_ends() -> None:
    """Played to the end: the sequence of decisions stops, and no row exceeds the most."""
    rng = np.random.default_rng(5)
    rows, _ = chain({"a": [], "b": [], "c": []})
    effect = {"a": 90.0, "b": 93.0, "c": 93.1}
    runs: tuple[StoredRun, ...] = ()
    for _ in range(30):
        wanted = next_seeds(rows, runs, SEEDS, RACE)
        if not wanted:
            break
        runs += tuple(
            completed(w.variant, s, effect[w.variant] + rng.normal(0, 0.4))
            for w in wanted
            for s in w.seeds
        )
    else:
        pytest.fail("the race does not end")
    counts = {name: sum(run.variant == name for run in runs) for name in effect}
    assert counts["a"] < 12 == counts["c"]


def test_one_look_is_an_ordinary_test() -> None:
    assert sequential.sequential_p(Race(5, 5), 0.05) == pytest.approx(0.05, abs=0.002)


@pytest.mark.slow
def test_pococks_constant_is_met_where_the_variance_is_as_good_as_known() -> None:
    """Five equally spaced looks of many observations: 2.413, p = 0.0158 (Pocock 1977, table 1)."""
    drawn = np.random.default_rng(0).standard_normal((20_000, 200))
    smallest = sequential.look_p(drawn, 2)[:, 38::40].min(-1)
    assert np.quantile(smallest, 0.05) == pytest.approx(0.0158, abs=0.001)


def raced(differences: Floats, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """(plans, rows, most) differences to adjusted p values at the end, and pairs used."""
    shape = differences.shape
    p = sequential.look_p(differences.reshape(-1, shape[-1]), RACE.least)
    minima = sequential.null_minima(RACE.least, RACE.most)
    best = np.minimum.accumulate(p, -1)
    sequence = (np.searchsorted(minima, best, side="right") + 1) / (len(minima) + 1)
    looks = np.moveaxis(sequence.reshape(*shape[:2], -1), -1, 0)  # (looks, plans, rows)
    stopped = looks[0].copy()
    used = np.full(shape[:2], float(RACE.least))
    for look in looks[1:]:
        going = holm(stopped) > alpha
        stopped = np.where(going, look, stopped)
        used += going
    return holm(stopped), used


@pytest.mark.slow
@pytest.mark.parametrize("real", [0, 3])
def test_racing_keeps_the_error(real: int) -> None:
    """In 100,000 plans of six rows, whose rate has an error of 0.0007; `real` of them differ."""
    wrong = 0
    for batch in range(50):
        differences = np.random.default_rng(batch).standard_normal((2_000, 6, RACE.most))
        differences[:, 6 - real :] += 2.0
        p, _ = raced(differences)
        wrong += int((p[:, : 6 - real] <= 0.05).any(-1).sum())
    assert 0.03 < wrong / 100_000 <= 0.05


def test_racing_saves_seeds_at_equal_error() -> None:
    """Six rows, three of them with an effect of 2, 3 and 4 standard deviations of a difference.

    At the same error the race finds as much as nine or more seeds for all, with five to seven on
    the rows that have an effect; those that have none take all twelve.
    """
    noise = np.random.default_rng(11).standard_normal((2_000, 6, RACE.most))
    effects = np.array([0.0, 0.0, 0.0, 2.0, 3.0, 4.0])[:, None]
    p, used = raced(noise + effects)
    spent = used.mean()
    assert used[:, 3:].mean() < 8
    assert spent < 0.85 * RACE.most

    def power(seeds: int) -> float:
        fixed = holm(student((noise + effects)[..., :seeds]).p)
        return float((fixed[:, 3:] <= 0.05).mean())

    found = (p[:, 3:] <= 0.05).mean()
    assert power(8) < found < power(12)


def played(differences: Floats) -> tuple[tuple[Row, ...], tuple[StoredRun, ...]]:
    """A race of (rows, most) differences to one baseline, by `next_seeds` to its end."""
    names = [f"r{index}" for index in range(len(differences))]
    rows = (Row(name="base"), *(Row(name=name, compared_to="base") for name in names))
    top1 = {"base": np.zeros(RACE.most), **dict(zip(names, differences, strict=True))}
    runs: tuple[StoredRun, ...] = ()
    while wanted := next_seeds(rows, runs, SEEDS, RACE):
        runs += tuple(
            completed(each.variant, seed, 50 + float(top1[each.variant][seed]))
            for each in wanted
            for seed in each.seeds
        )
    return rows, runs


@pytest.mark.slow
def test_the_public_race_is_the_one_that_is_simulated() -> None:
    """P values, seeds and intervals of plans played by the public functions, and of `raced`."""
    drawn = np.random.default_rng(21).standard_normal((6, 4, RACE.most))
    drawn += np.array([0.0, 0.0, 1.5, 4.0])[:, None]
    p, used = raced(drawn)
    assert len(np.unique(used)) > 3  # some are decided at once, some late, some never
    for plan, wanted, seeds in zip(drawn, p, used, strict=True):
        found = compare_rows(*played(plan), SEEDS, RACE, resamples=0)
        assert [each.p_holm for each in found.values()] == pytest.approx(wanted, abs=1e-4)
        assert [len(each.seeds) for each in found.values()] == seeds.tolist()
        for each, values in zip(found.values(), plan, strict=True):
            assert each.interval is not None
            assert each.p is not None
            level = float(step_level(each.p, each.p_holm or 0.0, len(plan)))
            shown = student(values[: len(each.seeds)], sequential.nominal_level(RACE, level))
            assert each.interval.low == pytest.approx(float(shown.low))


def test_peeking_without_the_method_is_wrong_far_more_often() -> None:
    """So the simulation above can fail."""
    drawn = np.random.default_rng(3).standard_normal((4_000, RACE.most))
    assert (sequential.look_p(drawn, RACE.least).min(-1) <= 0.05).mean() > 0.12


def test_intervals_of_a_race_cover_wherever_it_stops() -> None:
    drawn = np.random.default_rng(4).standard_normal((4_000, RACE.most))
    level = sequential.nominal_level(RACE, 0.05)
    always = (sequential.look_p(drawn, RACE.least) > level).all(-1).mean()
    assert always == pytest.approx(0.95, abs=0.01)
