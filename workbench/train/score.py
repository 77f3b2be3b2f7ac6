"""The score of a run, whatever its task."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

ALSO = "score "  # before the names of further metrics, among the facts of an evaluation


NAMES = {"classify": "top-1", "detect": "AP", "segment": "mIoU"}  # of what a task is scored by


class Score(NamedTuple):
    """Cross-entropy without label smoothing, and the task's metric in percent, over all images."""

    loss: float | None  # None for a detector, whose losses are of training alone
    top1: float
    also: Mapping[str, float] = MappingProxyType({})  # further metrics by name, in percent


class Answered(Protocol):
    """What a network said of held-out images."""

    @property
    def score(self) -> Score: ...

    def keep(self, folder: Path, run: str, test_set: str) -> None:
        """Writes what is kept of a run's end beside its score."""
