"""What of a network stays as it is while the rest is trained: `recipe.freeze`."""

from torch import nn

from workbench.errors import InputError
from workbench.models import Network
from workbench.models.networks import classifiers


def freeze(network: nn.Module, what: int | str) -> None:
    """No gradient for the parameters of `what`: none, the body, or so many first stages.

    Raises `InputError` where there are fewer stages, or nothing is left to train.
    """
    if what == "none":
        return
    paths = ("head",) if isinstance(network, Network) else classifiers(network)
    heads = tuple(f"{path}." for path in paths)
    for name, parameter in network.named_parameters():
        if _within(name, int(what)) if what != "body" else not name.startswith(heads):
            parameter.requires_grad_(False)
    stages = len(network.stages) if isinstance(network, Network) else 0
    if isinstance(what, int) and what > stages:
        raise InputError(
            f"{what} stages are refused: the network has {stages}; body freezes all but the head",
            key="recipe.freeze",
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InputError(f"{what!r} leaves nothing to train", key="recipe.freeze")


def _within(name: str, stages: int) -> bool:
    """Whether a parameter stands in the stem or in the first `stages`."""
    part, _, rest = name.partition(".")
    return part in ("stem", "token") or (part == "stages" and int(rest.split(".")[0]) < stages)


def rest(network: nn.Module) -> None:
    """Puts what is frozen into eval mode, its norms and random drops too."""
    for module in network.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()
