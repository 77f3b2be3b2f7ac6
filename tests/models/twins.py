"""timm's networks with statistics that are no default, and how ours are held to them."""

import timm
import torch
from torch import Tensor, nn

from workbench.cost import closed_form
from workbench.models import Network, build, load_weights, spec


def timm_network(name: str, classes: int = 1000, side: int | None = None) -> nn.Module:
    """A randomly initialised timm network, its norms and zero-initialised tables perturbed."""
    size = {} if side is None else {"img_size": side}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: nn.Module = timm.create_model(name, num_classes=classes, **size)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_(0, 0.2, generator=generator)
                module.running_var.uniform_(0.5, 1.5, generator=generator)
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.2, generator=generator)
        for key, parameter in network.named_parameters():
            if "attention_biases" in key or "token" in key:
                parameter.normal_(0, 0.5, generator=generator)
    return network.train().eval()  # LeViT keeps biases from before; a switch of mode drops them


def image(side: int) -> Tensor:
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(2))


def check_twins(
    name: str,
    timm_name: str,
    *,
    double: bool = True,
    overrides: tuple[str, ...] = (),
    side: int | None = None,
) -> None:
    """Parameters and logits of zoo entry `name` are those of timm's network, at `side` pixels.

    In float32, or in float64 to the last digits.
    """
    twin = timm_network(timm_name, side=side)
    ours = build(spec(name, *overrides, resolution=side)).eval()
    assert count(ours) == count(twin) == closed_form(ours.spec).params
    load_weights(ours, twin.state_dict())
    x = image(ours.spec.resolution)
    with torch.no_grad():
        if double:
            ours, twin, x = ours.double(), twin.double(), x.double()
        close(ours(x), twin(x), 1e-8 if double else 1e-4)


def close(ours: Tensor, theirs: Tensor, tolerance: float) -> None:
    assert (ours - theirs).abs().max() < tolerance * theirs.abs().max()


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def loaded(name: str, state: dict[str, Tensor]) -> Network:
    model = build(spec(name)).eval()
    load_weights(model, state)
    return model
