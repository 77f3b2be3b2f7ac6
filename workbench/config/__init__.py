"""The frozen models that every room reads: a network, its training, a run. Nothing imports torch.

Each model forbids unknown keys. User input becomes one through `parsing.parse`.
"""

from workbench.config.fields import (
    LARGEST,
    Count,
    Flag,
    Frozen,
    Natural,
    NonNegative,
    Positive,
    Rate,
    Real,
    Scalar,
    Share,
    digest,
    flatten,
)
from workbench.config.network import MAC, TIMM, NetworkSpec, Part, Peer, Spec, Stage
from workbench.config.recipe import (
    Augment,
    DataConfig,
    Evaluate,
    Optimiser,
    Recipe,
    Schedule,
    Task,
    Teacher,
    Weights,
)
from workbench.config.run import EpochRecord, Outcome, Progress, Result, RunConfig

__all__ = [
    "LARGEST",
    "MAC",
    "TIMM",
    "Augment",
    "Count",
    "DataConfig",
    "EpochRecord",
    "Evaluate",
    "Flag",
    "Frozen",
    "Natural",
    "NetworkSpec",
    "NonNegative",
    "Optimiser",
    "Outcome",
    "Part",
    "Peer",
    "Positive",
    "Progress",
    "Rate",
    "Real",
    "Recipe",
    "Result",
    "RunConfig",
    "Scalar",
    "Schedule",
    "Share",
    "Spec",
    "Stage",
    "Task",
    "Teacher",
    "Weights",
    "digest",
    "flatten",
]
