"""The exponential moving average of a network's weights and buffers."""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Average(nn.Module):
    """A copy of a network that follows it: `mine <- decay * mine + (1 - decay) * theirs`.

    Floating-point buffers (the statistics of BN) are averaged too, integer ones copied, as in
    timm's ModelEma. Its parameters take no gradient.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.network = deepcopy(network).requires_grad_(False)
        self._blend = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        self._floats: tuple[list[Tensor], list[Tensor]] = ([], [])
        self._integers: list[tuple[Tensor, Tensor]] = []

    def follow(self, network: nn.Module) -> None:
        """Pairs the tensors of the two. Call it once both are where they will be trained."""
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._floats = ([mine for mine, _ in floats], [theirs for _, theirs in floats])
        self._integers = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """One step towards the network given to `follow`."""
        mine, theirs = self._floats
        self._blend(mine, theirs, 0)
        for own, other in self._integers:
            own.copy_(other)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the averaged network: (B, 3, H, W) -> (B, classes)."""
        logits: Tensor = self.network(images)
        return logits


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    for parameter in network.parameters():
        yield parameter.detach()
    yield from network.buffers()
