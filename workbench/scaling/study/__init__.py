"""Optuna studies over alpha, beta and gamma: the file, the space, the search. Nothing trains here.

What drives a study through the engine and the ledger stands in `workbench.ablation.study`.
"""

from workbench.scaling.study.costs import CostMap, map_costs
from workbench.scaling.study.file import StudyFile, parse_study
from workbench.scaling.study.records import Trial
from workbench.scaling.study.search import Asked, Search
from workbench.scaling.study.space import Candidate, Study, resolve_study

__all__ = [
    "Asked",
    "Candidate",
    "CostMap",
    "Search",
    "Study",
    "StudyFile",
    "Trial",
    "map_costs",
    "parse_study",
    "resolve_study",
]
