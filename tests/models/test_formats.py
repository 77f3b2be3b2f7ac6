"""Files of other code: recognised, renamed, resized, and refused by the name of what they are."""

import logging
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.models.twins import check_twins, close, image, timm_network
from workbench.errors import InputError
from workbench.models import build, load_weights, spec
from workbench.models.components.offsets import resize_offsets
from workbench.models.components.resize import resize_absolute
from workbench.models.ops import square

LEVIT = ("resolution=32", "classes=4", "stride=[8,2,2]", "dim=[32,48,64]", "depth=[1,1,1]")


def own(*words: str) -> dict[str, Tensor]:
    return dict(build(spec(*words)).state_dict())


@pytest.mark.parametrize(
    ("name", "timm_name"),
    [
        ("deit_ti", "deit_tiny_patch16_224"),
        ("deit_ti_distilled", "deit_tiny_distilled_patch16_224"),
    ],
)
def test_deit_has_the_logits_of_timm(name: str, timm_name: str) -> None:
    check_twins(name, timm_name)


def test_safetensors_as_on_the_hub_load_the_same_way(tmp_path: Path) -> None:
    twin, file = timm_network("levit_128s"), tmp_path / "model.safetensors"
    save_file(twin.state_dict(), file)
    ours = build(spec("levit_128s")).eval()
    load_weights(ours, file)
    with torch.no_grad():
        close(ours(image(224)), twin(image(224)), 1e-4)


def test_averaged_weights_as_timm_saves_them(tmp_path: Path) -> None:
    state = timm_network("levit_128s", classes=10).state_dict()
    averaged = {name: t + 1 if t.is_floating_point() else t for name, t in state.items()}
    file = tmp_path / "last.pth.tar"
    torch.save({"epoch": 1, "state_dict": state, "state_dict_ema": averaged}, file)
    model = build(spec("levit_128s", classes=10))
    for ema, expected in ((False, state), (True, averaged)):
        load_weights(model, file, ema=ema)
        assert torch.equal(model.stem.convs[0].weight, expected["stem.conv1.linear.weight"])
    torch.save({"state_dict": state}, file)
    with pytest.raises(InputError, match="holds no averaged weights"):
        load_weights(model, file, ema=True)


def test_another_resolution_resizes_levits_offset_tables(caplog: pytest.LogCaptureFixture) -> None:
    small = build(spec("levit_128s", *LEVIT))
    with torch.no_grad():
        for name, parameter in small.named_parameters():
            if "table" in name:
                parameter.normal_()
    large = build(spec("levit_128s", *LEVIT, "resolution=64"))
    with caplog.at_level(logging.INFO):
        load_weights(large, small.state_dict())
    for name in ("stages.0.position.table.0", "stages.1.downsample.table"):
        old, new = small.get_parameter(name), large.get_parameter(name)
        assert torch.equal(new, resize_offsets(old, square(4), square(8)))
        assert f"{name}: resized from {[*old.shape]} to {[*new.shape]}, bicubic" in caplog.text


def test_a_resized_network_is_the_network_at_another_side() -> None:
    """What a network does to a larger image is what its weights do in a spec of that side."""
    small = build(spec("levit_128s", *LEVIT)).eval()
    with torch.no_grad():
        for name, parameter in small.named_parameters():
            if "table" in name or name.endswith("proj.norm.weight"):
                parameter.normal_()
    large = build(spec("levit_128s", *LEVIT, "resolution=64")).eval()
    load_weights(large, small.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(large(image(64)), small(image(64)))


def test_volo_at_another_resolution_resizes_its_positions() -> None:
    small = ("volo_d1", "dim=[12,24,24,24]", "depth=1", "classes=4")
    state = own(*small, "resolution=32")
    large = build(spec(*small, "resolution=64"))
    load_weights(large, state)
    table = state["stages.1.position.table"]
    assert torch.equal(large.stages[1].position.table, resize_absolute(table, square(2), square(4)))


def test_new_classes_leave_both_classifiers_of_distillation_new() -> None:
    ten = own("levit_128s", *LEVIT)
    five = build(spec("levit_128s", *LEVIT, "classes=5"), seed=1)
    before = {name: tensor.clone() for name, tensor in five.state_dict().items()}
    with pytest.raises(InputError, match="new_head"):
        load_weights(five, ten)
    load_weights(five, ten, new_head=True)
    for head in ("classifier", "distilled"):
        name = f"head.{head}.linear.weight"
        assert torch.equal(five.state_dict()[name], before[name])
    assert torch.equal(five.stem.convs[0].weight, ten["stem.convs.0.weight"])


def _levit_of_meta() -> dict[str, Tensor]:
    return {"patch_embed.0.c.weight": torch.zeros(16, 3, 3, 3)}


WRONG = {
    "a LeViT checkpoint": lambda: timm_network("levit_128s").state_dict(),
    "a VOLO checkpoint": lambda: {
        "patch_embed.conv.0.weight": torch.zeros(1),
        "network.0.0.attn.attn.weight": torch.zeros(1),
    },
    "a DeiT checkpoint": lambda: timm_network("deit_tiny_patch16_224").state_dict(),
    "a distilled DeiT checkpoint": lambda: timm_network(
        "deit_tiny_distilled_patch16_224"
    ).state_dict(),
    "a LeViT checkpoint of facebookresearch": _levit_of_meta,
    "a ResNet checkpoint": lambda: timm.create_model("resnet18").state_dict(),
    "the workbench's own LeViT": lambda: own("levit_128s", *LEVIT),
    "the workbench's own VOLO": lambda: own("volo_d1", "dim=[12,24,24,24]", "depth=1"),
    "the workbench's own DeiT": lambda: own("deit_digits"),
}


@pytest.mark.parametrize("title", WRONG)
def test_a_wrong_file_is_refused_by_what_it_looks_like(title: str) -> None:
    with pytest.raises(InputError) as caught:
        load_weights(build(spec("cmt_digits")), WRONG[title]())
    assert f"looks like {title}" in str(caught.value)
    assert "which 'cmt_digits' is not" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cmt_in_a_levit_is_named_and_another_levit_is_not_called_wrong() -> None:
    model = build(spec("levit_128s", *LEVIT))
    with pytest.raises(InputError, match="looks like the workbench's own CMT"):
        load_weights(model, own("cmt_digits"))
    with pytest.raises(InputError, match="is of another network"):
        load_weights(model, own("levit_128s", *LEVIT, "depth=[2,1,1]"))


def test_a_truncated_safetensors_file_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"\x10\x00\x00")
    with pytest.raises(InputError, match=r"model\.safetensors.*truncated"):
        load_weights(build(spec("cmt_digits")), file)
    with pytest.raises(InputError, match="does not exist"):
        load_weights(build(spec("cmt_digits")), tmp_path / "absent.safetensors")
