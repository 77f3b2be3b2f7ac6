"""Where runs execute: worker processes on this machine, actors of a Ray cluster, jobs of Slurm."""

from workbench.engine.base import Ended, Engine, Event, Requeued, RunTask, Started, results_of
from workbench.engine.choice import LOCAL, EngineChoice, Machines, open_machines
from workbench.engine.local import LocalEngine, import_ahead, may_fork
from workbench.engine.resources import Resources, divide, this_machine
from workbench.engine.slurm.earlier import end_earlier
from workbench.engine.worker import FIT, Setup

__all__ = [
    "FIT",
    "LOCAL",
    "Ended",
    "Engine",
    "EngineChoice",
    "Event",
    "LocalEngine",
    "Machines",
    "Requeued",
    "Resources",
    "RunTask",
    "Setup",
    "Started",
    "divide",
    "end_earlier",
    "import_ahead",
    "may_fork",
    "open_machines",
    "results_of",
    "this_machine",
]
