"""A path: each row adds to the row before, and is compared to it."""

from workbench.plans.kinds.base import PlanFile, PlannedRow, Step


class Additive(PlanFile):
    """`rows`, in their order. What a step is worth depends on the steps before it."""

    rows: tuple[Step, ...] = ()

    def choices(self) -> tuple[PlannedRow, ...]:
        """See `PlanFile.choices`."""
        rows: list[PlannedRow] = []
        for step in self.rows:
            before = rows[-1] if rows else None
            rows.append(self.build(step, before, before.name if before else None))
        return tuple(rows)
