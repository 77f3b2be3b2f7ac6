"""Networks on disk: what is saved comes back bit for bit, and damage is seen."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants as hub
import pytest
import torch
from huggingface_hub import ModelCard, PyTorchModelHubMixin
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.train.standins import StopAfter, epochs_told, small_run
from workbench import build, cost, fuse, load, load_weights, save, spec
from workbench.config import EpochRecord, Outcome, Progress, RunConfig, Spec
from workbench.data import loaders
from workbench.errors import InputError
from workbench.models import Network
from workbench.parsing import parse
from workbench.train.best import Best, best_of
from workbench.train.checkpoint import NAME, load_checkpoint
from workbench.train.fit import fit
from workbench.train.module import RunModule
from workbench.train.saved import CARD, CONFIG, WEIGHTS, keep_weights

SMALL = ("depth=[1,1]", "dim=[8,16]", "heads=[1,2]", "stride=[2,2]", "mixer.k=[2,1]")


def small(*overrides: str, seed: int = 5) -> Network:
    """A network whose statistics of BN are not those that it was built with."""
    network = build(spec("cmt_digits", *SMALL, *overrides), seed=seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network(torch.randn(4, 3, 8, 8))
    return network


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save(small(), tmp_path / "network", source="a test")


def same(one: Network, other: Network) -> None:
    for (key, mine), theirs in zip(
        one.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs), key


@pytest.mark.parametrize("overrides", [(), ("lpu=none", "norm=bn", "drop_path=0.1")])
def test_what_is_saved_comes_back_bit_for_bit_in_eval_mode(
    tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    network = small(*overrides)
    found = load(save(network, tmp_path))
    same(found, network)
    assert found.spec == network.spec
    assert not any(module.training for module in found.modules())
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(found(images), network.eval()(images))


def test_the_folder_is_laid_out_as_the_hub_expects(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {
        hub.SAFETENSORS_SINGLE_FILE,
        hub.CONFIG_NAME,
        hub.REPOCARD_NAME,
    }
    card = ModelCard.load(saved / CARD)
    assert (card.data.library_name, card.data.pipeline_tag) == (
        "cmt-workbench",
        "image-classification",
    )
    found = cost(small().spec)
    for text in (f"{found.params:,}", f"{found.macs:,}", "Source of the weights: a test."):
        assert text in card.text


def test_hub_tools_read_configuration_and_weights(saved: Path) -> None:
    """What `from_pretrained` of the hub's mixin hands to a class of somebody else's."""

    class Theirs(torch.nn.Module, PyTorchModelHubMixin):
        def __init__(self, spec: dict[str, Any]) -> None:
            super().__init__()
            network = build(parse(Spec, spec, "spec"))
            for name, module in network.named_children():
                self.add_module(name, module)

    same(Theirs.from_pretrained(saved), small())  # type: ignore[arg-type]


def test_the_spec_is_in_the_weights_and_in_the_configuration(saved: Path) -> None:
    expected = small().spec.model_dump(mode="json")
    assert json.loads((saved / CONFIG).read_text())["spec"] == expected
    with safe_open(saved / WEIGHTS, "pt") as file:
        assert json.loads(file.metadata()["workbench"])["spec"] == expected


def test_the_file_of_weights_is_enough(saved: Path) -> None:
    (saved / CONFIG).unlink()
    same(load(saved / WEIGHTS), small())
    other = small(seed=6)
    load_weights(other, saved / WEIGHTS)
    same(other, small())


def test_another_network_takes_the_place_of_a_saved_one(saved: Path) -> None:
    same(load(save(small("ffn=mlp"), saved)), small("ffn=mlp"))


# ---------------------------------------------------------------- refused


def _refused(call: Callable[[], object], why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_other_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text("my project")
    _refused(lambda: save(small(), tmp_path), r"README\.md that wb\.save did not write")
    assert (tmp_path / CARD).read_text() == "my project"
    _refused(lambda: save(small(), tmp_path / CARD / "below"), "can't be written")


def test_what_is_not_the_network_of_its_spec_is_not_saved(tmp_path: Path) -> None:
    fused = fuse(small().eval())
    _refused(lambda: save(fused, tmp_path / "fused"), "save it before wb.fuse")
    linear: Any = torch.nn.Linear(2, 2)
    _refused(lambda: save(linear, tmp_path / "linear"), "Linear is no network")
    assert not list(tmp_path.iterdir())


def _with_spec(saved: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The same tensors, with another spec in their metadata and none beside them."""
    (saved / CONFIG).unlink()
    with safe_open(saved / WEIGHTS, "pt") as file:
        facts = json.loads(file.metadata()["workbench"])
    change(facts)
    save_file(load_file(saved / WEIGHTS), saved / WEIGHTS, {"workbench": json.dumps(facts)})


