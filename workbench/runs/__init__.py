"""Ablations: a plan is enumerated, run, recorded, compared and reported.

plan file -> plan -> runner -> ledger -> statistics -> report
"""

from workbench.ablation.ablate import ablate, load_plan, preview, report, report_folder
from workbench.ablation.plan import Changes, Plan, Variant
from workbench.ablation.results import Sweep, load_results, load_sweep
from workbench.ablation.runner import SweepOptions, SweepResult, run_sweep

__all__ = [
    "Changes",
    "Plan",
    "Sweep",
    "SweepOptions",
    "SweepResult",
    "Variant",
    "ablate",
    "load_plan",
    "load_results",
    "load_sweep",
    "preview",
    "report",
    "report_folder",
    "run_sweep",
]
