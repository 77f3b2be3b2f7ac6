"""The versions that matter, without importing what they are the versions of."""

import platform

from workbench.machine import package_version
from workbench.version import __version__

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "timm", "fvcore", "numpy")


def versions(*more: str) -> dict[str, str]:
    """Name to version, the workbench first; `not installed` for a package that is missing."""
    own = {"workbench": __version__, "python": platform.python_version()}
    return own | {name: package_version(name) or "not installed" for name in (*PACKAGES, *more)}
