"""What a run ran on: versions, commit, machine."""

import platform
import subprocess
import sys

from workbench.config import Scalar
from workbench.engine import Resources, this_machine
from workbench.machine import package_version
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
    torch = sys.modules.get("torch")  # whoever has GPUs has imported it by now
    if torch is None or not torch.cuda.is_available():
        return None
    return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
