"""What every head is."""

from typing import ClassVar

from torch import Tensor, nn

from workbench.models.components.base import Component, O


class Head(Component[O]):
    """Map (B, C, H, W) -> logits (B, classes), in training as in evaluation.

    A head that is trained by more than its logits gives the pieces in `parts`.
    """

    drop: nn.Dropout
    linear: nn.Linear
    extra_tokens: ClassVar[int] = 0  # how many tokens run beside the map
    taught: ClassVar[bool] = False  # whether the second of its `parts` is for a teacher

    @staticmethod
    def classifiers(options: O) -> tuple[str, ...]:
        """Paths of the linear layers that give the logits."""
        return ("linear",)

    def forward(self, x: Tensor) -> Tensor:
        """By default one linear layer on what is pooled, after a dropout."""
        logits: Tensor = self.linear(self.drop(self.pooled(x)))
        return logits

    def pooled(self, x: Tensor) -> Tensor:
        """What the classifiers read: (B, features)."""
        raise NotImplementedError

    def parts(self, x: Tensor) -> tuple[Tensor, ...]:
        """The logits before they are combined, which training may need one by one."""
        return (self(x),)
