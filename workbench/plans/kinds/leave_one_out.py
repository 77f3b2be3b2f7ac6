"""The whole network, and the network without each of its parts."""

from pydantic import Field

from workbench.plans.kinds.base import Name, Overrides, PlanFile, PlannedRow


class LeaveOneOut(PlanFile):
    """`toggles`: for each part, what takes it out of `base`. All rows compare to the whole."""

    baseline: Name = "all"
    toggles: dict[Name, Overrides] = Field(default_factory=dict)

    def choices(self) -> tuple[PlannedRow, ...]:
        """See `PlanFile.choices`."""
        whole = self.first_row(self.baseline)
        without = (
            PlannedRow(
                name=f"without {part}",
                base=whole.base,
                overrides=whole.overrides + taken,
                changed=", ".join(taken),
                compared_to=whole.name,
            )
            for part, taken in self.toggles.items()
        )
        return (whole, *without)