def _deeper(facts: dict[str, Any]) -> None:
    facts["spec"]["stages"][0]["depth"] = 10**9


def _wider(facts: dict[str, Any]) -> None:
    facts["spec"]["stages"][1]["dim"] = 10**12


def _fact(key: str, value: object) -> Callable[[Path], object]:
    return lambda at: _with_spec(at, lambda facts: facts.update({key: value}))


def _task(**told: object) -> Callable[[Path], object]:
    whole = {"task": {"name": "segment"}, "outputs": 9, "mean": [0.5], "std": [0.5], **told}
    known = {key: value for key, value in whole.items() if value is not None}
    return lambda at: _with_spec(at, lambda facts: facts.update(known))


def _flip(saved: Path) -> None:
    content = bytearray((saved / WEIGHTS).read_bytes())
    content[-100] ^= 0x40
    (saved / WEIGHTS).write_bytes(content)


def _edit(saved: Path) -> None:
    config = json.loads((saved / CONFIG).read_text())
    config["spec"]["drop_path"] = 0.5
    (saved / CONFIG).write_text(json.dumps(config))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit": (_flip, "is damaged: its digest"),
    "truncated": (lambda at: (at / WEIGHTS).write_bytes(b"\x10"), "can't be read"),
    "edited configuration": (_edit, "has another spec"),
    "no configuration": (lambda at: (at / CONFIG).write_text("{"), "can't be read, it is damaged"),
    "other code's": (
        lambda at: save_file(load_file(at / WEIGHTS), at / WEIGHTS),
        "has no spec inside",
    ),
    "no facts": (
        lambda at: save_file(load_file(at / WEIGHTS), at / WEIGHTS, {"workbench": "["}),
        "is no mapping",
    ),
    "no spec": (lambda at: _with_spec(at, lambda facts: facts.pop("spec")), "has no spec inside"),
    "an unknown key": (
        lambda at: _with_spec(at, lambda facts: facts["spec"].update(depht=3)),
        "spec.depht: unknown",
    ),
    "an unknown component": (
        lambda at: _with_spec(at, lambda facts: facts["spec"]["head"].update(name="tail")),
        "unknown 'tail'",
    ),
    "an unknown option": (
        lambda at: _with_spec(at, lambda facts: facts["spec"]["head"].update(options=[["x", 1]])),
        "spec: it is of no network: ",
    ),
    "other classes": (
        lambda at: _with_spec(at, lambda facts: facts["spec"].update(classes=7)),
        r"head\.linear\.weight is \[10, ",
    ),
    "a depth without sense": (lambda at: _with_spec(at, _deeper), "depth: 1000000000 is refused"),
    "colours that are none": (_fact("mean", "red"), "damaged: its mean is 'red'"),
    "classes that are no list": (_fact("class_names", 3), "damaged: its class_names is 3"),
    "a recipe that is none": (_fact("recipe", [[1]]), "damaged: its recipe is"),
    "a task that is none": (_fact("task", None), "damaged: its task is None"),
    "outputs that are no number": (_task(outputs="x"), "damaged: its outputs is 'x'"),
    "outputs without end": (_task(outputs=10**12), "damaged: its outputs is 1000000000000"),
    "no outputs": (_task(outputs=None), "damaged: it has no outputs"),
    "no segmenter": (_task(), "is not of its task"),
    "a width without sense": (lambda at: _with_spec(at, _wider), "dim: 1000000000000 is refused"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_folder_that_was_damaged_is_refused_in_one_line(saved: Path, kind: str) -> None:
    spoil, why = DAMAGE[kind]
    spoil(saved)
    _refused(lambda: load(saved), why)


# ---------------------------------------------------------------- of a run


def _top1(network: Network, run: RunConfig) -> float:
    recipe = run.recipe
    data = loaders(recipe.data, recipe.augment, 64, 8, run.seed, torch.device("cpu"))
    with torch.no_grad():
        right = [(network(x).argmax(1) == labels).float() for x, labels in data.test]
    return 100 * torch.cat(right).mean().item()


@pytest.mark.parametrize("decay", [None, 0.9])
def test_a_kept_network_scores_what_its_run_scored(tmp_path: Path, decay: float | None) -> None:
    made = small_run()
    run = made.model_copy(update={"recipe": made.recipe.model_copy(update={"ema_decay": decay})})
    result = fit(run, tmp_path, lambda progress: None, "cpu")
    keep_weights(run, tmp_path, result)
    assert _top1(load(tmp_path / "last"), run) == pytest.approx(result.top1, abs=1e-4)
    network = build(run.spec)
    load_weights(network, tmp_path / "last.ckpt")
    same(network, load(tmp_path / "last"))
    config = json.loads((tmp_path / "last" / CONFIG).read_text())
    assert config["run"]["id"] == run.id
    before = sorted(path.name for path in tmp_path.iterdir())
    shutil.rmtree(tmp_path / "last")
    keep_weights(run, tmp_path, fit(run, tmp_path, lambda progress: None, "cpu"))
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def _validated(epochs: int = 5) -> RunConfig:
    made = small_run()
    data = made.recipe.data.model_copy(update={"validation": 0.5, "train_size": 200})
    recipe = made.recipe.model_copy(update={"data": data, "epochs": epochs})
    return made.model_copy(update={"recipe": recipe})


def _records(run: RunConfig, folder: Path, stop: StopAfter | None = None) -> list[float | None]:
    """Fits; returns the top-1 on validation images of every epoch."""
    told: list[Progress] = []
    result = fit(run, folder, told.append, "cpu", stop)
    if result.outcome is Outcome.COMPLETED:
        keep_weights(run, folder, result)
    return [record.validation_top1 for record in epochs_told(told)]


@pytest.mark.slow
def test_the_best_by_validation_is_kept_too_and_survives_a_stop(tmp_path: Path) -> None:
    run = _validated()
    curve = _records(run, tmp_path / "whole")
    best = load(tmp_path / "whole" / "best")
    checkpoint = load_checkpoint(tmp_path / "whole" / NAME)
    found = best_of(checkpoint)
    assert found is not None
    assert found.top1 == max(filter(None, curve))
    assert found.epoch == curve.index(found.top1)
    config = json.loads((tmp_path / "whole" / "best" / CONFIG).read_text())
    assert config["run"]["top1"] == found.top1
    before = len(_records(run, tmp_path / "parts", StopAfter(30)))
    assert 0 < before < len(curve)
    _records(run, tmp_path / "parts")
    same(load(tmp_path / "parts" / "best"), best)


def test_the_best_is_of_its_own_epoch(tmp_path: Path) -> None:
    """A later epoch that is worse does not change it, not even in place."""
    module = RunModule(build(small_run().spec), small_run().recipe, steps_per_epoch=1)
    best, seen = Best(), []
    for epoch, top1 in enumerate([None, 40.0, 60.0, 60.0, 50.0]):
        with torch.no_grad():
            module.average.module.head.linear.bias.fill_(epoch)
        record = EpochRecord(epoch=epoch, train_loss=1, lr=1, seconds=1, validation_top1=top1)
        best.see(record, module)
        seen.append((best.epoch, best.top1))
    assert seen == [(-1, -1.0), (1, 40.0), (2, 60.0), (2, 60.0), (2, 60.0)]
    assert (best.weights["head.linear.bias"] == 2).all()
