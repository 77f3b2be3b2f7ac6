"""Networks of timm's as rows: described, refused, built, counted, kept."""

import re
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

import workbench as wb
from tests.support.sweeps import RECIPE, plan
from workbench.config import Outcome, Peer, RunConfig
from workbench.errors import InputError
from workbench.models.networks import fingerprint
from workbench.plans.resolution import Plan
from workbench.train.checkpoint import load_checkpoint
from workbench.train.evidence import read_evidence
from workbench.train.fit import fit
from workbench.train.saved import keep_weights

TINY = ("resolution=16", "classes=10", "timm.depths=[1,1,1,1]", "timm.dims=[8,8,16,16]")


def test_resnet_for_small_images_keeps_its_maps() -> None:
    plain, small = (
        wb.build(wb.spec("timm:resnet18", *TINY, *more)) for more in ((), ("timm.stem=small",))
    )
    first = small.get_submodule("conv1")
    assert isinstance(first, nn.Conv2d)
    assert (first.kernel_size, first.stride) == ((3, 3), (1, 1))
    sides = [model.forward_features(torch.zeros(1, 3, 16, 16)).shape[-1]
             for model in (plain.eval(), small.eval())]  # fmt: skip
    assert sides == [1, 2]


def test_convnext_takes_patches_depths_and_dims() -> None:
    found = wb.spec("timm:convnext_atto", *TINY, "timm.patch=1", drop_path=0.1)
    made = wb.build(found)
    assert made(torch.zeros(2, 3, 16, 16)).shape == (2, 10)
    twin = timm.create_model(
        "convnext_atto", depths=(1, 1, 1, 1), dims=(8, 8, 16, 16), patch_size=1, num_classes=10
    )
    assert wb.cost(found).params == sum(p.numel() for p in twin.parameters())


def test_a_table_of_fixed_size_is_built_for_the_resolution() -> None:
    found = wb.spec("timm:vit_tiny_patch16_224", "resolution=32", "timm.patch=8", "timm.depths=1")
    assert wb.build(found).pos_embed.shape[1] == 1 + 16


def test_macs_are_those_of_a_count_by_hand() -> None:
    """A stem of 3 x 3 at 16 pixels, four blocks of two, three shortcuts of 1 x 1, a linear head."""
    found = wb.cost(wb.spec("timm:resnet18", *TINY, "timm.stem=small", "timm.dims=[64,64,64,64]"))
    at = [16**2, 8**2, 4**2, 2**2]
    stem = 27 * 64 * at[0]
    blocks = sum(2 * 9 * 64 * 64 * pixels for pixels in at)
    shortcuts = 0  # blocks of one dimension and stride 1 have none
    shortcuts += sum(64 * 64 * pixels for pixels in at[1:])
    assert found.macs == stem + blocks + shortcuts + 640


