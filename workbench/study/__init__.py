"""Studies, run: what Optuna asks for goes through the same engine and ledger as an ablation.

study file -> search space -> session (ask, train, tell) -> summary -> figures
"""

from workbench.ablation.study.driver import StudyOptions, StudyResult, run_study
from workbench.ablation.study.read import is_study
from workbench.ablation.study.studies import (
    StudyChanges,
    cost_only,
    load_study,
    report_study,
    study,
)
from workbench.ablation.study.summary import Summary, summarise_study
from workbench.ablation.study.write import study_json

__all__ = [
    "StudyChanges",
    "StudyOptions",
    "StudyResult",
    "Summary",
    "cost_only",
    "is_study",
    "load_study",
    "report_study",
    "run_study",
    "study",
    "study_json",
    "summarise_study",
]
