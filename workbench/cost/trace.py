"""Params and MACs of a network as it runs, traced by fvcore."""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from workbench.config import Spec
from workbench.cost.handles import FREE, HANDLES
from workbench.cost.record import Cost, Entry, collect
from workbench.models import Network, build

with warnings.catch_warnings():  # fvcore decorates with torch.jit.script, which PyTorch deprecates
    warnings.simplefilter("ignore")
    from fvcore.nn.jit_analysis import JitModelAnalysis


class UncountedOperatorError(RuntimeError):
    """A traced operator has no handle, so that the count would be silently short."""


def trace(spec: Spec) -> Cost:
    """The cost of `spec` on one image, traced in eval mode from a built network."""
    return trace_network(build(spec))


def trace_network(model: Network) -> Cost:
    """The cost of `model` on one image of its spec's resolution."""
    spec = model.spec
    image = torch.zeros(1, spec.channels, spec.resolution, spec.resolution)
    counts = count_operators(model.float().cpu(), image)
    units = list(_units(model))
    found = [entry for unit in units for entry in _operator_entries(*unit, counts)]
    found += [entry for unit in units for entry in _param_entries(model, *unit)]
    return collect(spec.name, spec.resolution, found)


def count_operators(model: nn.Module, image: torch.Tensor) -> Mapping[str, "Counter[str]"]:
    """Per module path, what the operators within it cost: `{"stem": {"convolution.macs": ...}}`."""
    was_training = model.training
    analysis = JitModelAnalysis(model.eval(), image)
    analysis.clear_op_handles().set_op_handle(**HANDLES)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts: Mapping[str, Counter[str]] = analysis.by_module_and_operator()
        unknown = sorted(set(analysis.unsupported_ops()) - FREE)
    model.train(was_training)
    if unknown:
        raise UncountedOperatorError(f"no handle for {', '.join(unknown)}")
    return counts


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


def _operator_entries(
    path: str, stage: str, slot: str, counts: Mapping[str, "Counter[str]"]
) -> Iterator[Entry]:
    found = counts.get(path, Counter())
    for kind in {name.partition(".")[0] for name in found}:
        yield Entry(stage, slot, kind, found[f"{kind}.macs"], 0, found[f"{kind}.elements"])


PARAM_KINDS: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.Conv2d, "convolution"),
    (nn.Linear, "linear"),
    (nn.LayerNorm, "norm"),
    (nn.modules.batchnorm._BatchNorm, "norm"),
)


def _param_entries(model: Network, path: str, stage: str, slot: str) -> Iterator[Entry]:
    for module in model.get_submodule(path).modules():
        kind = next((name for cls, name in PARAM_KINDS if isinstance(module, cls)), "table")
        size = sum(p.numel() for p in module.parameters(recurse=False) if p.requires_grad)
        if size:
            yield Entry(stage, slot, kind, 0, size, 0)
    if path == "stages.0.downsample" and model.token is not None:
        yield Entry(stage, "head", "table", 0, model.token.numel(), 0)


__all__ = ["UncountedOperatorError", "count_operators", "trace", "trace_network"]
