"""The same MACs spent on depth, dimension or resolution alone, or on all three."""

from typing import Literal

from workbench.config import Positive, Real
from workbench.errors import InputError
from workbench.plans.kinds.base import Name, PlanFile, PlannedRow

Strategy = Literal["compound", "depth", "dim", "resolution"]


class Scaling(PlanFile):
    """`growth`: MACs of every scaled row over those of `base`, met within `tolerance`.

    The unscaled base comes first; the first strategy is compared to it, the others to the first.
    Sizes are solved when the plan is loaded, and stand in the rows as overrides.
    """

    growth: Positive
    tolerance: Positive = 0.01
    strategies: tuple[Strategy, ...] = ("compound", "depth", "dim", "resolution")
    baseline: Name = "base"
    alpha: Real = 1.2  # the direction of `compound`; CMT paper, section 3.4
    beta: Real = 1.3
    gamma: Real = 1.15

    def choices(self) -> tuple[PlannedRow, ...]:
        """See `PlanFile.choices`."""
        from workbench.models import spec
        from workbench.scaling.constants import constants
        from workbench.scaling.strategies import solve

        base, overrides = self.start()
        given = constants(self.alpha, self.beta, self.gamma)
        network = spec(base, *overrides)
        rows = [self.first_row(self.baseline)]
        if not self.strategies:
            raise InputError(
                "there is none; choose from: compound, depth, dim, ...", key="strategies"
            )
        for strategy in self.strategies:
            changed = solve(network, strategy, self.growth, given, self.tolerance).overrides
            compared_to = rows[min(1, len(rows) - 1)].name
            name = strategy if strategy == "compound" else f"{strategy} only"
            rows.append(
                PlannedRow(
                    name=name, base=base, overrides=(*overrides, *changed),
                    changed=", ".join(changed), compared_to=compared_to,
                )
            )  # fmt: skip
        return tuple(rows)
