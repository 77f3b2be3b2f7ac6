"""Networks: exact sizes, initial weights by name, other resolutions, determinism."""

import pytest
import torch

from workbench import build, spec
from workbench.cost import closed_form
from workbench.models.network import DropPath

PARAMS = {
    "cmt_ti": 9_492_426,
    "cmt_xs": 15_247_208,
    "cmt_s": 26_256_160,
    "cmt_b": 45_715_076,
    "deit_s": 22_050_664,
}
MACS = {
    "cmt_ti": 638_904_600,
    "cmt_xs": 1_546_873_472,
    "cmt_s": 4_031_742_464,
    "cmt_b": 9_317_124_096,
}


@pytest.mark.parametrize("name", PARAMS)
def test_trainable_parameters_are_the_released_ones(name: str) -> None:
    model = build(spec(name))
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == PARAMS[name]


@pytest.mark.parametrize("name", MACS)
def test_multiply_adds_are_the_released_ones(name: str) -> None:
    assert closed_form(spec(name)).macs == MACS[name]


def test_the_last_step_of_the_path_is_cmt_s() -> None:
    last = spec("deit_s_4stage_stem_lpu_irffn", "head=projection")
    assert last.identity == spec("cmt_s").identity


def test_variants_share_the_initial_values_of_what_they_share_by_name_and_shape() -> None:
    base = build(spec("cmt_digits"), seed=3).state_dict()
    other = build(spec("cmt_digits", "lpu=none", "ffn=mlp", "mixer.k=1"), seed=3).state_dict()
    shared = [n for n in base if n in other and base[n].shape == other[n].shape]
    assert any(".mixer.q.weight" in name for name in shared)
    assert all(torch.equal(base[name], other[name]) for name in shared)


def test_another_seed_gives_other_weights() -> None:
    first, second = (build(spec("cmt_digits"), seed=seed) for seed in (0, 1))
    assert not torch.equal(first.stem.convs[0].weight, second.stem.convs[0].weight)


def test_building_leaves_the_global_random_state_alone() -> None:
    state = torch.random.get_rng_state()
    build(spec("cmt_digits"))
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("position", ["relative", "absolute", "none"])
def test_another_input_side_runs_and_position_tables_resize(position: str) -> None:
    model = build(spec("cmt_digits", f"position={position}")).eval()
    assert model(torch.randn(1, 3, 16, 16)).shape == (1, 10)


@pytest.mark.parametrize("head", ["class_token", "gap"])
def test_deit_runs_at_another_side_too(head: str) -> None:
    model = build(spec("deit_digits", f"head={head}")).eval()
    assert model(torch.randn(1, 3, 16, 16)).shape == (1, 10)
    assert model.features(torch.randn(1, 3, 16, 16))[0].shape[2:] == (8, 8)


def test_no_table_or_token_is_decayed() -> None:
    names = build(spec("deit_digits")).no_weight_decay()
    assert names == {"token", "stages.0.position.table"}
    assert "stages.0.position.table.0" in build(spec("cmt_digits")).no_weight_decay()


def test_blocks_leave_maps_in_channels_last_without_a_copy_in_the_norms() -> None:
    model = build(spec("cmt_digits")).eval()
    x = model.stem(torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last))
    y = model.stages[0].blocks[0].norm1(x if x.shape[1] == 24 else model.stages[0].downsample(x))
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_drop_path_keeps_the_mean_and_drops_whole_images() -> None:
    torch.manual_seed(0)
    dropped = DropPath(0.25).train()(torch.ones(4000, 2, 1, 1))
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(dropped[:, 0], dropped[:, 1])


def test_drop_path_grows_linearly_over_all_blocks() -> None:
    model = build(spec("cmt_digits", "drop_path=0.4"))
    rates = [block.drop_path.rate for stage in model.stages for block in stage.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_the_ffn_shortcuts_are_three_different_functions() -> None:
    outputs = []
    for shortcut in ("depthwise", "whole", "none"):
        ffn = build(spec("cmt_digits", f"ffn.shortcut={shortcut}")).eval().stages[0].blocks[0].ffn
        x = torch.randn(2, 24, 8, 8, generator=torch.Generator().manual_seed(0))
        outputs.append(ffn(x))
    depthwise, whole, none = outputs
    torch.testing.assert_close(whole - x, none)
    assert not torch.allclose(depthwise, none)
