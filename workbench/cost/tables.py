"""What the commands `cost`, `models` and `claims` print: data, and the same as a rich table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.cost.catalogue import ModelRow
from workbench.cost.memory import TrainingMemory, training_memory
from workbench.cost.published import Figure, Quantity
from workbench.cost.record import CONVENTION, Cost, Sums
from workbench.cost.speed import Speed, measure_speed
from workbench.cost.target import network_cost, target
from workbench.cost.verdict import Verdict

MISSING = ""  # a cell that nobody measured is empty


@dataclass(frozen=True)
class CostReport:
    """All that `workbench cost` says of one network."""

    cost: Cost
    memory: TrainingMemory
    speed: Speed | None

    def to_json(self) -> dict[str, Any]:
        """Plain data with every number unrounded."""
        return {
            **self.cost.to_json(),
            "training_memory": self.memory.to_json(),
            "speed": self.speed.to_json() if self.speed else None,
        }


def cost_report(
    name: str,
    *overrides: str,
    resolution: int | None = None,
    batch: int = 1,
    speed: bool = False,
) -> CostReport:
    """The cost of a zoo entry with overrides, or of `timm:NAME`; its speed by request.

    Ours is counted in closed form and by fvcore's trace, and refused where they differ. The memory
    of a training step is for `batch` images.
    """
    found = target(name, *overrides, resolution=resolution)
    cost = network_cost(name, *overrides, resolution=resolution)
    measured = None
    if speed:
        measured = measure_speed(found.build(), found.name, found.channels, found.resolution)
    return CostReport(cost, training_memory(cost, batch, found.spec), measured)


def cost_table(report: CostReport) -> RenderableType:
    """Totals, then tables by slot, stage and operator class."""
    cost = report.cost
    parts: list[RenderableType] = [Text(f"{cost.spec} at {cost.resolution} pixels", style="bold")]
    parts.append(_totals(report))
    if cost.by_slot:  # of a network that is not ours only the operator classes are known
        parts += [_sums("slot", cost.by_slot), _sums("stage", cost.by_stage)]
    parts += [_sums("operators", cost.by_kind, cost), Text(CONVENTION, style="dim")]
    return Group(*parts)


def _totals(report: CostReport) -> Table:
    cost, memory = report.cost, report.memory
    facts = {
        "params": f"{cost.params:,}",
        "MACs": f"{cost.macs:,}",
        "activations": f"{cost.activations:,}",
        "norm / activation-function elements": (
            f"{cost.elements('norm'):,} / {cost.elements('act'):,}"
        ),
        f"training step, batch {memory.batch}, float32 with AdamW (estimate)": (
            f"{mebibytes(memory.peak)}, of which activations {mebibytes(memory.activations)}"
        ),
    }
    if report.speed:
        facts |= _speed_facts(report.speed)
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        grid.add_row(Text(name, style="dim"), Text(value))
    return grid


def _speed_facts(speed: Speed) -> dict[str, str]:
    where = f"{speed.device}, {speed.threads} threads, {_precision(speed)}"
    return {
        "throughput": (
            f"{speed.images_per_second:,.1f} images/s ± {100 * speed.spread:.0f} % "
            f"(batch {speed.batch})"
        ),
        "latency": f"{speed.latency_ms:.2f} ms ± {100 * speed.latency_spread:.0f} % (one image)",
        "measured on": where,
    }


def _precision(speed: Speed) -> str:
    return "bfloat16" if speed.precision == "bf16" else "float32"


def mebibytes(size: int) -> str:
    """Bytes as `12.3 MiB`."""
    return f"{size / 2**20:,.1f} MiB"


def _sums(title: str, sums: Mapping[str, Sums], cost: Cost | None = None) -> Table:
    table = _table(title, "params", "MACs", "%", "activations")
    total = sum(row.macs for row in sums.values()) or 1
    for name, row in sums.items():
        elements = cost.elements(name) if cost and not row.activations else row.activations
        share = f"{100 * row.macs / total:.1f}"
        table.add_row(name, f"{row.params:,}", f"{row.macs:,}", share, f"{elements:,}")
    return table


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


# ---------------------------------------------------------------- models


def models_table(rows: Sequence[ModelRow]) -> RenderableType:
    """Counted beside published; several figures for one model stand below one another."""
    table = _table("model", "pixels", "params", "published M", "MACs", "published G", "top-1")
    for row in rows:
        table.add_row(
            row.name,
            str(row.cost.resolution),
            f"{row.cost.params:,}",
            _figures(row, "params_m"),
            f"{row.cost.macs:,}",
            _figures(row, "gmacs"),
            _figures(row, "top1"),
        )
    notes = [Text(f"{row.name}: {row.note}", style="dim") for row in rows if row.note]
    legend = Text(
        "In brackets what we count minus what was published; ≠ where the sources contradict one "
        "another (--json names them). " + CONVENTION,
        style="dim",
    )
    return Group(table, legend, *notes)


def _figures(row: ModelRow, quantity: Quantity) -> Text:
    lines = [_figure(figure, row.counted(quantity)) for figure in row.published[quantity]]
    if quantity in row.contradictions:
        return Text("\n".join(f"{line} ≠" for line in lines), style="red")
    return Text("\n".join(lines) or MISSING)


def _figure(figure: Figure, counted: Decimal | None) -> str:
    if counted is None:
        return str(figure.value)
    difference = (counted - figure.value).quantize(figure.unit)
    return f"{figure.value} ({difference:+f})"


# ---------------------------------------------------------------- claims


def claims_table(verdicts: Sequence[Verdict], speeds: Iterable[Speed] = ()) -> RenderableType:
    """One row a reading; the claim stands on the first of its rows."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("claim", "source", "read as", "holds if"):
        table.add_column(name, overflow="fold", ratio=1)
    for name in ("counted", "holds"):
        table.add_column(name, justify="right", no_wrap=True)
    last = ""
    for verdict in verdicts:
        claim = verdict.claim
        first = (claim.text, claim.source) if claim.key != last else ("", "")
        last = claim.key
        table.add_row(*first, verdict.reading.text, claim.rule, _value(verdict), _holds(verdict))
    notes = [
        Text(f"{s.name} at {s.resolution}: {'; '.join(_speed_facts(s).values())}", style="dim")
        for s in speeds
    ]
    return Group(table, Text(CONVENTION, style="dim"), *notes)


def _value(verdict: Verdict) -> str:
    if verdict.value is None:
        return MISSING
    return f"{verdict.value:.4f}" if verdict.value < 2 else f"{verdict.value:.2f}"


def _holds(verdict: Verdict) -> Text:
    if verdict.holds is None:
        return Text(MISSING)
    return Text("yes", style="green") if verdict.holds else Text("no", style="red")
