from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import t as student_t

from tests.support.samples import diverged, factorial
from workbench.errors import InputError
from workbench.statistics.attribution import alone, attribute, full_factorial, interactions, shapley
from workbench.statistics.facts import Row

Floats = NDArray[np.float64]


@st.composite
def tables(draw: st.DrawFn) -> Floats:
    """(seeds, 2^n) top-1 of every subset."""
    n, seeds = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    return np.random.default_rng(draw(st.integers(0, 10**6))).uniform(0, 100, (seeds, 2**n))


@settings(max_examples=60)
@given(tables())
def test_both_decompositions_add_up_to_the_whole(values: Floats) -> None:
    whole = values[:, -1] - values[:, 0]
    pairs = interactions(values)
    assert shapley(values).sum(-1) == pytest.approx(whole)
    assert alone(values).sum(-1) + pairs.sum((-1, -2)) / 2 == pytest.approx(
        whole if values.shape[1] > 1 else 0
    )
    assert alone(values) + pairs.sum(-1) / 2 == pytest.approx(shapley(values))


@settings(max_examples=20)
@given(tables())
def test_shapley_is_the_mean_over_all_orders(values: Floats) -> None:
    n = values.shape[1].bit_length() - 1
    total = np.zeros((len(values), n))
    orders = list(permutations(range(n)))
    for order in orders:
        before = 0
        for component in order:
            after = before | 1 << component
            total[:, component] += values[:, after] - values[:, before]
            before = after
    assert shapley(values) == pytest.approx(total / len(orders))


def test_a_sum_of_effects_has_no_interaction() -> None:
    effects = np.array([1.0, -2.0, 0.5])
    subsets = np.array([[bit >> i & 1 for i in range(3)] for bit in range(8)])
    values = (90 + subsets @ effects)[None]
    assert shapley(values)[0] == pytest.approx(effects)
    assert np.abs(interactions(values)).max() < 1e-12


def test_two_components_that_only_work_together() -> None:
    values = np.array([[90.0, 90.0, 90.0, 94.0]])
    assert shapley(values)[0] == pytest.approx([2, 2])
    assert interactions(values)[0, 0, 1] == pytest.approx(4)


def cells(noise: float = 0.1) -> dict[frozenset[str], list[float]]:
    rng = np.random.default_rng(1)
    effect = {"lpu": 2.0, "stem": 1.0}
    subsets = [frozenset(s) for s in ((), ("lpu",), ("stem",), ("lpu", "stem"))]
    return {
        s: [90 + sum(map(effect.get, s)) + rng.normal(0, noise) for _ in range(4)] for s in subsets
    }  # type: ignore[arg-type]


def test_attribution_of_a_plan() -> None:
    rows, runs = factorial(("stem", "lpu"), cells())
    found = attribute(rows, runs, (0, 1, 2, 3))
    assert full_factorial(rows)
    assert found is not None
    assert dict(
        zip(found.components, (e.mean for e in found.shapley), strict=True)
    ) == pytest.approx({"stem": 1.0, "lpu": 2.0}, abs=0.3)
    assert sum(e.mean for e in found.shapley) == pytest.approx(found.whole.mean)
    together = sum(e.mean for e in found.alone) + sum(e.mean for *_, e in found.pairs)
    assert together == pytest.approx(found.whole.mean)
    assert found.whole.interval is not None
    assert found.whole.interval.low < 3.0 < found.whole.interval.high


def test_a_seed_lost_in_one_cell_is_left_out_in_the_open() -> None:
    rows, runs = factorial(("stem", "lpu"), cells())
    runs = (*(r for r in runs if (r.variant, r.seed) != ("lpu", 2)), diverged("lpu", 2))
    found = attribute(rows, runs, (0, 1, 2, 3))
    assert found is not None
    assert (found.seeds, found.left_out) == ((0, 1, 3), (2,))
    assert attribute(rows, (), (0, 1)) is None


def test_no_interval_is_narrower_than_the_counting_of_images() -> None:
    """Seeds that count alike have no spread: known without a test set, a step's with one."""
    alike = {cell: [90.0 + len(cell)] * 3 for cell in cells()}
    rows, runs = factorial(("stem", "lpu"), alike)
    unknown = attribute(rows, runs, (0, 1, 2))
    counted = attribute(rows, runs, (0, 1, 2), images=500)
    assert unknown is not None
    assert counted is not None
    assert unknown.whole.interval is None
    half = student_t.ppf(0.975, 2) * 0.2 / np.sqrt(12)  # of one top-1, in steps of 0.2 points
    for estimate, squares in (
        (counted.whole, 2),  # 1, -1
        (counted.alone[0], 2),
        (counted.shapley[0], 4 / 4),  # four cells of one half each
        (counted.pairs[0][2], 4),  # four cells of one each
    ):
        assert estimate.interval is not None
        assert estimate.interval.high - estimate.mean == pytest.approx(half * np.sqrt(squares))


def test_what_is_no_full_factorial_is_refused() -> None:
    rows, runs = factorial(("stem", "lpu"), cells())
    assert not full_factorial(rows[:-1])
    assert not full_factorial((Row(name="a"), Row(name="b")))
    with pytest.raises(InputError, match=r"no row with exactly (lpu, stem|stem, lpu)"):
        attribute(rows[:-1], runs, (0,))
    with pytest.raises(InputError, match="the same components as 'none'"):
        attribute((*rows, Row(name="again", present=())), runs, (0,))
    with pytest.raises(InputError, match="which components it has"):
        attribute((Row(name="a"),), (), (0,))
