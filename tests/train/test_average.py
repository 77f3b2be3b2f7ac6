import torch
from torch import nn

from workbench.train.average import Average


def test_follows_weights_and_buffers_by_its_formula() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    average = Average(network, decay=0.9)
    average.follow(network)
    expected = {name: value.detach().clone() for name, value in network.state_dict().items()}
    for step in range(3):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(step + 1.0)
        network(torch.randn(4, 3, 2, 2))
        average.update()
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                expected[name] = 0.9 * expected[name] + 0.1 * value
            else:
                expected[name] = value.clone()
    state = average.network.state_dict()
    assert int(state["1.num_batches_tracked"]) == 3
    for name, value in expected.items():
        torch.testing.assert_close(state[name], value)


def test_is_a_copy_without_gradients() -> None:
    network = nn.Linear(2, 2)
    average = Average(network, decay=0.5)
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert average.network.weight.data_ptr() != network.weight.data_ptr()