def test_a_seed_draws_the_same_weights_and_leaves_the_global_state() -> None:
    found = wb.spec("timm:resnet18", *TINY)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, again, other = (wb.build(found, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["conv1.weight"], other["conv1.weight"])


@pytest.mark.parametrize(
    ("name", "overrides", "line"),
    [
        ("timm:resnet19", [], "timm: unknown 'resnet19'; nearest: .*'resnet18'"),
        ("timm:resnet18.a1_in1k", [], "'a1_in1k' names weights, which would be downloaded"),
        ("timm:hf-hub:timm/resnet18", [], "its configuration would be downloaded"),
        ("timm:resnet18", ["timm.pretrained=true"], "timm.pretrained: is refused: .*downloaded"),
        ("timm:resnet18", ["lpu=none"], "lpu: a network of timm's has no 'lpu'; "),
        ("timm:resnet18", ["timm.stemm=small"], "has no 'timm.stemm'; nearest: 'timm.stem'"),
        ("timm:resnet18", ["timm.stem=tiny"], "stem: unknown 'tiny'; nearest|choose"),
        ("timm:resnet18", ["timm.patch=2"], "timm.patch: timm's resnet18 has no such option"),
        ("timm:convnext_atto", ["timm.stem=small"], "cuts patches of 4 pixels; timm.patch is"),
        ("timm:convnext_atto", ["resolution=1"], "resolution: 1 is refused: .*can't take it"),
        ("timm:vit_tiny_patch16_224", ["resolution=8"], "resolution: 8 is refused"),
        ("timm:resnet18", ["classes=5"], "classes: 5 is refused beside classes=10"),
    ],
)
def test_what_is_refused_is_one_line(name: str, overrides: list[str], line: str) -> None:
    with pytest.raises(InputError) as refused:
        wb.spec(name, *overrides, classes=10)
    assert re.search(line, str(refused.value)), refused.value
    assert "\n" not in str(refused.value)


# ---------------------------------------------------------------- as a row


def beside_ours(**fields: Any) -> Plan:
    sizes = {"resolution": 16, "timm.depths": [1, 1, 1, 1], "timm.dims": [8, 8, 16, 16]}
    rows = [
        {"name": "ours", "base": "small"},
        {"name": "ResNet", "base": "timm:resnet18", "set": sizes},
        {"name": "slower", "base": "timm:resnet18",
         "set": {**sizes, "recipe.optimiser.lr": 1e-4}},
    ]  # fmt: skip
    return plan(rows=rows, kind="list", seeds=[0], **fields)


def test_a_plan_has_them_beside_ours_and_is_read_back() -> None:
    found = beside_ours()
    ours, resnet, _ = found.variants
    assert isinstance(resnet.spec, Peer)
    assert (resnet.spec.classes, resnet.params) == (10, wb.cost(resnet.spec).params)
    assert Plan.model_validate_json(found.model_dump_json()) == found
    assert len({run.id for run in found.runs()}) == 3
    assert fingerprint(resnet.spec) != fingerprint(ours.spec)


@pytest.mark.parametrize(
    ("base", "set_", "line"),
    [
        ("timm:resnet19", {}, "variant 'ResNet': timm: unknown 'resnet19'"),
        ("timm:convnext_atto", {"resolution": 1}, "variant 'ResNet': resolution: 1 is refused"),
        ("timm:resnet18.a1_in1k", {}, "variant 'ResNet': base: .* would be downloaded"),
    ],
)
def test_a_plan_names_the_row_that_is_refused(base: str, set_: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line):
        plan(rows=[{"name": "ResNet", "base": base, "set": set_}])


def test_the_same_network_twice_is_refused() -> None:
    row = {"base": "timm:resnet18", "set": {"resolution": 16}}
    with pytest.raises(InputError, match="its network is the same as that of 'one'"):
        plan(rows=[{"name": "one", **row}, {"name": "two", **row}])


def test_it_trains_resumes_bit_for_bit_and_keeps_its_weights(tmp_path: Path) -> None:
    recipe = beside_ours().recipe.model_copy(update={"epochs": 2})
    spec = beside_ours().variants[1].spec
    run = RunConfig(variant="ResNet", spec=spec, recipe=recipe, seed=3)
    whole = fit(run, tmp_path / "whole", lambda _: None, "cpu")
    steps = iter(range(100))
    stopped = fit(run, tmp_path / "cut", lambda _: None, "cpu", lambda: next(steps) > 12)
    resumed = fit(run, tmp_path / "cut", lambda _: None, "cpu")
    assert (whole.outcome, stopped.outcome) == (Outcome.COMPLETED, Outcome.INTERRUPTED)
    assert (resumed.top1, resumed.test_loss) == (whole.top1, whole.test_loss)


def test_its_weights_are_kept_and_loaded(tmp_path: Path) -> None:
    found = beside_ours(recipe={**RECIPE, "epochs": 1})
    run = found.runs(["ResNet"])[0]
    keep_weights(run, tmp_path, fit(run, tmp_path, lambda _: None, "cpu"))
    loaded = wb.load(tmp_path / "last")
    kept = load_checkpoint(tmp_path / "last.ckpt")["state_dict"]
    assert loaded(torch.zeros(1, 3, 16, 16)).shape == (1, 10)
    assert torch.equal(loaded.state_dict()["fc.bias"], kept["network.fc.bias"])
    evidence = read_evidence(tmp_path)
    assert evidence is not None
    assert len(evidence.labels) == 50
