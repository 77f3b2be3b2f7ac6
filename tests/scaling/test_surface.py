"""Exponents, the constraint surface, and the strategies that meet one cost."""

from math import inf, log, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cost import closed_form
from workbench.errors import InputError
from workbench.models import spec
from workbench.scaling import (
    PAPER_EXPONENTS,
    STRATEGIES,
    Constants,
    Exponents,
    measure,
    measured_exponents,
    scale,
    solve,
    surface,
)
from workbench.scaling.exponents import WITHIN, fit

SHARE = st.floats(0, 1)


# ---------------------------------------------------------------- exponents


@given(exponent=st.floats(0.3, 3))
def test_exponent_of_a_power_law_is_found(exponent: float) -> None:
    points = [(x, x**exponent) for x in (0.5, 0.8, 1.0, 1.3, 2.0)]
    found = fit("dim", 1.5, points)
    assert found.exponent == pytest.approx(exponent)
    assert found.local == pytest.approx(exponent)
    assert found.worst == pytest.approx(0, abs=1e-9)
    assert found.valid == found.fitted == (0.5, 2.0)


def test_range_of_validity_ends_where_the_power_law_does() -> None:
    points = [(0.5, 0.25), (1.0, 1.0), (1.5, 2.25), (2.0, 5.0)]  # a square, but for the last
    found = fit("dim", 1.5, points)
    for x, y in points:
        inside = found.valid[0] <= x <= found.valid[1]
        assert inside is (abs(x**found.exponent / y - 1) <= WITHIN)


def test_depth_costs_less_than_its_share_and_dimension_nearly_its_square() -> None:
    depth, dim, resolution = measure(spec("cmt_s"))
    assert 0.85 < depth.exponent < 1  # stem, downsamples and head stay
    assert 1.85 < dim.exponent < 2  # the paper says 1.5
    assert 2.05 < resolution.exponent < 2.2  # attention grows with the fourth power
    assert [each.paper for each in (depth, dim, resolution)] == [1.0, 1.5, 2.0]
    assert depth.fitted == pytest.approx((0.5, 2.0))


@pytest.mark.parametrize("base", ["cmt_s", "cmt_cifar", "deit_s"])
def test_points_of_a_fit_are_costs_of_networks(base: str) -> None:
    depth, _, resolution = measure(spec(base))
    once = closed_form(spec(base)).macs
    stages = [stage.depth for stage in spec(base).stages]
    twice = closed_form(spec(base, f"depth={[2 * each for each in stages]}")).macs
    assert max(depth.points)[1] == pytest.approx(twice / once)
    for factor, growth in resolution.points:
        side = round(spec(base).resolution * factor)
        assert growth == pytest.approx(closed_form(spec(base, resolution=side)).macs / once)


def test_span_without_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="exponent of resolution: no other size"):
        measure(spec("cmt_digits"), span=(0.9, 1.1))
    with pytest.raises(InputError, match=r"span: 1\.5 to 2 is refused"):
        measure(spec("cmt_digits"), span=(1.5, 2))


# ---------------------------------------------------------------- the surface

EXPONENTS = st.builds(
    Exponents, depth=st.floats(0.5, 2), dim=st.floats(0.5, 3), resolution=st.floats(0.5, 3)
)


@given(exponents=EXPONENTS, growth=st.floats(1.1, 20), depth=SHARE, split=SHARE)
def test_every_coordinate_is_a_point_of_the_surface(
    exponents: Exponents, growth: float, depth: float, split: float
) -> None:
    point = surface(growth, exponents).at(depth, split)
    assert exponents.growth(point) == pytest.approx(growth)
    assert min(point.each()) >= 1


@given(depth=st.floats(0, 0.95), split=SHARE)
def test_place_is_the_inverse(depth: float, split: float) -> None:
    whole = surface(2.5)
    assert whole.place(whole.at(depth, split)) == pytest.approx((depth, split), abs=1e-6)


@given(depth=SHARE, split=SHARE)
def test_bounds_hold(depth: float, split: float) -> None:
    bounds = {"alpha": (1.05, 1.5), "beta": (1.1, 1.4), "gamma": (1.0, 1.3)}
    point = surface(2.5, PAPER_EXPONENTS, bounds).at(depth, split)
    assert PAPER_EXPONENTS.growth(point) == pytest.approx(2.5)
    for value, (low, high) in zip(point.each(), bounds.values(), strict=True):
        assert low - 1e-9 <= value <= high + 1e-9


