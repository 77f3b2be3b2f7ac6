"""What a run ran on: versions, commit, machine."""

import platform
import subprocess
import sys

from workbench.config import Scalar
from workbench.engine import Resources, this_machine
from workbench.machine import gpu_names, package_version
from workbench.shipped import CHECKOUT
from workbench.version import __version__

PACKAGES = (
    "torch", "torchvision", "pytorch-lightning", "timm", "fvcore", "numpy", "scipy",
    "scikit-learn", "pyarrow", "pillow", "pydantic", "SQLAlchemy",
)  # fmt: skip


def environment(shares: Resources, device: str, engine: str = "local") -> dict[str, Scalar]:
    """Facts about this machine and this installation; flat, so that it makes one table."""
    commit, dirty = git_state()
    return {
        "workbench": __version__,
        "commit": commit,
        "dirty": dirty,
        "python": platform.python_version(),
        **{name: package_version(name) for name in PACKAGES},
        **this_machine(),
        "engine": engine,
        "jobs": shares.jobs,
        "threads": shares.threads,
        "device": device,
        "gpus": _gpus(),
    }


def git_state() -> tuple[str | None, bool | None]:
    """The commit that the workbench runs from, and whether tracked files differ from it."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None, None
    return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))


def _git(*arguments: str) -> str | None:
    if CHECKOUT is None or not (CHECKOUT / ".git").exists():  # a repository around it is not ours
        return None
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _gpus() -> str | None:
    if "torch" not in sys.modules:  # whoever has GPUs has imported it by now
        return None
    return ", ".join(gpu_names()) or None
