"""What a training step minimises."""

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor, nn
from torch.nn import functional as F

from workbench.config import Recipe, Teacher
from workbench.models import Network
from workbench.train.teaching.losses import distillation


class Objective(Protocol):
    """The loss of one batch: images (B, 3, H, W), targets (B,), (B, classes) or of a task's kind.

    `epoch` and `step` count from 0; whatever is drawn is drawn for them, so that a run that goes on
    from a checkpoint draws it again.
    """

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Any, epoch: int, step: int
    ) -> Tensor: ...


class Labels:
    """Cross-entropy with the labels."""

    def __init__(self, recipe: Recipe) -> None:
        self._smoothing = recipe.label_smoothing

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor, epoch: int, step: int
    ) -> Tensor:
        return self.loss(network(images), targets)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Of logits (B, classes)."""
        return F.cross_entropy(logits, targets, label_smoothing=self._smoothing)


Answers = Callable[[Tensor, int, int], Tensor]  # a teacher's, to images in an epoch and a step


class Distillation:
    """Labels teach the first of a network's two classifiers, a teacher the second.

    The teacher sees the images as they are trained on, mixed ones too. A network of one classifier
    is taught by both. Source: facebookresearch/deit losses.py, and LeViT's, which is the same.
    """

    def __init__(self, recipe: Recipe, config: Teacher, teacher: Answers) -> None:
        self._labels, self._config, self._teacher = Labels(recipe), config, teacher

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor, epoch: int, step: int
    ) -> Tensor:
        config, answers = self._config, self._teacher(images, epoch, step)
        logits, taught = _both(network, images)
        assert config.kind != "tokens"
        from_teacher = distillation(taught, answers, config.kind, config.tau)
        from_labels = self._labels.loss(logits, targets)
        return (1 - config.alpha) * from_labels + config.alpha * from_teacher


def _both(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """The logits that labels teach, and those that a teacher does."""
    if isinstance(network, Network) and network.taught:
        labels, teacher = network.parts(images)
        return labels, teacher
    logits: Tensor = network(images)
    return logits, logits
