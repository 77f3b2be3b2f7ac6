"""Variants of any sort, each compared to the first."""

from workbench.plans.kinds.base import PlanFile, PlannedRow, Step


class List(PlanFile):
    """`rows`: the first is the baseline; the others build on it and are compared to it."""

    rows: tuple[Step, ...] = ()

    def choices(self) -> tuple[PlannedRow, ...]:
        """See `PlanFile.choices`."""
        rows: list[PlannedRow] = []
        for step in self.rows:
            first = rows[0] if rows else None
            rows.append(self.build(step, first, first.name if first else None))
        return tuple(rows)
