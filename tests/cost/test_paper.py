"""The paper's formulas against the count of one block, and the one term they leave out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cost.paper import (
    cmt_block_macs,
    ffn_macs,
    irffn_macs,
    lmhsa_macs,
    lpu_macs,
    mhsa_macs,
    reduction_macs,
    standard_block_macs,
)
from workbench.cost import closed_form
from workbench.models import spec

sides = st.sampled_from([4, 8, 12])
dims = st.sampled_from([8, 24, 64])
ratios = st.sampled_from([1, 3, 4])


def _block(side: int, dim: int, *overrides: str) -> dict[str, int]:
    """MACs by slot of the one block of a one-stage network."""
    made = spec(
        "cmt_digits",
        f"resolution={side}",
        "depth=[1]",
        f"dim=[{dim}]",
        "heads=[1]",
        "stride=[1]",
        *overrides,
    )
    sums = closed_form(made).by_slot
    return {slot: sums[slot].macs for slot in ("lpu", "mixer", "ffn") if slot in sums}


@given(sides, dims, ratios)
def test_a_standard_block_is_what_the_paper_says(side: int, dim: int, ratio: int) -> None:
    counted = _block(side, dim, "lpu=none", "ffn=mlp", f"ffn.ratio={ratio}", "mixer.k=1")
    n = side * side
    assert counted == {"mixer": mhsa_macs(n, dim), "ffn": ffn_macs(n, dim, ratio)}
    assert sum(counted.values()) == standard_block_macs(n, dim, ratio)


@given(sides, dims, ratios, st.sampled_from([1, 2, 4]))
def test_a_cmt_block_is_what_the_paper_says_and_the_reduction(
    side: int, dim: int, ratio: int, k: int
) -> None:
    counted = _block(side, dim, f"ffn.ratio={ratio}", f"mixer.k={k}")
    n = side * side
    left_out = n * dim if k > 1 else 0  # one depthwise k x k convolution of stride k
    assert reduction_macs(n, dim, k) == left_out
    assert counted == {
        "lpu": lpu_macs(n, dim),
        "mixer": lmhsa_macs(n, dim, k) + left_out,
        "ffn": irffn_macs(n, dim, ratio),
    }
    assert sum(counted.values()) == cmt_block_macs(n, dim, k, ratio) + left_out


def test_the_sums_that_the_paper_prints() -> None:
    n, d, k = 56 * 56, 64, 8
    assert standard_block_macs(n, d) == 12 * n * d**2 + 2 * n**2 * d
    printed = 10 * n * d**2 * (1 + 0.2 / k**2) + 2 * n**2 * d / k**2 + 45 * n * d
    assert cmt_block_macs(n, d, k) == printed


def test_k_that_does_not_divide_the_map_is_refused() -> None:
    with pytest.raises(ValueError, match="k: 8 does not divide a square map of 196 tokens"):
        cmt_block_macs(196, 256, 8)
