"""LeViT: the family is timm's to the last digit, and its parts do what the paper says."""

import csv
from pathlib import Path

import pytest
import torch

from tests.models.twins import check_twins, close, count, image, timm_network
from workbench.cost import closed_form
from workbench.errors import InputError
from workbench.models import build, load_weights, spec
from workbench.models.components.offsets import (
    centre_offsets,
    centre_span,
    resize_offsets,
    spread,
    strided_offsets,
)
from workbench.models.ops import square

SMALL = ("resolution=32", "classes=4", "stride=[8,2,2]", "dim=[32,48,64]", "depth=[1,1,1]")
BOTH = {  # params, MACs of all; from timm 1.0.31 and this project's convention
    "levit_128s": (7_777_058, 304_660_832),
    "levit_128": (9_213_936, 405_321_728),
    "levit_192": (10_947_069, 657_022_080),
    "levit_256": (18_893_876, 1_127_257_344),
    "levit_384": (39_128_836, 2_351_786_880),
}


@pytest.mark.parametrize(
    "name",
    [
        "levit_128s",
        pytest.param("levit_128", marks=pytest.mark.slow),
        "levit_192",
        pytest.param("levit_256", marks=pytest.mark.slow),
        pytest.param("levit_384", marks=pytest.mark.slow),
    ],
)
def test_logits_are_those_of_timm(name: str) -> None:
    check_twins(name, name)


@pytest.mark.parametrize("name", BOTH)
def test_params_and_macs(name: str) -> None:
    cost = closed_form(spec(name))
    assert (cost.params, cost.macs) == BOTH[name]


def test_the_convolution_files_load_the_same_way() -> None:
    linear, ours = timm_network("levit_128s"), build(spec("levit_128s")).eval()
    shaped = timm_network("levit_conv_128s").state_dict()
    state = {
        name: tensor.reshape(shaped[name].shape) for name, tensor in linear.state_dict().items()
    }
    state["stages.0.blocks.0.attn.attention_bias_idxs"] = torch.zeros(196, 196, dtype=torch.long)
    assert any(tensor.ndim == 4 for name, tensor in state.items() if "qkv" in name)
    load_weights(ours, state)
    with torch.no_grad():
        close(ours(image(224)), linear(image(224)), 1e-4)


# ---------------------------------------------------------------- the bias


