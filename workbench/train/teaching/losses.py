"""What a teacher's answers ask of a network."""

from typing import Literal

from torch import Tensor
from torch.nn import functional as F


def distillation(
    student: Tensor, teacher: Tensor, kind: Literal["hard", "soft"], tau: float = 1.0
) -> Tensor:
    """The loss of logits (B, classes) against a teacher's.

    `hard`: cross-entropy with the teacher's first choice. `soft`: tau^2 times the divergence of
    both at temperature `tau`, averaged over images *and* classes, as DeiT's code has it. Source:
    section 3 of arXiv:2012.12877; facebookresearch/deit losses.py.
    """
    if kind == "hard":
        return F.cross_entropy(student, teacher.argmax(1))
    logs = (student / tau).log_softmax(1), (teacher / tau).log_softmax(1)
    return tau**2 * F.kl_div(*logs, reduction="sum", log_target=True) / student.numel()
