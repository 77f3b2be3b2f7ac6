"""Every toggle alone, and every pair of them: which two do more, or less, together."""

from itertools import combinations

from workbench.plans.kinds.base import PlannedRow
from workbench.plans.kinds.toggles import Toggled


class Pairs(Toggled):
    """1 + n + n (n - 1) / 2 rows, from which the interaction of each pair can be told."""

    def choices(self) -> tuple[PlannedRow, ...]:
        """See `PlanFile.choices`."""
        cells = [frozenset(cell) for size in (1, 2) for cell in combinations(self.toggles, size)]
        return self.cells(cells)
