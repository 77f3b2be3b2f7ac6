"""The weights of the epoch that validation images judge best, kept in the run's checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from workbench.config import EpochRecord
from workbench.models.weights import trained_weights

KEY = "best"  # in a checkpoint; it is not there without validation images


@dataclass(slots=True)
class Best:
    """The highest top-1 on validation images so far; the earliest epoch where several have it."""

    epoch: int = -1
    top1: float = -1.0  # percent
    weights: dict[str, Tensor] = field(default_factory=dict)  # those that are tested, on the CPU

    def see(self, record: EpochRecord, module: nn.Module) -> None:
        """Takes the weights of the epoch that has just ended, if it is better."""
        if record.validation_top1 is None or record.validation_top1 <= self.top1:
            return
        self.epoch, self.top1 = record.epoch, record.validation_top1
        tested = trained_weights(module.state_dict())
        self.weights = {name: tensor.detach().cpu().clone() for name, tensor in tested.items()}

    def save(self, checkpoint: dict[str, Any]) -> None:
        """Into a checkpoint, where there is something."""
        if self.weights:
            checkpoint[KEY] = {"epoch": self.epoch, "top1": self.top1, "weights": self.weights}

    def restore(self, checkpoint: Mapping[str, Any]) -> None:
        """From a checkpoint. Raises `LookupError` or `TypeError` for one that is damaged."""
        found = checkpoint.get(KEY)
        if found is not None:
            self.epoch, self.top1 = int(found["epoch"]), float(found["top1"])
            self.weights = dict(found["weights"])


def best_of(checkpoint: Mapping[str, Any]) -> Best | None:
    """The best epoch of a run, from its checkpoint; None without validation images."""
    best = Best()
    best.restore(checkpoint)
    return best if best.weights else None
