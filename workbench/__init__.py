"""CMT workbench: which part of a hybrid vision network earns its cost?

The public API, imported on first use so that `import workbench` costs nothing:
`spec`, `build`, `cost`, `fuse`, `detector`, `segmenter`, `load_weights`, `save`, `load`,
`load_results`, `load_evidence`, `register`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.version import __version__

if TYPE_CHECKING:
    from workbench.cost import cost
    from workbench.models import build, fuse, load_weights, register
    from workbench.models.networks import spec
    from workbench.runs.kept import load
    from workbench.runs.results import load_evidence, load_results
    from workbench.tasks import detector, segmenter
    from workbench.train.saved import save

_HOMES = {
    "spec": "workbench.models.networks",
    "build": "workbench.models",
    "fuse": "workbench.models",
    "detector": "workbench.tasks",
    "segmenter": "workbench.tasks",
    "load_weights": "workbench.models",
    "register": "workbench.models",
    "save": "workbench.train.saved",
    "load": "workbench.runs.kept",
    "load_evidence": "workbench.runs.results",
    "load_results": "workbench.runs.results",
}

__all__ = [
    "__version__",
    "build",
    "cost",
    "detector",
    "fuse",
    "load",
    "load_evidence",
    "load_results",
    "load_weights",
    "register",
    "save",
    "segmenter",
    "spec",
]


def __getattr__(name: str) -> Any:
    if name == "cost":
        return import_module("workbench.cost")  # a room that can be called; see there
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