def test_points_are_spread_evenly_over_the_surface() -> None:
    """Of a triangle, a quarter lies in each of the four that its midlines cut it to."""
    whole, steps = surface(2.5), [(i + 0.5) / 40 for i in range(40)]
    points = [whole.at(u, v) for u in steps for v in steps]
    shares = [
        (log(p.alpha) / log(2.5), 1.5 * log(p.beta) / log(2.5), 2 * log(p.gamma) / log(2.5))
        for p in points
    ]
    for corner in range(3):
        inside = sum(each[corner] > 0.5 for each in shares) / len(shares)
        assert inside == pytest.approx(0.25, abs=0.02)


def test_corners_are_the_single_dimensions() -> None:
    whole = surface(2.5)
    assert whole.at(1, 0.3).each() == pytest.approx((2.5, 1, 1))
    assert whole.at(0, 1).each() == pytest.approx((1, 2.5 ** (1 / 1.5), 1))
    assert whole.at(0, 0).each() == pytest.approx((1, 1, 2.5**0.5))


def test_measured_exponents_make_a_surface_that_costs_what_it_says() -> None:
    """Where rounding is fine, the measured surface really costs 2.5, and the paper's does not."""
    base = spec("cmt_s")
    measured = measured_exponents(measure(base))
    for exponents, most in ((measured, 0.05), (PAPER_EXPONENTS, 0.5)):
        point = surface(2.5, exponents).at(0, 1)  # dimension alone: its rounding is the finest
        miss = abs(scale(base, point).miss)
        assert miss < most
        assert (miss < 0.05) is (exponents is measured)


@pytest.mark.parametrize("growth", [1.0, 0.5, -1.0, nan, inf])
def test_growth_that_no_point_meets_is_refused(growth: float) -> None:
    with pytest.raises(InputError, match=r"^growth: .* is refused: no point"):
        surface(growth)


def test_bounds_that_no_point_meets_are_refused_with_the_nearest_growth() -> None:
    low = {"alpha": (1.0, 1.1), "beta": (1.0, 1.1), "gamma": (1.0, 1.1)}
    with pytest.raises(InputError, match=r"no point within the bounds.*2\.5; nearest: 1\.536"):
        surface(2.5, bounds=low)
    with pytest.raises(InputError, match="nearest: 3"):
        surface(2.5, bounds={"alpha": (3.0, 4.0)})


@pytest.mark.parametrize("bound", [(0.5, 2.0), (nan, 2.0), (2.0, 1.5), (1.0, nan), (inf, inf)])
def test_bounds_that_make_no_sense_are_refused(bound: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=r"^beta: "):
        surface(2.5, bounds={"beta": bound})


def test_exponents_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match=r"exponents\.dim: 0\.0 is refused"):
        surface(2.5, Exponents(depth=1, dim=0, resolution=2))


def test_point_off_the_surface_is_refused() -> None:
    with pytest.raises(InputError, match=r"is 2\.352 there, not 2\.5"):
        surface(2.5).place(Constants(alpha=1.2, beta=1.3, gamma=1.15))
    outside = surface(2.5, bounds={"gamma": (1.0, 1.2)})
    with pytest.raises(InputError, match="gamma is out of its bounds"):
        outside.place(surface(2.5).at(0.1, 0.1))


# ---------------------------------------------------------------- strategies

THREE = (
    "depth=[2,2,4]", "dim=[32,64,128]", "heads=[1,2,4]", "stride=[2,2,2]", "mixer.k=[4,2,1]",
)  # fmt: skip


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_meet_the_target_and_change_what_they_say(strategy: str) -> None:
    base = spec("cmt_cifar", *THREE)
    solved = solve(base, strategy, 2.35)  # type: ignore[arg-type]
    assert abs(closed_form(solved.spec).macs / closed_form(base).macs / 2.35 - 1) <= 0.01
    assert spec("cmt_cifar", *THREE, *solved.overrides).identity == solved.spec.identity
    changed = {text.partition("=")[0] for text in solved.overrides}
    expected = {
        "depth": {"depth"},
        "dim": {"dim", "stem.dim"},
        "resolution": {"resolution"},
        "compound": {"depth", "dim", "resolution", "stem.dim"},
    }
    assert changed == expected[strategy]


@settings(max_examples=10)
@given(growth=st.floats(1.5, 4))
def test_dimension_alone_meets_any_target(growth: float) -> None:
    base = spec("cmt_s")
    assert abs(solve(base, "dim", growth).cost.macs / closed_form(base).macs / growth - 1) <= 0.01


def test_target_that_whole_sizes_miss_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"growth: 1\.7 can't be met within 1\.0% by resolution"):
        solve(spec("cmt_cifar"), "resolution", 1.7)
    with pytest.raises(InputError, match=r"nearest: 2\.329"):
        solve(spec("cmt_cifar"), "resolution", 2.2)
    with pytest.raises(InputError, match="growth: 0 is refused"):
        solve(spec("cmt_cifar"), "resolution", 0)
