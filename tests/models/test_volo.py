"""VOLO: the family is timm's to the last digit, and its parts do what the paper says."""

from typing import Any

import pytest
import timm
import torch
from torch import nn

from tests.models.twins import check_twins, count
from workbench.cost import closed_form
from workbench.errors import InputError
from workbench.models import build, spec
from workbench.models.components.mixer.gpsa import local_windows, relative_offsets
from workbench.models.ops import square

SMALL = ("resolution=32", "classes=4", "dim=[16,32,32,32]", "heads=[2,4,4,4]", "depth=[1,1,1,1]")
SIZES = {f"volo_d{n}": f"volo_d{n}_224" for n in range(1, 6)}
TUNED = [
    "volo_d1_384", "volo_d2_384", "volo_d3_448", "volo_d4_448", "volo_d5_448", "volo_d5_512",
]  # fmt: skip
TIMM = SIZES | {name: name for name in TUNED}


@pytest.mark.parametrize("name", TIMM)
def test_params_are_those_of_timm(name: str) -> None:
    settings = timm.models.create_model  # the function, before the device is switched
    with torch.device("meta"):
        side = spec(name).resolution
        twin = settings(TIMM[name], img_size=side)
    assert closed_form(spec(name)).params == count(twin)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["volo_d1", "volo_d2"])  # of two depths; more only repeats
