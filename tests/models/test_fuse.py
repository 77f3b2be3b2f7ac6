"""Folding of norms: nothing but speed changes, and the report leaves no norm out."""

import logging

import pytest
import torch
from torch import nn

from workbench import build, fuse, spec
from workbench.models import Network
from workbench.models.fuse import fusion

ALL_BN = ("norm=bn", "dim=[16,16,32,32]", "heads=[2,2,4,4]")
NETWORKS: dict[str, tuple[str, ...]] = {
    "cmt": ("cmt_digits",),
    "cmt with every norm BN": ("cmt_digits", *ALL_BN),
    "whole shortcut": ("cmt_digits", *ALL_BN, "ffn.shortcut=whole"),
    "mlp and pooling": ("cmt_digits", *ALL_BN, "ffn=mlp", "head=gap"),
    "mixers": (
        "cmt_digits",
        *ALL_BN,
        "mixer=[outlook,gpsa,pooling_attention,pool]",
        "mixer.k=1",
        "position=none",
        "head=class_attention",
    ),
    "shrinking attention": (
        "cmt_digits",
        "dim=[16,16,32,32]",
        "heads=[2,2,4,4]",
        "norm=none",
        "downsample=[attention,attention,attention,attention]",
        "downsample.key_dim=4",
        "stem.dim=16",
        "mixer=levit",
        "ffn=levit_mlp",
        "position=attention_bias",
    ),
    "levit": ("levit_128s", "resolution=32", "stride=[8,2,2]", "dim=[32,48,64]", "classes=4"),
    "volo": ("volo_d1", "resolution=32", "dim=[12,24,24,24]", "depth=1", "classes=4", "norm=bn"),
    "deit": ("deit_digits", "norm=bn", "dim=[16]", "depth=[2]"),
    "distilled deit": ("deit_digits", "norm=bn", "dim=[16]", "head=distilled_tokens"),
}


def perturbed(*words: str) -> Network:
    model = build(spec(*words))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3, generator=generator)
                module.running_var.uniform_(0.5, 2.0, generator=generator)
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.3, generator=generator)
    return model


def images(model: Network) -> torch.Tensor:
    side = model.spec.resolution
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, model.spec.channels, side, side, generator=generator)


def norms(model: nn.Module) -> set[str]:
    return {name for name, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}


@pytest.mark.parametrize("words", NETWORKS.values(), ids=NETWORKS)
def test_outputs_stay_and_every_norm_is_accounted_for(words: tuple[str, ...]) -> None:
    model = perturbed(*words).eval()
    before, x = norms(model), images(model)
    result = fusion(model)
    with torch.no_grad():
        expected = model(x)
        assert (result.network(x) - expected).abs().max() < 1e-5 * expected.abs().max()
        double = fusion(model.double()).network(x.double())
        assert (double - model(x.double())).abs().max() < 1e-12 * expected.abs().max()
    folded, left = {f.norm for f in result.folded}, {f.norm for f in result.left}
    assert norms(model) == before == folded | left
    assert not folded & left
    assert norms(result.network) == left
    assert folded


def test_levit_and_volo_keep_no_norm() -> None:
    for key in ("levit", "volo", "deit", "distilled deit", "shrinking attention"):
        left = fusion(perturbed(*NETWORKS[key])).left
        paddings = [norm for norm in left if "stem" not in norm.norm]  # CMT's stem pads
        assert paddings == []


def test_of_cmt_only_norms_before_a_padded_convolution_stay() -> None:
    result = fusion(perturbed("cmt_digits"))
    blocks = sum(stage.depth for stage in result.network.spec.stages)
    assert len(result.left) == 2 + blocks  # two of the stem, one of each IRFFN
    for left in result.left:
        assert "pads with zeros" in left.reason
        assert left.norm.endswith(".ffn.norm1") or left.norm.startswith("stem.norms.")


def test_the_model_stays_as_it_was() -> None:
    model = perturbed("cmt_digits").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fused = fuse(model)
    assert model.training
    assert not fused.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(p.requires_grad for p in model.parameters())
    assert not any(p.requires_grad for p in fused.parameters())


def test_what_stays_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fuse(perturbed("cmt_digits"))
    assert "stem.norms.0 stays: stem.convs.1 pads with zeros" in caplog.text


def test_without_bn_there_is_nothing_to_fold() -> None:
    result = fusion(build(spec("cmt_digits", "conv_norm=ln")))
    assert (result.folded, result.left) == ((), ())
