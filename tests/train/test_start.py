"""Where a run begins: weights of another run, what is frozen, and learning rates by layer."""

import logging
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.train.test_teaching import ONE_HEAD, SMALL
from workbench import models
from workbench.config import NetworkSpec, Optimiser, RunConfig
from workbench.errors import InputError
from workbench.models import build, networks
from workbench.models.tensor_file import read_tensors, write_tensors
from workbench.train.fit import fit
from workbench.train.optimiser import create
from workbench.train.parts import build_parts
from workbench.train.recipes import recipe
from workbench.train.saved import save
from workbench.train.teaching.frozen import freeze
from workbench.train.teaching.weights import pin

TABLES = models.spec(
    "columnar_digits", *(each for each in SMALL if "position" not in each), "position=absolute",
    "head=class_attention", classes=10,
)  # fmt: skip


def _run(spec: NetworkSpec, *overrides: str) -> RunConfig:
    made = recipe(
        {"data": {"name": "digits", "train_size": 40, "test_size": 30}, "batch_size": 16},
        "epochs=1",
        *overrides,
    )
    return RunConfig(variant="tiny", spec=spec, recipe=pin(made), seed=3)


def _begun(run: RunConfig) -> torch.nn.Module:
    return build_parts(run, torch.device("cpu")).network


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(build(TABLES, seed=5), tmp_path_factory.mktemp("init") / "saved")


