"""The whole network, and the network without each of its parts."""

from pydantic import Field

from workbench.plans.kinds.base import Choice, Components, Name, Overrides, PlanFile


class LeaveOneOut(PlanFile):
    """`toggles`: for each part, what takes it out of `base`. All rows compare to the whole."""

    baseline: Name = "all"
    toggles: dict[Name, Overrides] = Field(default_factory=dict)

    def choices(self, components: Components) -> tuple[Choice, ...]:
        """See `PlanFile.choices`."""
        base, overrides = self.start()
        whole = Choice(self.baseline, base, overrides, ", ".join((base, *overrides)))
        without = (
            Choice(f"without {part}", base, overrides + taken, ", ".join(taken), whole.name)
            for part, taken in self.toggles.items()
        )
        return (whole, *without)
