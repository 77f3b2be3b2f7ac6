import pytest
import torch
from torch.nn import functional as F

from tests.train.standins import CLASSES, FAST, Tiny
from workbench.config import Optimiser, Recipe, Schedule
from workbench.train.module import RunModule


def _module(recipe: Recipe = FAST) -> RunModule:
    return RunModule(Tiny(0), recipe, steps_per_epoch=4).eval()


@pytest.mark.parametrize("soft", [False, True])
def test_label_smoothing_is_torchs(soft: bool) -> None:
    module = _module(Recipe(label_smoothing=0.1))
    images, labels = torch.randn(5, 3, 8, 8), torch.tensor([0, 1, 2, 3, 0])
    one_hot = F.one_hot(labels, CLASSES).float()
    targets = one_hot if soft else labels
    log_probabilities = module.network(images).log_softmax(dim=1)
    smoothed = 0.9 * one_hot + 0.1 / CLASSES
    expected = -(smoothed * log_probabilities).sum(dim=1).mean()
    loss = module.training_step((images, targets), 0)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        loss, F.cross_entropy(module.network(images), labels, label_smoothing=0.1)
    )


def test_the_average_is_what_is_tested() -> None:
    module = _module(Recipe(ema_decay=0.9))
    assert module.average is not None
    images = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        module.average.module.get_parameter("head.bias").add_(5.0)
        torch.testing.assert_close(module(images), module.network(images) + 5.0)
    trained = module.configure_optimizers().param_groups
    averaged = {id(parameter) for parameter in module.average.parameters()}
    assert not averaged & {id(p) for group in trained for p in group["params"]}


def test_optimiser_starts_from_the_scaled_rate() -> None:
    recipe = Recipe(
        batch_size=64, optimiser=Optimiser(lr=1e-3, lr_batch=32), schedule=Schedule(name="constant")
    )
    assert {group["lr"] for group in _module(recipe).configure_optimizers().param_groups} == {2e-3}
