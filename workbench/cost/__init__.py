"""What a network costs: in closed form and traced, by one convention.

`workbench.cost` is a room and, as the public API has it, a function: `wb.cost(spec)` is the closed
form, `wb.cost("timm:NAME")` the trace of timm's network. A package's attribute of that name is
always the room, so the room itself can be called.
"""

import sys
from types import ModuleType

from workbench.config import NetworkSpec, Peer, Spec
from workbench.cost.check import CountMismatchError, checked_cost
from workbench.cost.closed import closed_form
from workbench.cost.record import CONVENTION, Cost, OperatorCost, Sums
from workbench.cost.target import network_cost, peer_cost, size_of
from workbench.cost.trace import UncountedOperatorError, trace

__all__ = [
    "CONVENTION",
    "Cost",
    "CountMismatchError",
    "OperatorCost",
    "Sums",
    "UncountedOperatorError",
    "checked_cost",
    "closed_form",
    "cost",
    "network_cost",
    "trace",
]


def cost(spec: NetworkSpec | str, resolution: int | tuple[int, int] | None = None) -> Cost:
    """The cost of `spec`, or of a network by name such as `timm:NAME`, on one image.

    `resolution`, a side or (height, width), is another size that the network of `spec` runs on as
    it was built, with its tables resized; a name with a single side is built for it.
    """
    if isinstance(spec, Peer):
        return peer_cost(spec, size_of(resolution))
    if isinstance(spec, Spec):
        return closed_form(spec, size_of(resolution))
    return network_cost(spec, resolution=resolution)


class _Room(ModuleType):
    def __call__(
        self, spec: NetworkSpec | str, resolution: int | tuple[int, int] | None = None
    ) -> Cost:
        """As the function `cost`."""
        return cost(spec, resolution)


sys.modules[__name__].__class__ = _Room
