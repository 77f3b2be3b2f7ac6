"""What a run's numbers depend on beside its identity: the device, and the versions of programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from packaging.version import InvalidVersion, Version

from workbench.engine import Resources
from workbench.machine import choose_device, device_name
from workbench.plans.resolution import Plan
from workbench.runs.rows import StoredRun
from workbench.user_modules import Imported
from workbench.version import SAME_NUMBERS_SINCE, __version__

ELSEWHERE = "a GPU of another machine"  # it has no name here, so that it equals no other


@dataclass(frozen=True, slots=True)
class Conditions:
    """Those of runs that are to be trained here."""

    device: str  # "cpu", or the name of the GPU
    torch: str  # public version
    imports: tuple[Imported, ...] = ()  # the user's modules

    @classmethod
    def here(cls, shares: Resources, device: str, plan: Plan) -> "Conditions":
        """Of `plan`, as it would run on `device` now."""
        return cls(_device_name(shares, device), _public(version("torch")), plan.imports)

    @classmethod
    def of(cls, run: StoredRun, plan: Plan) -> "Conditions":
        """Those that a run of `plan` was trained under."""
        return cls(str(run.device), _public(str(run.host.get("torch"))), plan.imports)

    def differences(self, run: StoredRun, plan: Plan) -> tuple[str, ...]:
        """What was other when `run` of `plan` was trained, as `torch 2.8.0`."""
        return tuple(self._differences(run, plan))

    def _differences(self, run: StoredRun, plan: Plan) -> Iterator[str]:
        if run.device != self.device:
            yield f"device {run.device or 'unknown'}"
        torch = _public(str(run.host.get("torch") or "unknown"))
        if torch != self.torch:
            yield f"torch {torch}"
        workbench = str(run.host.get("workbench") or "unknown")
        if not _same_numbers(workbench):
            yield f"workbench {workbench}"
        for module in set(self.imports) - set(plan.imports):
            yield f"another module {module.name}"


def _device_name(shares: Resources, device: str) -> str:
    if device == "cpu" or (device == "auto" and not shares.on_gpu):
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        return ELSEWHERE
    return device_name(choose_device(device))


def _public(text: str) -> str:
    """Without the build, which the device says: `2.9.0+cpu` is `2.9.0`."""
    return text.partition("+")[0]


def _same_numbers(found: str) -> bool:
    try:
        return Version(SAME_NUMBERS_SINCE) <= Version(found) <= Version(__version__)
    except InvalidVersion:
        return False
