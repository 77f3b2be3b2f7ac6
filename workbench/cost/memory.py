"""Memory of one training step in float32 with AdamW: estimated, and measured on the CPU."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from workbench.config import Spec
from workbench.cost.record import Cost
from workbench.models.layout import Layout, layout
from workbench.models.ops import Op

FLOAT = 4  # bytes


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes of one training step. What kernels take as workspace for themselves is left out."""

    batch: int
    saved: int  # activations that the forward pass keeps for the backward pass
    transient: int  # two gradients of the widest map, as the backward pass begins
    weights: int
    gradients: int
    optimiser: int  # AdamW's two moments

    @property
    def activations(self) -> int:
        """The peak of all that grows with the batch."""
        return self.saved + self.transient

    @property
    def peak(self) -> int:
        """The most at once: gradients of weights grow as saved activations are freed."""
        return self.weights + self.optimiser + max(self.activations, self.gradients)

    def to_json(self) -> dict[str, int]:
        """Plain data, in bytes."""
        return {
            "batch": self.batch,
            "saved_activations": self.saved,
            "transient_activations": self.transient,
            "weights": self.weights,
            "gradients": self.gradients,
            "optimiser": self.optimiser,
            "peak": self.peak,
        }


def training_memory(cost: Cost, batch: int = 1, spec: Spec | None = None) -> TrainingMemory:
    """The memory of a step on `batch` images, from a count and, where there is one, its spec.

    Every output of an operator is the input of another, which keeps it for its gradient; but for a
    ReLU, which keeps its output, so that networks of ReLUs are overestimated by the inputs of them.
    Attention weights are kept where attention is written out, as a learned bias needs in training.
    """
    plan = layout(spec).at(cost.size) if spec else None
    biased = _biased(plan) if plan else set()
    kept = sum(e.elements + (e.scores if e.stage in biased else 0) for e in cost.entries)
    widest = max((op.elements for op in _operators(plan)), default=0) if plan else 0
    weights = cost.params * FLOAT
    return TrainingMemory(
        batch=batch,
        saved=kept * batch * FLOAT,
        transient=2 * widest * batch * FLOAT,
        weights=weights,
        gradients=weights,
        optimiser=2 * weights,
    )


def _biased(plan: Layout) -> set[str]:
    """Names of the stages whose attention has a learned bias."""
    stages = enumerate(plan.stages)
    return {str(index) for index, stage in stages if stage.position.component.biases}


def _operators(plan: Layout) -> list[Op]:
    placed = [plan.stem, plan.head]
    for stage in plan.stages:
        placed += [stage.downsample, stage.lpu, stage.mixer, stage.ffn]
    return [op for part in placed for op in part.ops()]


class MeasuredMemory(NamedTuple):
    """Bytes that one training step took."""

    saved: int  # kept by the forward pass, weights left out
    peak: int  # weights, moments and the most that was allocated at once within the step


def measure_training_memory(
    model: nn.Module, channels: int, resolution: int, batch: int
) -> MeasuredMemory:
    """Runs training steps of `model` on the CPU, in float32 with AdamW, and reports the memory."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters())
    images = torch.zeros(batch, channels, resolution, resolution)
    labels = torch.zeros(batch, dtype=torch.long)

    def loss() -> Tensor:
        return F.cross_entropy(model(images), labels)

    def step() -> None:
        torch.autograd.backward(loss())
        optimiser.step()
        optimiser.zero_grad()

    step()  # the moments exist from here on
    saved = _saved_bytes(model, loss)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    resident = 3 * FLOAT * sum(p.numel() for p in model.parameters() if p.requires_grad)
    return MeasuredMemory(saved, resident + _highest(profiler))


def _saved_bytes(model: nn.Module, loss: Callable[[], Tensor]) -> int:
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}  # by storage, for views of one tensor are saved many times

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        held = loss()  # keeps the storages alive, so that no address stands for two
    del held
    return sum(kept.values())


def _highest(profiler: profile) -> int:
    """The most bytes that were allocated at once, over those at the start."""
    found: Any = profiler.profiler
    events = found.kineto_results.events()
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    return max(accumulate(size for _, size in changes), default=0)