@pytest.mark.parametrize(("side", "k"), [(4, 1), (6, 2), (6, 3), (8, 4), (3, 3), (1, 1)])
def test_offsets_are_steps_to_the_centre_of_the_cell_of_the_key(side: int, k: int) -> None:
    steps = centre_offsets(side, k)
    for query in range(side):
        for key in range(side // k):
            centre = key * k + (k - 1) / 2
            assert steps[query, key] == int(abs(query - centre))
    assert int(steps.max()) + 1 == centre_span(side, k)
    assert torch.equal(steps, steps.flip(0, 1))  # left and right are alike


def test_strided_queries_stand_where_the_stride_puts_them() -> None:
    assert strided_offsets(5, 2).tolist() == [[0, 1, 2, 3, 4], [2, 1, 0, 1, 2], [4, 3, 2, 1, 0]]


def test_the_bias_of_two_positions_depends_on_their_offset_alone() -> None:
    side = 3
    table = torch.arange(2.0 * side * side).view(2, -1)
    steps = centre_offsets(side, 1)
    bias = spread(table, steps, steps, square(side))
    for i in range(side * side):
        for j in range(side * side):
            dy, dx = abs(i // side - j // side), abs(i % side - j % side)
            assert torch.equal(bias[:, i, j], table[:, dy * side + dx])


def test_a_resized_table_keeps_its_end_points() -> None:
    table = torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    large = resize_offsets(table, square(3), square(5)).view(2, 5, 5)
    torch.testing.assert_close(large[:, ::4, ::4], table.view(2, 3, 3)[:, ::2, ::2])
    assert resize_offsets(table, square(3), square(3)) is table


def test_cmt_takes_the_attention_bias_at_any_reduction() -> None:
    model = build(spec("cmt_cifar", "position=attention_bias", "mixer.k=[4,2,1,1]"))
    shapes = [tuple(stage.position.table[0].shape) for stage in model.stages]
    assert shapes == [(1, 14**2), (2, 7**2), (4, 4**2), (6, 2**2)]
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    assert [m.shape[2] for m in model.features(torch.zeros(1, 3, 64, 64))] == [32, 16, 8, 4]


# ---------------------------------------------------------------- the parts


def test_residual_branches_start_silent() -> None:
    model = build(spec("levit_128s", *SMALL)).eval()
    x = torch.randn(2, 32, 4, 4, generator=torch.Generator().manual_seed(0))
    block, bias = model.stages[0].blocks[0], model.stages[0].position.bias(0, square(4))
    torch.testing.assert_close(block(x, bias), x)


def test_sides_are_rounded_up() -> None:
    model = build(spec("levit_128s", *SMALL, "resolution=40"))
    maps = model.features(torch.zeros(1, 3, 40, 40))
    assert [m.shape[2] for m in maps] == [5, 3, 2]


def test_another_side_than_the_spec_runs() -> None:
    model = build(spec("levit_128s", *SMALL))
    assert [m.shape[2] for m in model.features(torch.zeros(1, 3, 64, 64))] == [8, 4, 2]


def test_distillation_sees_both_classifiers_and_logits_are_their_mean() -> None:
    model = build(spec("levit_128s", *SMALL)).eval()
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels, teacher = model.parts(x)
    assert not torch.equal(labels, teacher)
    torch.testing.assert_close(model(x), (labels + teacher) / 2)
    assert len(build(spec("levit_128s", *SMALL, "head=pool_norm")).parts(x)) == 1


def test_one_classifier_less() -> None:
    two = closed_form(spec("levit_128s"))
    one = closed_form(spec("levit_128s", "head=pool_norm"))
    assert two.params - one.params == 384 * 1000 + 1000 + 2 * 384


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        (["downsample.key_dim=24"], ["downsample.key_dim[1]", "24", "128", "nearest: 16"]),
        (["mixer.act=swish"], ["mixer.act", "swish", "hardswish"]),
        (["downsample.act=relo"], ["downsample.act", "relo", "relu"]),
        (["mixer.value_ratio=0.01"], ["mixer.value_ratio[0]", "0.01"]),
        (["stride=[12,2,2]", "resolution=240"], ["stride[0]", "12", "nearest: 8, 16"]),
        (["dim=[4,256,384]", "heads=1", "downsample.key_dim=4"], ["dim[0]", "4", "nearest: 8"]),
    ],
)
def test_what_levit_cannot_be_is_refused(overrides: list[str], parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        spec("levit_128s", *overrides)
    for part in parts:
        assert part in str(caught.value)


def test_parameters_of_the_four_stage_cmt_are_kept_beside_levits_parts() -> None:
    plain = build(spec("cmt_cifar"))
    mixed = build(spec("cmt_cifar", "mixer=levit", "position=attention_bias"))
    own = dict(mixed.named_parameters())
    shared = [name for name, _ in plain.named_parameters() if ".lpu." in name or ".ffn." in name]
    assert shared
    for name, parameter in plain.named_parameters():
        if name in shared:
            assert torch.equal(parameter, own[name])
    assert count(mixed) != count(plain)


# ---------------------------------------------------------------- the paper's ablation

PUBLISHED = Path(__file__).parents[2] / "results" / "published" / "levit_ablation.csv"


def printed() -> dict[str, tuple[str, str]]:
    """Params (M) and MFLOPs of each row, as printed."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return {row["id"]: (row["params_m"], row["mflops"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("row", ["A1", "A2", "A3", "A4", "A5", "A6", "A7"])
def test_the_rows_of_the_ablation_meet_what_is_printed(row: str) -> None:
    cost = closed_form(spec(f"levit_128s_{row.lower()}"))
    flops = cost.macs + cost.scores  # LeViT's own count has one more for each attention weight
    assert (f"{cost.params / 1e6:.1f}", f"{flops / 1e6:.0f}") == printed()[row]


def test_the_base_row_leaves_the_second_classifier_out() -> None:
    cost = closed_form(spec("levit_128s"))
    params, mflops = printed()[""]
    assert f"{cost.params / 1e6:.1f}" == "7.8" != params
    assert f"{(cost.params - 385_000 - 2 * 384) / 1e6:.1f}" == params
    assert f"{(cost.macs + cost.scores) / 1e6:.0f}" == mflops
