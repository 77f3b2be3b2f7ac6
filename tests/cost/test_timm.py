"""`timm:NAME` by the same convention, against published GMACs and against our own networks."""

from functools import cache

import pytest
from timm.layers import set_fused_attn

import workbench as wb
from workbench.cost import Cost, closed_form, network_cost
from workbench.cost.target import target
from workbench.errors import InputError
from workbench.models import spec

# GMACs as the papers or their authors print them, with the digits they print: results/published
PUBLISHED = [
    ("tf_efficientnet_b0", "0.39"),
    ("tf_efficientnet_b2", "1.0"),
    ("deit_small_patch16_224", "4.6"),
    ("deit_base_patch16_224", "17.6"),
    ("swin_tiny_patch4_window7_224", "4.5"),
    ("mvitv2_tiny", "4.7"),
    ("resnet50", "4.1"),
    ("regnety_040", "4.0"),
    ("pvt_v2_b2", "4.0"),
]
PEERS = [
    "tf_efficientnet_b2",
    "deit_small_patch16_224",
    "convit_tiny",
    "twins_svt_small",
    "twins_pcpvt_small",
    "mvitv2_tiny",
    "pvt_v2_b2",
    "swin_tiny_patch4_window7_224",
]


@cache
def count(name: str) -> Cost:
    """The cost of a network that several tests ask for."""
    return network_cost(f"timm:{name}")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "printed"), PUBLISHED)
def test_counts_agree_with_the_printed_digits(name: str, printed: str) -> None:
    digits = len(printed.partition(".")[2])
    assert f"{count(name).macs / 1e9:.{digits}f}" == printed


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_fused_attention_counts_as_written_out(name: str) -> None:
    fused = count(name)
    set_fused_attn(False)
    try:
        assert network_cost(f"timm:{name}") == fused
    finally:
        set_fused_attn(True)
    assert fused.by_slot == {}
    assert fused.macs > 0
    assert set(fused.by_stage) == {"network"}


# The benchmark files of timm count a norm, too: 5 operations for an output of a layer norm, 2 for
# one of a batch norm in eval mode (fvcore's own handles). That is all they differ by.
NORMS = [
    ("deit_small_patch16_224", 5, "4.61"),
    ("swin_tiny_patch4_window7_224", 5, "4.51"),
    ("mvitv2_tiny", 5, "4.7"),
    ("resnet50", 2, "4.11"),
    ("regnety_040", 2, "4.0"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "per_element", "printed"), NORMS)
def test_timms_own_counts_differ_by_the_norms(name: str, per_element: int, printed: str) -> None:
    cost = count(name)
    total = cost.macs + per_element * cost.elements("norm")
    digits = len(printed.partition(".")[2])
    assert f"{total / 1e9:.{digits}f}" == printed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("deit_ti", "deit_tiny_patch16_224"),
        ("levit_128s", "levit_128s"),
        ("volo_d1", "volo_d1_224"),
    ],
)
def test_our_networks_cost_what_timms_do(ours: str, theirs: str) -> None:
    mine, other = closed_form(spec(ours)), count(theirs)
    assert (mine.params, mine.macs) == (other.params, other.macs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "deit_tiny_patch16_224"])
def test_another_resolution(name: str) -> None:
    home, larger = count(name), network_cost(f"timm:{name}", resolution=256)
    assert larger.resolution == 256
    assert larger.macs > home.macs


@pytest.mark.slow
def test_the_public_function_takes_a_spec_or_a_name() -> None:
    assert wb.cost(spec("cmt_digits")) == wb.cost("cmt_digits") == closed_form(spec("cmt_digits"))
    assert wb.cost("timm:resnet18").params == 11_689_512
    with pytest.raises(InputError, match="model: unknown 'cmt_digit'; nearest: 'cmt_digits"):
        wb.cost("cmt_digit")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"timm: unknown 'resnet5'; nearest: .*resnet50"):
        target("timm:resnet5")


def test_overrides_are_refused() -> None:
    with pytest.raises(InputError, match=r"timm:resnet18: takes no overrides.*'lpu=none'"):
        target("timm:resnet18", "lpu=none")


def test_a_resolution_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="resolution: 0 is refused"):
        target("timm:resnet18", resolution=0)


@pytest.mark.slow
def test_a_resolution_that_timm_refuses_is_bad_input() -> None:
    with pytest.raises(InputError, match="resolution: 100 fails in timm:twins_svt_small"):
        network_cost("timm:twins_svt_small", resolution=100)
