"""Folding norms into the layers beside them, for faster inference.

A BN in eval mode scales and shifts each channel. It can be taken up by the convolution or linear
layer that it follows, and, where all that it feeds are layers that do not pad, by those.
"""

import copy
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.models.components.base import Component, Fold
from workbench.models.network import Network

log = logging.getLogger(__name__)

Layer = nn.Conv2d | nn.Linear


@dataclass(frozen=True, slots=True)
class Folded:
    """A norm that is gone, and the layers that took it up."""

    norm: str
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A norm that stayed, and why."""

    norm: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fusion:
    """The fused network and what became of each BN."""

    network: Network
    folded: tuple[Folded, ...]
    left: tuple[Left, ...]


def fuse(model: Network) -> Network:
    """A copy of `model` for inference, with every BN folded where that is exact.

    The copy is in eval mode, takes no gradients, and its outputs are those of `model` in eval mode
    up to rounding; `model` stays as it was. What was folded and what was left stands in the log;
    `fusion` returns it.
    """
    result = fusion(model)
    log.info("folded %d of %d BN", len(result.folded), len(result.folded) + len(result.left))
    for left in result.left:
        log.info("%s stays: %s", left.norm, left.reason)
    return result.network


@torch.no_grad()
def fusion(model: Network) -> Fusion:
    """The fused copy of `model`, with a report; see `fuse`."""
    network = copy.deepcopy(model).eval().requires_grad_(False)
    folded: list[Folded] = []
    reasons: dict[str, str] = {}
    for fold in _folds(network):
        norm = network.get_submodule(fold.norm)
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        layers = [_layer(network, path) for path in fold.layers]
        reason = None if fold.follows else _obstacle(fold, layers)
        if reason is not None:
            reasons[fold.norm] = reason
            continue
        for layer in layers:
            (_fold_back if fold.follows else _fold_forward)(norm, layer)
        network.set_submodule(fold.norm, nn.Identity())
        folded.append(Folded(fold.norm, fold.layers))
    return Fusion(network, tuple(folded), tuple(_left(network, reasons)))


def _folds(network: Network) -> Iterator[Fold]:
    """The folds within components, then those from one module into the next."""
    for path, module in network.named_modules():
        if isinstance(module, Component):
            for fold in module.folds():
                layers = tuple(f"{path}.{name}" for name in fold.layers)
                yield Fold(f"{path}.{fold.norm}", layers, fold.follows)
    yield from _between(network)


def _between(network: Network) -> Iterator[Fold]:
    stem = network.get_submodule("stem")
    if isinstance(stem, Component) and (norm := stem.exit()) is not None:
        yield Fold(f"stem.{norm}", _entries(network, "stages.0.downsample"), follows=False)
    for i, stage in enumerate(network.spec.stages):
        for j in range(stage.depth):
            block = f"stages.{i}.blocks.{j}"
            yield Fold(f"{block}.norm1", _entries(network, f"{block}.mixer"), follows=False)
            yield Fold(f"{block}.norm2", _entries(network, f"{block}.ffn"), follows=False)


def _entries(network: Network, path: str) -> tuple[str, ...]:
    component = network.get_submodule(path)
    assert isinstance(component, Component)
    return tuple(f"{path}.{name}" for name in component.entries())


def _layer(network: Network, path: str) -> Layer:
    layer = network.get_submodule(path)
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    return layer


def _obstacle(fold: Fold, layers: list[Layer]) -> str | None:
    """Why the layers that a norm feeds can't take it up; None if they can."""
    if not layers:
        return "what it feeds has no single layer that could take it up"
    for path, layer in zip(fold.layers, layers, strict=True):
        if isinstance(layer, nn.Conv2d) and any(layer.padding):
            return (
                f"{path} pads with zeros, which come after the norm; its shift would be missing "
                "at the border"
            )
    return None


def _left(network: Network, reasons: dict[str, str]) -> Iterator[Left]:
    for path, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            yield Left(path, reasons.get(path, "its component does not say what stands beside it"))


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift per channel, in float64."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = norm.weight.double() * (variance.double() + norm.eps).rsqrt()
    return scale, norm.bias.double() - mean.double() * scale


def _fold_back(norm: nn.BatchNorm2d, layer: Layer) -> None:
    """The norm follows the layer: y = s (W x + b) + t."""
    scale, shift = _affine(norm)
    weight = layer.weight.double()
    _set(layer, weight * _along(scale, weight, 0), shift + scale * _bias(layer))


def _fold_forward(norm: nn.BatchNorm2d, layer: Layer) -> None:
    """The layer follows the norm: y = W (s x + t) + b."""
    scale, shift = _affine(norm)
    weight, groups = layer.weight.double(), layer.groups if isinstance(layer, nn.Conv2d) else 1
    grouped = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
    scales, shifts = (v.view(groups, 1, -1, 1) for v in (scale, shift))
    bias = _bias(layer) + (grouped * shifts).sum((2, 3)).flatten()
    _set(layer, (grouped * scales).reshape(weight.shape), bias)


def _along(values: Tensor, weight: Tensor, dim: int) -> Tensor:
    shape = [1] * weight.ndim
    shape[dim] = -1
    return values.view(shape)


def _bias(layer: Layer) -> Tensor:
    if layer.bias is None:
        return layer.weight.new_zeros(layer.weight.shape[0], dtype=torch.float64)
    return layer.bias.double()


def _set(layer: Layer, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight)
    layer.bias = nn.Parameter(bias.to(layer.weight), requires_grad=False)
