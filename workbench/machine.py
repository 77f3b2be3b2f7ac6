"""What this machine calls itself. It imports no torch."""

import platform
from pathlib import Path


def cpu_name() -> str:
    """The name of the processor, as its maker gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
