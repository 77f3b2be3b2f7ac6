"""The versions that matter, without importing what they are the versions of."""

import platform
from importlib.metadata import PackageNotFoundError, version

from workbench.version import __version__

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "timm", "fvcore", "numpy")


def versions(*more: str) -> dict[str, str]:
    """Name to version, the workbench first; `not installed` for a package that is missing."""
    found = {"workbench": __version__, "python": platform.python_version()}
    for name in (*PACKAGES, *more):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
