"""The compound rule, its rounding, and the published models beside it."""

import csv
from math import inf, log, nan
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.config import Spec
from workbench.cost import closed_form
from workbench.errors import InputError
from workbench.models import build, spec
from workbench.scaling import PAPER, Constants, Rounding, published_beside_rule, scale
from workbench.scaling.commands import rounding_rule
from workbench.scaling.constants import along_the_ray, constants
from workbench.scaling.sizes import resolution_unit, sizes_of, to_multiple

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
FAMILIES = ("cmt_s", "cmt_cifar", "cmt_digits", "deit_s", "deit_s_4stage", "levit_128s", "volo_d1")


def test_ideal_sizes_are_the_rule_and_rounding_keeps_heads_strides_and_k() -> None:
    scaled = scale(spec("cmt_s"), phi=1)
    assert scaled.ideal.resolution == pytest.approx(224 * 1.15)
    assert scaled.ideal.depth == pytest.approx((3.6, 3.6, 19.2, 3.6))
    assert scaled.ideal.dim == pytest.approx((83.2, 166.4, 332.8, 665.6))
    assert scaled.sizes.resolution == 256  # of 257.6, a multiple of 32
    assert scaled.sizes.depth == (4, 4, 19, 4)
    assert scaled.sizes.dim == (83, 166, 332, 664)  # multiples of 1, 2, 4 and 8 heads
    assert (scaled.sizes.heads, scaled.sizes.stem, scaled.sizes.head) == ((1, 2, 4, 8), 42, 1280)


def test_growth_is_that_of_the_network_and_stands_beside_what_was_asked() -> None:
    base = spec("cmt_s")
    scaled = scale(base, phi=2)
    assert scaled.growth == closed_form(scaled.spec).macs / closed_form(base).macs
    assert scaled.target == pytest.approx(6.25)
    assert scaled.miss == pytest.approx(scaled.growth / 6.25 - 1)
    assert scaled.to_json()["growth_by_the_rule"] == pytest.approx((1.2 * 1.3**1.5 * 1.15**2) ** 2)


def test_moved_says_how_far_rounding_moved_each_size() -> None:
    moved = scale(spec("cmt_s"), phi=1).moved()
    assert moved["resolution"] == pytest.approx(256 / 257.6 - 1)
    assert moved["depth"] == pytest.approx((4 / 3.6 - 1, 4 / 3.6 - 1, 19 / 19.2 - 1, 4 / 3.6 - 1))
    assert "head" not in moved  # kept
    assert "head" in scale(spec("cmt_s"), phi=1, rounding=Rounding(head="scale")).moved()


def test_phi_zero_is_the_base_itself() -> None:
    scaled = scale(spec("cmt_s"), phi=0)
    assert scaled.spec.identity == spec("cmt_s").identity
    assert scaled.overrides == ()
    assert scaled.realised is None


@pytest.mark.parametrize("base", FAMILIES)
def test_overrides_make_the_same_network_anywhere_else(base: str) -> None:
    scaled = scale(spec(base), phi=1)
    assert spec(base, *scaled.overrides).identity == scaled.spec.identity


def test_result_builds_and_trains_like_any_other() -> None:
    scaled = scale(spec("cmt_digits"), phi=1)
    side = scaled.sizes.resolution
    network = build(scaled.spec)
    network(torch.zeros(2, 3, side, side)).sum().backward()
    assert sum(p.numel() for p in network.parameters()) == scaled.cost.params


@settings(max_examples=40)
@given(
    phi=st.floats(0, 2),
    alpha=st.floats(1, 1.6),
    beta=st.floats(1, 1.6),
    gamma=st.floats(1, 1.4),
    depth=st.sampled_from(["nearest", "up", "down", "total"]),
    dim=st.sampled_from(["nearest", "up", "down"]),
    heads=st.sampled_from(["keep", "scale"]),
)
def test_rounding_is_as_near_as_its_rule_says(
    phi: float, alpha: float, beta: float, gamma: float, depth: str, dim: str, heads: str
) -> None:
    base, sizes = spec("cmt_s"), sizes_of(spec("cmt_s"))
    rule = Rounding.model_validate({"depth": depth, "dim": dim, "heads": heads})
    scaled = scale(base, Constants(alpha=alpha, beta=beta, gamma=gamma), phi, rule)
    for stage, wanted in enumerate(scaled.ideal.dim):
        unit = 64 if heads == "scale" else sizes.heads[stage]
        found = scaled.sizes.dim[stage]
        assert found % scaled.sizes.heads[stage] == 0
        assert abs(found - wanted) <= unit * (0.5 if dim == "nearest" else 1) + 1e-6
        assert heads == "keep" or found // scaled.sizes.heads[stage] == 64
    assert scaled.sizes.resolution % resolution_unit(base) == 0
    assert abs(scaled.sizes.resolution - scaled.ideal.resolution) <= 16 + 1e-6
    if depth == "total":
        assert abs(sum(scaled.sizes.depth) - sum(scaled.ideal.depth)) <= 0.5 + 1e-6
    assert all(
        abs(found - wanted) < 1 + 1e-6
        for found, wanted in zip(scaled.sizes.depth, scaled.ideal.depth, strict=True)
    )


@pytest.mark.parametrize(
    ("way", "value", "found"),
    [("nearest", 12.0, 16), ("nearest", 11.9, 8), ("up", 8.1, 16), ("up", 8.0, 8),
     ("down", 15.9, 8), ("down", 7.9, 0)],
)  # fmt: skip
def test_multiples(way: str, value: float, found: int) -> None:
    assert to_multiple(value, 8, way) == found  # type: ignore[arg-type]


