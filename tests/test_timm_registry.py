"""Our networks in timm's registry, by the checks of timm's own tests/test_models.py.

All that it does for each name is done here: forward, backward, default_cfg, features_only,
forward_intermediates, torch.fx forward and backward, and gradient checkpointing. Left out are its
checks of pretrained weights, of which there are none, and torch.jit.script, which PyTorch gave up
for torch.export; see tests/models/test_export.py.
"""

import fnmatch
from typing import Any

import pytest
import timm
import torch
from timm.models import get_notrace_functions, get_notrace_modules, group_parameters
from timm.models._helpers import load_checkpoint
from timm.optim import create_optimizer_v2
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

import workbench.timm
from workbench import spec
from workbench.errors import InputError
from workbench.models import ZOO
from workbench.timm import PREFIX, TimmNetwork, registered_name

# Every head, stem and downsample of the zoo, in networks small enough for a test.
SMALL: dict[str, tuple[str, ...]] = {
    "cmt_digits": (),
    "columnar_digits": (),
    "deit_digits": (),
    "deit_s_distilled": ("resolution=32", "dim=[48]", "heads=[3]", "depth=[2]"),
    "deit_s_4stage": ("resolution=32", "dim=[16,16,32,32]", "heads=[1,2,4,4]", "depth=1",
                      "mixer.k=[8,4,2,1]"),
    "levit_128s": ("resolution=32", "dim=[32,48,64]", "stride=[8,2,2]", "depth=1"),
    "levit_128s_a4": ("resolution=32", "dim=[32,48,64]", "stride=[8,2,2]", "depth=1"),
    "volo_d1": ("resolution=32", "dim=[12,24,24,24]", "depth=1"),
}  # fmt: skip
NAMES = pytest.mark.parametrize("name", SMALL)


def create(name: str, **arguments: Any) -> Any:
    return timm.create_model(registered_name(name), overrides=SMALL[name], **arguments)


def image(name: str, batch: int = 2) -> Tensor:
    made = spec(name, *SMALL[name])
    shape = (batch, made.channels, made.resolution, made.resolution)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_every_name_is_registered_and_timms_own_stay() -> None:
    listed = timm.list_models()
    for name in ZOO:
        own = registered_name(name)
        assert own in listed
        entry = timm.model_entrypoint(own)
        assert entry.__module__ == "workbench.timm"
        assert getattr(workbench.timm, own) is entry
        if own != name:
            assert own == f"{PREFIX}{name}"
            assert timm.model_entrypoint(name).__module__.startswith("timm.models")
    assert registered_name("levit_128s") == "workbench_levit_128s"
    assert timm.list_models("cmt*") == sorted(fnmatch.filter(ZOO, "cmt*"))
    assert not timm.is_model_pretrained("cmt_s")


@NAMES
def test_forward(name: str) -> None:
    model = create(name).eval()
    logits = model(image(name))
    assert logits.shape == (2, model.num_classes)
    assert torch.isfinite(logits).all()
    ours = TimmNetwork.__mro__[1](workbench.models.layout.layout(model.spec)).eval()
    ours.load_state_dict(model.state_dict())
    assert torch.equal(ours(image(name)), logits)
    model.set_grad_checkpointing()
    torch.testing.assert_close(model(image(name)), logits, rtol=1e-4, atol=1e-5)


@NAMES
def test_backward_reaches_every_parameter(name: str) -> None:
    model = create(name, num_classes=42).train()
    outputs = model(image(name))
    assert outputs.shape[-1] == 42
    outputs.mean().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@NAMES
def test_default_cfg(name: str) -> None:
    model = create(name).eval()
    state, cfg = model.state_dict(), model.default_cfg
    batch = image(name)
    features = model.forward_features(batch)
    hidden = model.forward_head(features, pre_logits=True)
    assert features.shape[-1 if features.ndim == 3 else 1] == model.num_features
    if not SMALL[name] and features.ndim == 4:
        assert features.shape[2:] == cfg["pool_size"]
    assert hidden.shape == (2, model.head_hidden_size)
    model.reset_classifier(0)
    assert torch.equal(model(batch), hidden)
    assert isinstance(model.get_classifier(), nn.Identity)
    model.reset_classifier(0, "")
    assert torch.equal(model(batch), features)
    headless = create(name, num_classes=0, global_pool="").eval()
    assert headless(batch).shape == features.shape
    model.reset_classifier(7, "head")
    assert model(batch).shape == (2, 7)
    classifiers = cfg["classifier"]
    for each in classifiers if isinstance(classifiers, tuple) else (classifiers,):
        assert f"{each}.weight" in state
    weight = state[f"{cfg['first_conv']}.weight"]
    assert weight.shape[1] == cfg["input_size"][0]


@pytest.mark.parametrize("name", [n for n in ZOO if n not in SMALL])
def test_the_default_cfgs_of_the_zoo_name_what_there_is(name: str) -> None:
    cfg = timm.get_pretrained_cfg(registered_name(name))
    with torch.device("meta"):
        model = timm.create_model(registered_name(name))
    names = dict(model.named_parameters())
    classifiers = [cfg.classifier] if isinstance(cfg.classifier, str) else cfg.classifier
    assert all(f"{each}.weight" in names for each in (*classifiers, cfg.first_conv))
    assert cfg.input_size[1] == spec(name).resolution


