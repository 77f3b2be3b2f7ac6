import pytest
import torch
from torch import nn

from tests.train.standins import Tiny
from workbench.config import Optimiser
from workbench.errors import InputError
from workbench.models import Network, spec
from workbench.models.layout import layout
from workbench.train.optimiser import create, parameter_groups


def _decays(network: nn.Module) -> dict[str, float]:
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return {
        names[id(parameter)]: group["weight_decay"]
        for group in parameter_groups(network, 0.05)
        for parameter in group["params"]
    }


def test_norms_biases_and_tables_are_not_decayed() -> None:
    decays = _decays(Tiny(0))
    assert set(decays) == {name for name, _ in Tiny(0).named_parameters()}
    decayed = {name for name, decay in decays.items() if decay}
    assert decayed == {"conv.weight", "mix.weight", "head.weight"}


def _by_hand(network: nn.Module, weight_decay: float) -> list[tuple[float, list[str]]]:
    """What the groups were before timm made them: decayed and not, each in the network's order."""
    exempt = network.no_weight_decay()
    names = [name for name, each in network.named_parameters() if each.requires_grad]
    free = [n for n in names if network.get_parameter(n).ndim <= 1 or n in exempt]
    return [(weight_decay, [n for n in names if n not in free]), (0.0, free)]


@pytest.mark.parametrize("weight_decay", [0.05, 0.0])
@pytest.mark.parametrize("name", ["cmt_digits", "deit_digits", "levit_128s", "volo_d1"])
def test_groups_of_the_zoo_and_their_order(name: str, weight_decay: float) -> None:
    with torch.device("meta"):
        network = Network(layout(spec(name)))
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    groups = parameter_groups(network, weight_decay)
    found = [(each["weight_decay"], [names[id(p)] for p in each["params"]]) for each in groups]
    assert found == _by_hand(network, weight_decay)


def test_frozen_parameters_are_left_out() -> None:
    network = Tiny(0)
    network.conv.requires_grad_(False)
    assert not {"conv.weight", "conv.bias"} & set(_decays(network))


def test_without_named_parameters_only_dimensions_decide() -> None:
    assert _decays(nn.Linear(2, 2)) == {"weight": 0.05, "bias": 0.0}


def test_settings_reach_the_optimiser() -> None:
    settings = Optimiser(beta1=0.8, beta2=0.95, eps=1e-6, weight_decay=0.1)
    made = create(Tiny(0), settings, lr=0.5)
    assert isinstance(made, torch.optim.AdamW)
    assert made.defaults["betas"] == (0.8, 0.95)
    assert made.defaults["eps"] == 1e-6
    assert [(group["lr"], group["weight_decay"]) for group in made.param_groups] == [
        (0.5, 0.1),
        (0.5, 0.0),
    ]


@pytest.mark.parametrize("name", ["sgd", "momentum", "lamb", "adam", "lion"])
def test_other_optimisers_step(name: str) -> None:
    network = Tiny(0)
    before = network.head.weight.detach().clone()
    made = create(network, Optimiser(name=name), lr=0.1)
    network(torch.randn(4, 3, 8, 8)).square().sum().backward()
    made.step()
    assert not torch.equal(before, network.head.weight)


def test_unknown_optimiser_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"optimiser\.name: unknown 'adamv'; nearest: .*adam"):
        create(Tiny(0), Optimiser(name="adamv"), lr=0.1)