def test_size_that_is_whole_but_for_a_float_is_whole() -> None:
    deep = Constants(alpha=1.2, beta=1.0, gamma=1.0)
    base = spec("cmt_s", "depth=[5, 5, 5, 5]")  # 5 * 1.2 is 6, and 5.999... in floats of a power
    assert scale(base, deep, 1, Rounding(depth="down")).sizes.depth == (6, 6, 6, 6)
    assert scale(base, deep, 1, Rounding(depth="up")).sizes.depth == (6, 6, 6, 6)


def test_direction_of_the_paper_meets_the_growth_that_its_constants_miss() -> None:
    from workbench.scaling import PAPER_EXPONENTS

    point = along_the_ray(PAPER, PAPER_EXPONENTS, 2.5)
    assert PAPER_EXPONENTS.growth(PAPER) == pytest.approx(2.352, abs=1e-3)
    assert PAPER_EXPONENTS.growth(point) == pytest.approx(2.5)
    assert log(point.alpha) / log(point.beta) == pytest.approx(log(1.2) / log(1.3))


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
@pytest.mark.parametrize("value", [0.99, 0.0, -1.0, nan, inf])
def test_constant_below_one_or_not_finite_is_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=rf"^{name}: .* is refused.*nearest: 1"):
        constants(**{"alpha": 1.2, "beta": 1.3, "gamma": 1.15, name: value})
    with pytest.raises(InputError, match=rf"^{name}: "):
        scale(spec("cmt_s"), PAPER.model_copy(update={name: value}))


def test_phi_that_takes_the_last_block_names_the_stage_and_the_lowest_phi() -> None:
    with pytest.raises(InputError) as caught:
        scale(spec("cmt_s"), phi=-10)
    text = str(caught.value)
    assert text.startswith("phi: -10 is too low for cmt_s: depth[0]: ")
    assert "stage 0 loses its last block" in text
    lowest = float(text.rpartition("nearest: ")[2])
    assert scale(spec("cmt_s"), phi=lowest).sizes.depth[0] == 1
    with pytest.raises(InputError):
        scale(spec("cmt_s"), phi=lowest - 0.02)


def test_phi_that_takes_the_last_head_is_refused() -> None:
    wide = Constants(alpha=1.0, beta=4.0, gamma=1.0)
    with pytest.raises(InputError, match=r"dim\[0\].*loses its last head; nearest: -"):
        scale(spec("cmt_s"), wide, phi=-8)


def test_phi_that_takes_the_last_position_is_refused() -> None:
    far = Constants(alpha=1.0, beta=1.0, gamma=2.0)
    with pytest.raises(InputError, match=r"phi: -5 is too low.*resolution.*nearest: -"):
        scale(spec("cmt_s"), far, phi=-5)


@pytest.mark.parametrize("phi", [nan, inf, -inf, 1000.0])
def test_phi_that_is_no_number_or_absurd_is_refused(phi: float) -> None:
    with pytest.raises(InputError, match=r"^phi: "):
        scale(spec("cmt_s"), phi=phi)


def test_rounding_rule_that_is_unknown_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"rounding\.dept.*nearest: 'depth"):
        rounding_rule(["dept=up"])
    with pytest.raises(InputError, match=r"rounding\.depth: unknown 'upp'; nearest: 'up'"):
        rounding_rule(["depth=upp"])


# ---------------------------------------------------------------- the published models


def published_rows(name: str) -> dict[str, dict[str, str]]:
    with (PUBLISHED / "cmt_architecture.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["variant"] == name]
    return {row["part"]: row for row in rows if row["source"] == "ggjy/CMT.pytorch:cmt.py"}


@pytest.mark.parametrize(
    ("model", "name"),
    [("cmt_ti", "CMT-Ti"), ("cmt_xs", "CMT-XS"), ("cmt_s", "CMT-S"), ("cmt_b", "CMT-B")],
)
def test_table_has_the_published_sizes(model: str, name: str) -> None:
    (compared,) = [each for each in published_beside_rule() if each.model == model]
    found = {line.what: line.published for line in compared.lines}
    rows = published_rows(name)
    stages = [rows[f"stage{number}"] for number in (1, 2, 3, 4)]
    assert found["depth"] == tuple(int(row["blocks"]) for row in stages)
    assert found["dim"] == tuple(int(row["channels"]) for row in stages)
    assert found["heads"] == tuple(int(row["heads"]) for row in stages)
    assert found["resolution"] == int(stages[0]["input_resolution"])
    assert found["stem.dim"] == int(rows["stem"]["channels"])
    assert found["ffn.ratio"] == float(stages[0]["irffn_ratio_R"])


def test_table_shows_where_the_published_models_leave_the_rule() -> None:
    compared = {each.model: each for each in published_beside_rule()}
    assert compared["cmt_s"].phi == 0
    assert all(line.follows for line in compared["cmt_s"].lines)
    differ = {line.what for line in compared["cmt_ti"].lines if not line.follows}
    assert {"depth", "dim", "stem.dim", "ffn.ratio"} <= differ
    assert "resolution" not in differ
    phis = {line.what: line.phi for line in compared["cmt_ti"].lines}
    assert phis["dim"] == pytest.approx(log(46 / 64) / log(1.3))
    assert phis["resolution"] == pytest.approx(log(160 / 224) / log(1.15))


def test_nearest_phi_of_a_network_of_the_rule_is_its_own() -> None:
    for each in published_beside_rule():
        network: Spec = scale(spec("cmt_s"), phi=each.phi).spec
        macs = next(line.rule for line in each.lines if line.what == "macs")
        assert closed_form(network).macs == macs
