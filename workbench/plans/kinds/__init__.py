"""The kinds of plans: how the rows of a plan file come about. One file a kind."""

from collections.abc import Mapping

from workbench.plans.kinds.additive import Additive
from workbench.plans.kinds.base import PlanFile, PlannedRow
from workbench.plans.kinds.factorial import Factorial
from workbench.plans.kinds.leave_one_out import LeaveOneOut
from workbench.plans.kinds.list import List
from workbench.plans.kinds.one_factor import OneFactor
from workbench.plans.kinds.pairs import Pairs
from workbench.plans.kinds.scaling import Scaling

KINDS: Mapping[str, type[PlanFile]] = {
    "additive": Additive,
    "factorial": Factorial,
    "leave_one_out": LeaveOneOut,
    "list": List,
    "one_factor": OneFactor,
    "pairs": Pairs,
    "scaling": Scaling,
}

__all__ = ["KINDS", "PlanFile", "PlannedRow"]
