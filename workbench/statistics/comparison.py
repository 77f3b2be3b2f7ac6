"""What a comparison of two rows is, and its verdict in words."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.statistics.facts import Method
from workbench.statistics.metric import TOP1, Metric

LEVEL = 0.05
POWER = 0.8
RESOLUTION = TOP1.finest


class Verdict(StrEnum):
    """What a comparison shows. `none` stands where it can show nothing, with its reason."""

    HELPS = "helps"
    HURTS = "hurts"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Interval:
    """Closed, in the unit of the metric."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row less the row it is compared to.

    All values are in the unit of the `metric`: percentage points of top-1. `p_holm` decides the
    verdict. `seeds` and `differences` are those that both rows completed. The interval is at the
    level of the verdict. `detectable` is the smallest true difference that as many seeds with this
    spread would have called real in 80 of 100 plans. `takes` is the number of seeds that a
    difference as large as the one observed would take, None where it is too small for any number
    tried.

    Of the shared model alone: `own_p` is Student's paired t test of this row; `loud` names the
    rows of the two that keep their own variance; `chance` is that of a verdict by the end of a
    race, as far as can be seen.
    """

    variant: str
    compared_to: str
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    mean: float | None
    sd: float | None
    interval: Interval | None
    bootstrap: Interval | None
    p: float | None
    p_holm: float | None
    detectable: float | None
    verdict: Verdict
    reason: str = ""
    own_p: float | None = None
    loud: tuple[str, ...] = ()
    takes: int | None = None
    chance: float | None = None
    metric: Metric = TOP1
    also: tuple["Comparison", ...] = ()  # the row's further ones, of the same family of tests

    @property
    def decided(self) -> bool:
        """Whether it helps or hurts."""
        return self.verdict in (Verdict.HELPS, Verdict.HURTS)

    @property
    def agrees(self) -> bool | None:
        """Whether Student's paired t test of this row alone, at 5 %, says the same; None where it
        can't be asked, or was itself the test."""
        if self.own_p is None or self.verdict is Verdict.NONE:
            return None
        return (self.own_p <= LEVEL) == self.decided

    def replaced(self, **changes: Any) -> "Comparison":
        """The same with other values."""
        return replace(self, **changes)


def step_level(p: ArrayLike, adjusted: ArrayLike, comparisons: int) -> NDArray[np.float64]:
    """The level of each interval: of its row's step of the adjustment.

    So it leaves zero out just where `adjusted` is at most `LEVEL`.
    """
    raw, after = np.asarray(p, dtype=np.float64), np.asarray(adjusted, dtype=np.float64)
    steps = np.clip(after / np.maximum(raw, 1e-300), 1.0, comparisons)
    return np.asarray(LEVEL / np.where(after < 1, steps, comparisons))


def adjust(p: ArrayLike, method: Method) -> NDArray[np.float64]:
    """The p values of all rows and metrics, adjusted where the method has them be."""
    return holm(p) if method.adjusted else np.asarray(p, dtype=np.float64)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down adjustment along the last axis, monotone and at most 1."""
    values = np.asarray(p, dtype=np.float64)
    m = values.shape[-1]
    order = np.argsort(values, axis=-1, kind="stable")
    stepped = np.take_along_axis(values, order, -1) * np.arange(m, 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(stepped, -1), 1.0)
    result = np.empty_like(values)
    np.put_along_axis(result, order, adjusted, -1)
    return result
