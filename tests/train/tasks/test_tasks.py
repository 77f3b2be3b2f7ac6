"""Detectors and segmenters as runs: trained, scored, resumed."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import workbench as wb
from workbench.config import (
    DataConfig,
    Evaluate,
    Optimiser,
    Outcome,
    Progress,
    Recipe,
    Result,
    RunConfig,
    Spec,
    Task,
    Weights,
)
from workbench.cost.dense import task_cost
from workbench.models.ops import square
from workbench.runs.kept import load
from workbench.train.checkpoint import load_checkpoint
from workbench.train.fit import fit
from workbench.train.module import RunModule
from workbench.train.saved import CARD, CONFIG, keep_weights
from workbench.train.tasks import build_task_parts
from workbench.train.tasks.detect import detect
from workbench.train.tasks.segment import segment

DATA = DataConfig(name="scattered_digits", train_size=4, test_size=3)


def run(task: Task, epochs: int = 1) -> RunConfig:
    spec = wb.spec("cmt_digits", "resolution=32", "dim=[8,16,24,24]", "heads=[1,2,2,2]", "depth=1",
                   "stride=[4,2,2,2]", "stem.stride=2", "stem.dim=8")  # fmt: skip
    recipe = Recipe(
        task=task, data=DATA, epochs=epochs, batch_size=2, optimiser=Optimiser(lr=1e-3),
        evaluate=Evaluate(every=epochs),
    )  # fmt: skip
    return RunConfig(variant="cmt", spec=spec, recipe=recipe, seed=0)


def trained(config: RunConfig, folder: Path, stop_at: int | None = None) -> Result:
    told: list[Progress] = []
    steps = iter(range(1, 1000))

    def stop() -> bool:
        return stop_at is not None and next(steps) >= stop_at

    return fit(config, folder, told.append, "cpu", stop)


DETECT = Task(name="detect", channels=8, stages=(0, 1))
SEGMENT = Task(name="segment", channels=8)


def test_a_detector_is_a_run(tmp_path: Path) -> None:
    result = trained(run(DETECT), tmp_path)
    assert result.outcome is Outcome.COMPLETED
    assert result.test_loss is None
    assert result.top1 is not None
    assert 0 <= result.top1 <= 100
    assert {"AP50", "AP75"} <= dict(result.details).keys()
    again = trained(run(DETECT), tmp_path)  # from its checkpoint
    assert (again.top1, again.details) == (result.top1, result.details)
    keep_weights(run(DETECT), tmp_path, result)
    card = (tmp_path / "last" / CARD).read_text()
    assert "pipeline_tag: object-detection" in card
    whole = task_cost(run(DETECT).spec, DETECT, 10, square(32))
    assert f"| MACs | {whole.macs:,} |" in card
    assert json.loads((tmp_path / "last" / CONFIG).read_text())["run"]["ap"] == result.top1
    model = load(tmp_path / "last")
    assert f"| Params | {sum(p.numel() for p in model.parameters()):,} |" in card
    weights = load_checkpoint(tmp_path / "last.ckpt")["state_dict"]
    own = {f"network.{name}": each for name, each in model.state_dict().items()}
    assert own.keys() == weights.keys()
    assert all(torch.equal(own[name], weights[name]) for name in own)
    assert model([torch.rand(3, 32, 32)])[0].keys() == {"boxes", "labels", "scores"}
    with np.load(tmp_path / "pictures.npz") as kept:
        assert kept["0_image"].shape == (32, 32, 3)
        assert kept["0_true_boxes"].shape[1] == 4


def test_a_segmenter_resumes_bit_for_bit(tmp_path: Path) -> None:
    config = run(SEGMENT, epochs=2)
    whole = trained(config, tmp_path / "whole")
    stopped = trained(config, tmp_path / "parts", stop_at=3)
    assert stopped.outcome is Outcome.INTERRUPTED
    resumed = trained(config, tmp_path / "parts")
    assert (resumed.top1, resumed.test_loss) == (whole.top1, whole.test_loss)
    assert "pixel accuracy" in dict(whole.details)


def test_choices_have_validation_images_too(tmp_path: Path) -> None:
    """What `tune` and `best` go by."""
    config = run(SEGMENT)
    data = DATA.model_copy(update={"validation": 0.5})
    recipe = config.recipe.model_copy(update={"data": data})
    result = trained(config.model_copy(update={"recipe": recipe}), tmp_path)
    assert result.outcome is Outcome.COMPLETED
    assert result.validation_top1 is not None
    assert result.validation_top1 != result.top1


def test_a_detector_begins_from_a_classifier(tmp_path: Path) -> None:
    config = run(DETECT)
    assert isinstance(config.spec, Spec)
    classifier = wb.build(config.spec, seed=5)
    init = Weights(weights=str(wb.save(classifier, tmp_path)))
    recipe = config.recipe.model_copy(update={"init": init, "freeze": "body"})
    network = build_task_parts(config.model_copy(update={"recipe": recipe})).network
    given = {name: each for name, each in classifier.state_dict().items() if "head." not in name}
    own = {
        name.removeprefix("backbone.body.network."): each
        for name, each in network.named_parameters()
        if ".body." in name
    }
    assert own
    assert all(torch.equal(each, given[name]) for name, each in own.items())
    trained_ones = [name for name, each in network.named_parameters() if each.requires_grad]
    assert trained_ones
    assert not any(".body." in name for name in trained_ones)


@pytest.mark.slow
def test_mask_rcnn_is_a_run(tmp_path: Path) -> None:
    result = trained(run(Task(name="detect", model="mask_rcnn", channels=8)), tmp_path)
    assert result.outcome is Outcome.COMPLETED
    assert "AP of masks" in dict(result.details)


class Oracle(torch.nn.Module):
    """Says what it was told to say."""

    def __init__(self, said: Sequence[dict[str, Tensor]] | Tensor) -> None:
        super().__init__()
        self.said = said

    def forward(self, images: Tensor) -> object:
        return self.said


def module(said: Sequence[dict[str, Tensor]] | Tensor) -> RunModule:
    return RunModule(Oracle(said), Recipe(), 1)


def test_ap_of_known_answers() -> None:
    """Of two objects one is found exactly, and one with an IoU of 0.62: below 0.75, above 0.5."""
    true = [{
        "boxes": torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]]),
        "labels": torch.tensor([0, 0]),
    }]  # fmt: skip
    said = [{
        "boxes": torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 26.2]]),
        "labels": torch.tensor([0, 0]),
        "scores": torch.tensor([0.9, 0.8]),
    }]  # fmt: skip
    images = torch.zeros(1, 3, 32, 32)
    score = detect(module(said), [(images, true)], lambda: None, ["a"], False).score
    assert score.also["AP50"] == pytest.approx(100)
    assert score.also["AP75"] == pytest.approx(100 * 51 / 101)  # COCO's 101 levels of recall
    assert score.top1 == pytest.approx((3 * 100 + 7 * 100 * 51 / 101) / 10)


def test_miou_of_known_answers() -> None:
    true = torch.tensor([[[0, 0, 0, 1], [0, 1, 1, 255]]])
    said = torch.tensor([[[0, 0, 1, 1], [0, 1, 1, 1]]])
    logits = torch.nn.functional.one_hot(said, 3).permute(0, 3, 1, 2).float() * 9
    found = segment(module(logits), [(torch.zeros(1, 3, 2, 4), true)], lambda: None, "abc")
    assert found.score.top1 == pytest.approx(100 * (3 / 4 + 3 / 4) / 2)  # the third class is absent
    assert found.score.also["pixel accuracy"] == pytest.approx(100 * 6 / 7)
    assert found.by_image == {"pixels": [7], "right": [6], "miou": [found.score.top1]}