@NAMES
def test_features_only(name: str) -> None:
    model = create(name, features_only=True, in_chans=1).eval()
    side = image(name).shape[2]
    found = model(torch.randn(2, 1, side, 2 * side))
    info = model.feature_info
    assert len(found) == len(info.channels())
    for each, channels, stride in zip(found, info.channels(), info.reduction(), strict=True):
        assert each.shape == (2, channels, -(-side // stride), -(-2 * side // stride))


@NAMES
def test_intermediates(name: str) -> None:
    model = create(name).eval()
    final, maps = model.forward_intermediates(image(name))
    assert torch.equal(final, model.forward_features(image(name)))
    alone = model.forward_intermediates(image(name), indices=1, intermediates_only=True)
    assert torch.equal(alone[0], maps[-1])
    assert all(torch.equal(a, b) for a, b in zip(maps, model.features(image(name)), strict=True))
    model.set_grad_checkpointing()
    again, _ = model.forward_intermediates(image(name))
    torch.testing.assert_close(again, final, rtol=1e-4, atol=1e-5)


def traced(model: nn.Module) -> nn.Module:
    """As timm's tests trace it; its logits alone."""
    options: dict[str, Any] = {
        "leaf_modules": get_notrace_modules(),
        "autowrap_functions": get_notrace_functions(),
        "param_shapes_constant": True,
    }
    train, held = get_graph_node_names(model, tracer_kwargs=options)
    found: nn.Module = create_feature_extractor(
        model, train_return_nodes=[train[-1]], eval_return_nodes=[held[-1]], tracer_kwargs=options
    )
    return found


@NAMES
def test_torch_fx_sees_stages_whole(name: str) -> None:
    model = create(name, num_classes=42).eval()
    graph = traced(model)
    with torch.inference_mode():
        (logits,) = graph(image(name)).values()
        assert torch.equal(logits, model(image(name)))
    (logits,) = graph.train()(image(name)).values()
    logits.mean().backward()
    assert [n for n, p in graph.named_parameters() if p.grad is None] == []


def test_chosen_features_prune_what_comes_after_them() -> None:
    arguments: dict[str, Any] = {"num_classes": 10, "drop_path_rate": 0.1, "features_only": True}
    model = timm.create_model("cmt_digits", out_indices=(0, 2), **arguments).eval()
    assert [m.shape[1] for m in model(torch.zeros(1, 3, 8, 16))] == [24, 72]
    assert not any(name.startswith(("model.stages.3", "model.head")) for name in model.state_dict())
    with pytest.raises(
        InputError, match=r"out_indices: \[4\] is out of range; choose from -4 to 3"
    ):
        timm.create_model("cmt_digits", out_indices=(4,), **arguments)


@NAMES
def test_a_checkpoint_makes_the_same_network(name: str, tmp_path: Any) -> None:
    torch.manual_seed(0)
    model = create(name, num_classes=3).eval()
    torch.manual_seed(0)
    again = create(name, num_classes=3).eval()
    assert torch.equal(model(image(name)), again(image(name)))
    other = create(name, num_classes=3).eval()
    assert not torch.equal(next(iter(other.parameters())), next(iter(model.parameters())))
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    load_checkpoint(other, str(tmp_path / "weights.pth"))
    assert torch.equal(model(image(name)), other(image(name)))


@NAMES
def test_layers_are_grouped_without_a_rest(name: str) -> None:
    model = create(name)
    for coarse in (False, True):
        groups = group_parameters(model, model.group_matcher(coarse=coarse))
        grouped = [each for members in groups.values() for each in members]
        assert sorted(grouped) == sorted(n for n, _ in model.named_parameters())
        assert "stem" in " ".join(groups[0])


@pytest.mark.slow
def test_checkpointing_and_decay_groups_work_as_timms_scripts_use_them() -> None:
    model = timm.create_model("cmt_digits", drop_rate=0.0, drop_path_rate=0.0, in_chans=1)
    model.set_grad_checkpointing()
    model(torch.randn(4, 1, 8, 8)).square().mean().backward()
    assert all(p.grad is not None for p in model.parameters())
    optimiser = create_optimizer_v2(model, "adamw", lr=1e-3, weight_decay=0.05)
    groups = [group for group in optimiser.param_groups if not group["weight_decay"]]
    undecayed = {id(p) for group in groups for p in group["params"]}
    assert all(id(model.get_parameter(name)) in undecayed for name in model.no_weight_decay())


def test_timms_arguments_reach_the_spec() -> None:
    model = timm.create_model(
        "cmt_digits", num_classes=5, in_chans=1, img_size=16, drop_rate=0.3, drop_path_rate=0.2
    )
    made = model.spec
    assert (made.classes, made.channels, made.resolution, made.drop_path) == (5, 1, 16, 0.2)
    assert dict(made.head.options)["dropout"] == 0.3
    with pytest.raises(TypeError):
        timm.create_model("cmt_digits", lpu="none")
