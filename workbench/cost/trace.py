"""Params and MACs of a network as it runs, traced by fvcore."""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from workbench.config import Spec
from workbench.cost.handles import FREE, HANDLES
from workbench.cost.record import Cost, OperatorCost, collect
from workbench.errors import InputError
from workbench.models import Network
from workbench.models.inspect import eval_mode
from workbench.models.layout import layout
from workbench.models.ops import Size, square

with warnings.catch_warnings():  # fvcore decorates with torch.jit.script, which PyTorch deprecates
    warnings.simplefilter("ignore")
    from fvcore.nn.jit_analysis import JitModelAnalysis

Counts = Mapping[str, "Counter[str]"]


class UncountedOperatorError(InputError):
    """A traced operator would be missing from the count, which would be silently short."""


def trace(spec: Spec, size: Size | None = None) -> Cost:
    """The cost of `spec` on one image (of `size`), traced in eval mode on the CPU.

    The weights are zeros, for counting needs none; raises `UncountedOperatorError`.
    """
    with torch.device("meta"):
        model = Network(layout(spec))
    model = model.to_empty(device="cpu").to(memory_format=torch.channels_last)
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.detach().zero_()
    return trace_network(model, size)


def trace_network(model: Network, size: Size | None = None) -> Cost:
    """The cost of `model` on one image of its spec's resolution, or of another size."""
    spec = model.spec
    size = size or square(spec.resolution)
    counts = count_operators(model, spec.channels, size)
    units = list(_units(model))
    _refuse_strays(counts, [path for path, _, _ in units])
    found = [entry for unit in units for entry in _operator_entries(*unit, counts)]
    found += [entry for unit in units for entry in _param_entries(model, *unit)]
    return collect(spec.name, size, found)


def trace_module(model: nn.Module, name: str, channels: int, size: Size) -> Cost:
    """The cost of any image classifier on one image, by operator class alone."""
    counts = count_operators(model, channels, size)
    found = [*_operator_entries("", "network", "", counts), *_param_kinds(model, "network", "")]
    return collect(name, size, found)


def trace_part(model: nn.Module, part: str, *inputs: torch.Tensor) -> list[OperatorCost]:
    """What `part`, a module by itself, costs on `inputs`, by operator class."""
    counts = _count(model, inputs)
    return [*_operator_entries("", part, "", counts), *_param_kinds(model, part, "")]


def count_operators(model: nn.Module, channels: int, size: Size) -> Counts:
    """Per module path, what the operators within it cost: `{"stem": {"convolution.macs": ...}}`."""
    return _count(model, (torch.zeros(1, channels, *size),))


def _count(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Counts:
    analysis = JitModelAnalysis(model, inputs)
    analysis.clear_op_handles().set_op_handle(**HANDLES)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    with eval_mode(model), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts: Counts = analysis.by_module_and_operator()
        unknown = sorted(set(analysis.unsupported_ops()) - FREE)
    if unknown:
        raise UncountedOperatorError(f"no handle for {', '.join(unknown)}", key="trace")
    return counts


def _refuse_strays(counts: Counts, paths: list[str]) -> None:
    """What the network does outside of every slot must cost nothing."""
    left = Counter(counts[""])
    for path in paths:
        left.subtract(counts.get(path, Counter()))
    stray = {key: value for key, value in left.items() if value}
    if stray:
        listed = ", ".join(f"{key} {value}" for key, value in sorted(stray.items()))
        raise UncountedOperatorError(f"outside of every slot: {listed}")


def _units(model: Network) -> Iterator[tuple[str, str, str]]:
    """Path, stage and slot of every component and norm of the network."""
    yield "stem", "stem", "stem"
    for i, plan in enumerate(model.spec.stages):
        yield f"stages.{i}.downsample", str(i), "downsample"
        yield f"stages.{i}.position", str(i), "position"
        for j in range(plan.depth):
            block = f"stages.{i}.blocks.{j}"
            for slot in ("lpu", "mixer", "ffn"):
                yield f"{block}.{slot}", str(i), slot
            yield f"{block}.norm1", str(i), "norm"
            yield f"{block}.norm2", str(i), "norm"
    yield "head", "head", "head"


def _operator_entries(path: str, stage: str, slot: str, counts: Counts) -> Iterator[OperatorCost]:
    found = counts.get(path, Counter())
    for kind in sorted({name.partition(".")[0] for name in found}):
        macs, elements, scores = (found[f"{kind}.{n}"] for n in ("macs", "elements", "scores"))
        yield OperatorCost(stage, slot, kind, macs, 0, elements, scores)


PARAM_KINDS: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.Conv2d, "convolution"),
    (nn.Linear, "linear"),
    (nn.LayerNorm, "norm"),
    (nn.GroupNorm, "norm"),
    (nn.modules.batchnorm._BatchNorm, "norm"),
)


def _param_entries(model: Network, path: str, stage: str, slot: str) -> Iterator[OperatorCost]:
    yield from _param_kinds(model.get_submodule(path), stage, slot)
    if path == "stages.0.downsample" and model.token is not None:
        yield OperatorCost(stage, "head", "table", 0, model.token.numel(), 0)


def _param_kinds(module: nn.Module, stage: str, slot: str) -> Iterator[OperatorCost]:
    for part in module.modules():
        kind = next((name for cls, name in PARAM_KINDS if isinstance(part, cls)), "table")
        size = sum(p.numel() for p in part.parameters(recurse=False) if p.requires_grad)
        if size:
            yield OperatorCost(stage, slot, kind, 0, size, 0)


__all__ = [
    "UncountedOperatorError",
    "count_operators",
    "trace",
    "trace_module",
    "trace_network",
    "trace_part",
]
