"""Where runs execute: worker processes on this machine."""

from workbench.engine.base import Ended, Engine, Event, Requeued, Started, Task
from workbench.engine.local import LocalEngine
from workbench.engine.resources import Resources, divide

__all__ = [
    "Ended",
    "Engine",
    "Event",
    "LocalEngine",
    "Requeued",
    "Resources",
    "Started",
    "Task",
    "divide",
]
