"""Where runs execute: worker processes on this machine, or actors of a Ray cluster."""

from workbench.engine.base import Ended, Engine, Event, Requeued, Started, Task
from workbench.engine.local import LocalEngine
from workbench.engine.places import LOCAL, Choice, Site, opened
from workbench.engine.pool import FIT
from workbench.engine.resources import Resources, divide, this_machine

__all__ = [
    "FIT",
    "LOCAL",
    "Choice",
    "Ended",
    "Engine",
    "Event",
    "LocalEngine",
    "Requeued",
    "Resources",
    "Site",
    "Started",
    "Task",
    "divide",
    "opened",
    "this_machine",
]
