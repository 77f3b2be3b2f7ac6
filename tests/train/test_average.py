"""timm's averaged weights, as the module uses them."""

import torch
from torch import nn

from tests.train.standins import FULL, Tiny, fit_tiny
from workbench.config import Recipe
from workbench.train.checkpoint import NAME, load_checkpoint
from workbench.train.module import RunModule


def test_follows_weights_and_buffers_by_its_formula() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    module = RunModule(network, Recipe(ema_decay=0.9), steps_per_epoch=1)
    expected = {name: value.detach().clone() for name, value in network.state_dict().items()}
    for step in range(3):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(step + 1.0)
        network(torch.randn(4, 3, 2, 2))
        module.on_train_batch_end(None, (torch.empty(0), torch.empty(0)), step)
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                expected[name].lerp_(value, 1 - 0.9)
            else:
                expected[name] = value.clone()
    assert module.average is not None
    state = module.average.module.state_dict()
    assert int(state["1.num_batches_tracked"]) == 3
    for name, value in expected.items():
        assert torch.equal(state[name], value), name


def test_is_a_copy_without_gradients() -> None:
    network = Tiny(0)
    average = RunModule(network, Recipe(ema_decay=0.5), steps_per_epoch=1).average
    assert average is not None
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert average.module.head.weight.data_ptr() != network.head.weight.data_ptr()


def test_an_average_under_its_earlier_name_goes_on(tmp_path) -> None:
    fit_tiny(tmp_path, FULL)
    checkpoint = load_checkpoint(tmp_path / NAME)
    now = dict(checkpoint["state_dict"])
    earlier = {key.replace("average.module.", "average.network."): now[key] for key in now}
    assert earlier.keys() != now.keys()
    module = RunModule(Tiny(1), FULL, steps_per_epoch=1)
    module.on_load_checkpoint({"state_dict": earlier})
    module.load_state_dict(earlier)
    for name, value in module.state_dict().items():
        assert torch.equal(value, now[name]), name