def test_another_resolution_and_number_of_classes(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    larger = models.spec(
        "columnar_digits", *(each for each in SMALL if "position" not in each),
        "position=absolute", "head=class_attention", classes=4, resolution=12,
    )  # fmt: skip
    with caplog.at_level(logging.INFO):
        network = _begun(_run(larger, f"init={file}", "data.classes=[7,3,1,2]"))
    fresh, given = build(larger, seed=3).state_dict(), build(TABLES, seed=5).state_dict()
    begun = network.state_dict()
    for name, tensor in begun.items():
        if name.startswith(("head.linear", "head.dense")):
            torch.testing.assert_close(tensor, fresh[name])
        elif "position" not in name:
            torch.testing.assert_close(tensor, given[name])
    assert "stages.0.position.table: resized from [1, 16, 8] to [1, 36, 8]" in caplog.text
    assert "head.linear.weight: left as it is, for the file has 10 classes" in caplog.text


def test_as_many_classes_that_are_others(file: Path, tmp_path: Path) -> None:
    tensors, facts = read_tensors(file / "model.safetensors")
    named = tmp_path / "named.safetensors"
    write_tensors(named, tensors, {**facts, "class_names": [f"c{each}" for each in range(10)]})
    fresh, given = build(TABLES, seed=3).state_dict(), build(TABLES, seed=5).state_dict()
    same, other = (
        _begun(_run(TABLES, f"init={each}")).state_dict() for each in (file, named)
    )  # the first says nothing of its classes
    torch.testing.assert_close(same["head.linear.weight"], given["head.linear.weight"])
    torch.testing.assert_close(other["head.linear.weight"], fresh["head.linear.weight"])
    torch.testing.assert_close(other["head.norm.weight"], given["head.norm.weight"])


def test_weights_that_do_not_fit_are_named_by_their_keys(file: Path) -> None:
    said = r"recipe\.init\.weights: .*28 unknown, such as 'head.blocks.0"
    with pytest.raises(InputError, match=said):
        _begun(_run(ONE_HEAD, f"init={file}"))


def test_a_head_of_another_width_is_no_other_number_of_classes(file: Path) -> None:
    wider = models.spec(
        "columnar_digits", *(each for each in SMALL if "position" not in each),
        "position=absolute", "head=class_attention", "head.ratio=2", classes=10,
    )  # fmt: skip
    said = r"recipe\.init\.weights: .* does not fit: head\.blocks\.0\.expand\.bias is \[24\]"
    with pytest.raises(InputError, match=said):
        _begun(_run(wider, f"init={file}"))


@pytest.mark.parametrize(("what", "trained"), [("body", {"head"}), ("1", {"head", "stages"})])
def test_what_is_frozen_stays_bit_for_bit(tmp_path: Path, what: str, trained: set[str]) -> None:
    spec = models.spec(
        "columnar_digits", *SMALL[1:], "depth=[1,1]", "dim=8", "heads=1", "stride=[2,2]",
        "norm=bn", "head=pool_norm", classes=10,
    )  # fmt: skip
    run = _run(spec, f"freeze={what}", "epochs=2")  # the images are tested in between
    made = build_parts(run, torch.device("cpu"))
    before = {name: tensor.clone() for name, tensor in made.network.state_dict().items()}
    fit(run, tmp_path, lambda _: None, "cpu", parts=lambda _r, _d: made)
    after = made.network.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert {name.split(".")[0] for name in changed} == trained
    assert not any(name.startswith("stages.0") for name in changed)


def test_networks_of_timms_begin_and_freeze(tmp_path: Path) -> None:
    given = timm.create_model("test_resnet", num_classes=4).state_dict()
    save_file(given, tmp_path / "resnet.safetensors")
    peer = networks.spec("timm:test_resnet", resolution=8, classes=10)
    network = _begun(_run(peer, f"init={tmp_path / 'resnet.safetensors'}", "freeze=body"))
    begun = network.state_dict()
    for name in given.keys() - {"fc.weight", "fc.bias"}:
        torch.testing.assert_close(begun[name], given[name])
    trained = {name for name, each in network.named_parameters() if each.requires_grad}
    assert trained == {"fc.weight", "fc.bias"}
    with pytest.raises(InputError, match=r"recipe\.init\.weights: .* unknown, such as"):
        _begun(_run(ONE_HEAD, f"init={tmp_path / 'resnet.safetensors'}"))


def test_more_stages_than_there_are() -> None:
    with pytest.raises(InputError, match=r"recipe\.freeze: 9 stages are refused.* has 1; body"):
        _begun(_run(ONE_HEAD, "freeze=9"))
    with pytest.raises(InputError, match=r"recipe\.freeze: unknown 'all'; choose from: body, none"):
        recipe("digits", "freeze=all")


def test_freezing_everything_is_refused() -> None:
    with pytest.raises(InputError, match=r"recipe\.freeze: 'body' leaves nothing to train"):
        freeze(torch.nn.Linear(2, 2), "body")  # a network of which no part is a classifier


def test_the_rate_falls_from_layer_to_layer() -> None:
    network = build(models.spec("cmt_digits"))
    made = create(network, Optimiser(layer_decay=0.5), 1e-3)
    scale = {
        id(parameter): group["lr_scale"]
        for group in made.param_groups
        for parameter in group["params"]
    }
    by_name = {name: scale[id(parameter)] for name, parameter in network.named_parameters()}
    assert by_name["head.linear.weight"] == 1.0
    last = by_name["stages.3.blocks.0.ffn.project.weight"]
    assert last == 0.5
    assert by_name["stages.2.blocks.1.ffn.project.weight"] == last / 2
    assert min(by_name.values()) == by_name[next(n for n in by_name if n.startswith("stem"))]


def test_parameters_move_at_the_rate_of_their_layer(tmp_path: Path) -> None:
    run = _run(ONE_HEAD, "optimiser.layer_decay=1e-5")
    made = build_parts(run, torch.device("cpu"))
    before = {name: each.detach().clone() for name, each in made.network.named_parameters()}
    fit(run, tmp_path, lambda _: None, "cpu", parts=lambda _r, _d: made)
    moved = {
        name: float((each.detach() - before[name]).abs().max())
        for name, each in made.network.named_parameters()
    }
    assert moved.pop("head.linear.weight") > 1e-4
    assert moved.pop("head.linear.bias") > 1e-4
    assert max(each for name, each in moved.items() if name.startswith(("stem", "stages"))) < 1e-6
