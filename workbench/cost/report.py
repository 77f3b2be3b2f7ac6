"""Cost, memory and, by request, speed of networks by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.cost.memory import TrainingMemory, training_memory
from workbench.cost.record import CONVENTION, Cost
from workbench.cost.speed import Speed, measure_speed
from workbench.cost.target import Resolution, Target, counted, network_cost, target


@dataclass(frozen=True)
class CostReport:
    """All that `workbench cost` says of one network."""

    cost: Cost
    memory: TrainingMemory
    speed: Speed | None

    def to_json(self) -> dict[str, object]:
        """Plain data with every number unrounded."""
        return {
            **self.cost.to_json(),
            "training_memory": self.memory.to_json(),
            "speed": self.speed.to_json() if self.speed else None,
        }


def cost_report(
    name: str,
    *overrides: str,
    resolution: Resolution | None = None,
    batch: int = 1,
    speed: bool = False,
    device: str | None = None,
) -> CostReport:
    """The cost of a zoo entry with overrides, or of `timm:NAME`; its speed by request.

    Ours is counted in closed form and by fvcore's trace, and refused where they differ. The memory
    of a training step is for `batch` images; the speed, of ours with every BN folded that can be,
    is that of `device`, by default a GPU where there is one. Raises `InputError`.
    """
    found = target(name, *overrides, resolution=resolution)
    cost = network_cost(name, *overrides, resolution=resolution)
    return _report(found, cost, batch, speed, device)


def column_reports(
    names: Iterable[str],
    resolution: Resolution | None = None,
    speed: bool = False,
    device: str | None = None,
    overrides: Sequence[str] = (),
) -> tuple[CostReport, ...]:
    """Networks side by side, all at `resolution` or each at its own; `overrides` are of the first.

    Ours are counted by the closed form alone, `timm:NAME` is traced.
    """
    first, *others = names
    found = [target(first, *overrides, resolution=resolution)]
    found += [target(name, resolution=resolution) for name in others]
    return tuple(_report(one, counted(one), 1, speed, device) for one in found)


def columns_json(reports: Sequence[CostReport]) -> dict[str, object]:
    """The same as data."""
    return {"convention": CONVENTION, "networks": [report.to_json() for report in reports]}


def _report(found: Target, cost: Cost, batch: int, speed: bool, device: str | None) -> CostReport:
    measured = None
    if speed:
        measured = measure_speed(
            found.build(fused=True), found.name, found.channels, found.resolution, device=device
        )
    return CostReport(cost, training_memory(cost, batch, found.spec), measured)
