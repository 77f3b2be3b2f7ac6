"""What a network costs: in closed form and traced, by one convention.

`workbench.cost` is a room and, as the public API has it, a function: `wb.cost(spec)` is the closed
form, `wb.cost("timm:NAME")` the trace of timm's network. A package's attribute of that name is
always the room, so the room itself can be called.
"""

import sys
from types import ModuleType

from workbench.config import Spec
from workbench.cost.check import CountMismatchError, checked_cost
from workbench.cost.closed import closed_form
from workbench.cost.record import CONVENTION, Cost, Entry, Sums
from workbench.cost.target import network_cost
from workbench.cost.trace import UncountedOperatorError, trace

__all__ = [
    "CONVENTION",
    "Cost",
    "CountMismatchError",
    "Entry",
    "Sums",
    "UncountedOperatorError",
    "checked_cost",
    "closed_form",
    "cost",
    "network_cost",
    "trace",
]


def cost(spec: Spec | str) -> Cost:
    """The cost of `spec`, or of a network by name such as `timm:NAME`, on one image."""
    return closed_form(spec) if isinstance(spec, Spec) else network_cost(spec)


class _Room(ModuleType):
    def __call__(self, spec: Spec | str) -> Cost:
        """As the function `cost`."""
        return cost(spec)


sys.modules[__name__].__class__ = _Room