def test_logits_are_those_of_timm(name: str) -> None:
    check_twins(name, TIMM[name], side=64)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings of each VOLO that timm is asked for; it makes one block a stage."""
    create, asked = timm.models.volo._create_volo, list[dict[str, Any]]()

    def shallow(variant: str, pretrained: bool = False, **settings: Any) -> nn.Module:
        asked.append(settings)
        network: nn.Module = create(variant, pretrained, **{**settings, "layers": (1, 1, 1, 1)})
        return network

    monkeypatch.setattr(timm.models.volo, "_create_volo", shallow)
    return asked


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "side"), [*((name, 64) for name in SIZES), ("volo_d1", None), ("volo_d1_384", None)]
)
@pytest.mark.usefixtures("asked")
def test_every_size_has_the_logits_of_timm_at_one_block_a_stage(
    name: str, side: int | None
) -> None:
    """On small images, and the smallest on those of 224 and of 384 pixels, too."""
    check_twins(name, TIMM[name], overrides=("depth=1",), side=side)


@pytest.mark.parametrize("name", TUNED)
def test_the_resolution_is_all_that_tuning_changes(name: str, asked: list[dict[str, Any]]) -> None:
    """With us and with timm; so that the logits of each size hold at its other resolutions."""
    size, _, side = name.rpartition("_")
    assert spec(name) == spec(size, resolution=int(side)).model_copy(update={"name": name})
    with torch.device("meta"):
        tuned, untuned = (timm.create_model(each) for each in (TIMM[name], TIMM[size]))
    assert asked[0] == asked[1]
    assert tuned.pretrained_cfg["input_size"] == (3, int(side), int(side))
    assert tuned.pos_embed.shape[1] == int(side) // 16
    assert type(tuned) is type(untuned)


def test_the_smallest_has_the_logits_of_timm_in_float32() -> None:
    check_twins("volo_d1", TIMM["volo_d1"], double=False)


def test_the_outlooker_is_the_sum_over_windows() -> None:
    """Against a loop over windows, positions and heads, written from section 3.1 of the paper."""
    model = build(spec("volo_d1", *SMALL)).double().eval()
    mixer, heads, side = model.stages[0].blocks[0].mixer, 2, 4
    x = torch.randn(1, 16, side, side, generator=torch.Generator().manual_seed(0)).double()
    values = mixer.v(x.permute(0, 2, 3, 1))[0].view(side, side, heads, 8)
    summed = torch.zeros(side, side, heads, 8, dtype=torch.float64)
    for i in range(2):
        for j in range(2):
            centre = x[0, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean((1, 2))
            weights = (mixer.weights(centre).view(heads, 9, 9) * 8**-0.5).softmax(-1)
            window = [(2 * i + dy, 2 * j + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            inside = [
                (p, y, x) for p, (y, x) in enumerate(window) if 0 <= y < side and 0 <= x < side
            ]
            for p, py, px in inside:
                for q, qy, qx in inside:
                    summed[py, px] += weights[:, p, q, None] * values[qy, qx]
    expected = mixer.proj(summed.flatten(2)).permute(2, 0, 1)[None]
    torch.testing.assert_close(mixer(x, None), expected)


def test_token_labelling_sees_the_dense_logits_and_logits_add_half_their_maximum() -> None:
    model = build(spec("volo_d1", *SMALL)).eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    logits, dense = model.parts(x)
    assert dense.shape == (2, 4, 2, 2)
    torch.testing.assert_close(model(x), logits + 0.5 * dense.amax((2, 3)))
    alone = build(spec("volo_d1", *SMALL, "head.dense=false")).eval()
    assert len(alone.parts(x)) == 1


def test_the_dense_logits_change_nothing_of_the_token() -> None:
    """The final norm is per position, so that without `dense` only the token needs it."""
    both = build(spec("volo_d1", *SMALL)).eval()
    alone = build(spec("volo_d1", *SMALL, "head.dense=false")).eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(both.parts(x)[0], alone(x))


@pytest.mark.parametrize(
    ("base", "override", "positions"),
    [
        ("cmt_s", "mixer.stages=[outlook,lmhsa,lmhsa,lmhsa]", ["none"] + 3 * ["relative"]),
        ("cmt_s", "mixer=identity", 4 * ["none"]),
        ("cmt_s", "mixer=levit", 4 * ["relative"]),
        ("levit_256", "mixer=[levit,gpsa,levit]", ["attention_bias", "none", "attention_bias"]),
        ("columnar_digits", "mixer=pool", ["absolute"]),
    ],
)
def test_a_bias_goes_with_the_mixer_that_took_it(
    base: str, override: str, positions: list[str]
) -> None:
    assert [stage.position.name for stage in spec(base, override).stages] == positions


@pytest.mark.parametrize(
    ("base", "overrides", "parts"),
    [
        (
            "cmt_s",
            ["mixer=[outlook,lmhsa,lmhsa,lmhsa]", "position=relative"],
            ["position", "relative", "outlook", "stage 0"],
        ),
        ("cmt_s", ["mixer=[outlook,lmhsa]"], ["dim has 4", "mixer has 2"]),
        ("cmt_s", ["position=attention_bias", "mixer=pool"], ["attention_bias", "mixer=pool"]),
        ("volo_d1", ["mixer.kernel=4"], ["mixer.kernel[0]", "4", "nearest: 3, 5"]),
        ("volo_d1", ["mixer.stride=4"], ["mixer.stride[0]", "4", "nearest: 3"]),
        ("volo_d1", ["heads=[5,12,12,12]"], ["heads[0]", "5", "192", "nearest"]),
        ("volo_d1", ["heads=[6,12,12,5]", "mixer=outlook"], ["heads[3]", "5"]),
        ("volo_d1", ["stride=[7,2,1,1]"], ["stride[0]", "7", "nearest: 6, 8"]),
        ("volo_d1", ["stem.act=tanh"], ["stem.act", "tanh"]),
        ("deit_s", ["mixer=outlook", "position=none"], ["mixer", "outlook", "head"]),
        ("deit_s", ["position=attention_bias"], ["position", "attention_bias", "head"]),
        ("cmt_s", ["mixer=pool", "position=none", "mixer.kernel=2"], ["mixer.kernel[0]", "2"]),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(
    base: str, overrides: list[str], parts: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        spec(base, *overrides)
    for part in parts:
        assert part in str(caught.value)


# ---------------------------------------------------------------- the cheap others


def test_pooling_is_the_mean_of_what_is_there_minus_the_map() -> None:
    model = build(spec("cmt_cifar", "mixer=pool", "position=none"))
    x = torch.arange(4.0).view(1, 1, 2, 2)
    assert model.stages[0].blocks[0].mixer(x, None).flatten().tolist() == [1.5, 0.5, -0.5, -1.5]


def test_gated_attention_starts_as_a_convolution_and_its_gate_decides() -> None:
    model = build(spec("cmt_cifar", "mixer=gpsa", "position=none", "mixer.locality=50")).eval()
    mixer, side = model.stages[2].blocks[0].mixer, 4  # four heads: the cells of a 2 x 2 square
    x = torch.randn(1, 128, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mixer.gate.fill_(40.0)  # by position alone; narrow windows: one neighbour each
        mixer.proj.weight.copy_(torch.eye(128))
        y = mixer(x, None)
    centres = (local_windows(4)[:, :2] / 2).tolist()
    assert centres == [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]
    mean = (x[..., :-1, :-1] + x[..., 1:, 1:] + x[..., :-1, 1:] + x[..., 1:, :-1]) / 4
    torch.testing.assert_close(y[:, :32, 1:, 1:], mean[:, :32])  # half a step up and left


def test_relative_offsets_are_dx_dy_and_their_square() -> None:
    offsets = relative_offsets(square(3))
    assert offsets[0, 5].tolist() == [2, 1, 5]
    assert offsets[5, 0].tolist() == [-2, -1, 5]
