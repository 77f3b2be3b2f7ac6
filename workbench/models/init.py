"""Initial weights, drawn by name.

Every parameter has a stream of its own, keyed by the seed and its name, so that two variants share
the initial values of all parameters that they share by name and shape, whatever else differs.
"""

import hashlib
import math
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class HasTables(Protocol):
    """A module with parameters that are tables or tokens: names to initial deviations."""

    def tables(self) -> dict[str, float]: ...

    def get_parameter(self, target: str) -> nn.Parameter: ...


@runtime_checkable
class HasConstants(Protocol):
    """A module with parameters that start at given values."""

    def constants(self) -> dict[str, Tensor | float]: ...


@torch.no_grad()
def initialise(model: nn.Module, seed: int) -> None:
    """Fills every parameter and resets every statistic of `model`, in place.

    Linear layers: normal, deviation 0.02. Convolutions: Kaiming normal by fan-out. Norms: one and
    zero. Tables, and what starts at given values: as their module says. Source: `_init_weights` of
    ggjy/CMT.pytorch cmt.py, whose truncation of the normal is at 100 deviations, which is none.
    """
    given = _given(model)
    for path, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
        if isinstance(module, HasTables):
            for name, std in module.tables().items():
                _normal(module.get_parameter(name), std, stream(seed, _join(path, name)))
        for name, parameter in module.named_parameters(recurse=False):
            if (start := given.get(_join(path, name))) is not None:
                parameter.copy_(torch.as_tensor(start).expand_as(parameter))
            else:
                _fill(module, name, parameter, stream(seed, _join(path, name)))


def _given(model: nn.Module) -> dict[str, Tensor | float]:
    """The parameters that their module starts at given values."""
    return {
        _join(path, name): value
        for path, module in model.named_modules()
        if isinstance(module, HasConstants)
        for name, value in module.constants().items()
    }


def stream(seed: int, name: str) -> torch.Generator:
    """The random stream of one parameter."""
    key = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(key[:8], "big") >> 1)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _fill(module: nn.Module, name: str, parameter: Tensor, generator: torch.Generator) -> None:
    is_norm = isinstance(module, nn.LayerNorm | nn.modules.batchnorm._BatchNorm)
    if is_norm and name == "weight":
        parameter.fill_(1.0)
    elif (name == "bias" and isinstance(module, nn.Linear | nn.Conv2d)) or is_norm:
        parameter.zero_()
    elif isinstance(module, nn.Linear):
        _normal(parameter, 0.02, generator)
    elif isinstance(module, nn.Conv2d):
        fan_out = parameter.shape[0] * math.prod(parameter.shape[2:])
        _normal(parameter, math.sqrt(2.0 / fan_out), generator)


def _normal(parameter: Tensor, std: float, generator: torch.Generator) -> None:
    parameter.normal_(0.0, std, generator=generator)
