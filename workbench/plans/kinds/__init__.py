"""The kinds of plans: how the rows of a plan file come about. One file a kind."""

from collections.abc import Mapping

from workbench.ablation.kinds.additive import Additive
from workbench.ablation.kinds.base import Choice, PlanFile
from workbench.ablation.kinds.factorial import Factorial
from workbench.ablation.kinds.leave_one_out import LeaveOneOut
from workbench.ablation.kinds.list import List
from workbench.ablation.kinds.one_factor import OneFactor
from workbench.ablation.kinds.pairs import Pairs
from workbench.ablation.kinds.scaling import Scaling

KINDS: Mapping[str, type[PlanFile]] = {
    "additive": Additive,
    "factorial": Factorial,
    "leave_one_out": LeaveOneOut,
    "list": List,
    "one_factor": OneFactor,
    "pairs": Pairs,
    "scaling": Scaling,
}

__all__ = ["KINDS", "Choice", "PlanFile"]
