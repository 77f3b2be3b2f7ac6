"""This machine: what it calls itself, the device of a network, and where files are cached.

Importing it loads no torch.
"""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import InputError

if TYPE_CHECKING:
    import torch


def cache_folder() -> Path:
    """Where downloads, verdicts and counts are kept: under XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "cmt-workbench"


def cpu_name() -> str:
    """The name of the processor, as its maker gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def package_version(name: str) -> str | None:
    """The version of an installed package, without importing it; None where it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def choose_device(name: str) -> "torch.device":
    """`auto` is a GPU where there is one. Raises `InputError` for a device that is not here."""
    import torch

    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda", 0) if present else torch.device("cpu")
    choices = ["cpu", *(["cuda"] if present else []), *(f"cuda:{i}" for i in range(present))]
    if name not in choices:
        raise InputError(
            f"{name!r} is not here; choose from: auto, {', '.join(choices)}", key="device"
        )
    device = torch.device(name)
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device


def device_name(device: "torch.device") -> str:
    """`cpu`, or the GPU's name: by it results tell devices apart."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def gpu_names() -> list[str]:
    """Of every GPU that PyTorch sees."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.cuda.get_device_name(index) for index in range(count)]


def processor_name(device: "torch.device") -> str:
    """The name of the GPU or of the processor, as its maker gives it."""
    return device_name(device) if device.type == "cuda" else cpu_name()
