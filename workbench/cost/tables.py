"""What the commands `cost`, `models` and `claims` print, as rich tables."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.cost.catalogue import ModelRow
from workbench.cost.published import Figure, Quantity
from workbench.cost.record import CONVENTION, MAC_KINDS, Cost, Sums
from workbench.cost.report import CostReport
from workbench.cost.speed import Speed
from workbench.cost.verdict import Verdict

MISSING = ""  # a cell that nobody measured is empty


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
    return {
        "throughput": (
            f"{speed.images_per_second:,.1f} images/s ± {100 * speed.spread:.0f} % "
            f"(batch {speed.batch})"
        ),
        "latency": f"{speed.latency_ms:.2f} ms ± {100 * speed.latency_spread:.0f} % (one image)",
        "measured on": _where(speed),
    }


def _where(speed: Speed) -> str:
    precision = "bfloat16" if speed.precision == "bf16" else "float32"
    return f"{speed.device}, {speed.threads} threads, {precision}"


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


# ---------------------------------------------------------------- networks side by side


def columns_table(reports: Sequence[CostReport]) -> RenderableType:
    """One network a row; throughput and latency are empty where they were not asked for."""
    table = _table("network", "pixels", "params M", "MACs G", "conv", "linear", "attention")
    for name in ("act. M", "norm M", "act. fn M", "step MiB", "images/s", "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for report in reports:
        table.add_row(report.cost.spec, *_columns(report))
    measured = [report.speed for report in reports if report.speed]
    where = {_where(speed) for speed in measured}
    notes = [Text(f"Measured on {place}.", style="dim") for place in sorted(where)]
    legend = (
        "act.: output elements of convolutions, linear layers and attention products; norm, act. "
        "fn: those of norms and activation functions; step: estimated peak of one training step "
        "on one image, float32 with AdamW. "
    )
    return Group(table, Text(legend + CONVENTION, style="dim"), *notes)


def _columns(report: CostReport) -> list[str]:
    cost, speed = report.cost, report.speed
    kinds = [cost.by_kind[kind].macs if kind in cost.by_kind else 0 for kind in MAC_KINDS]
    elements = (cost.activations, cost.elements("norm"), cost.elements("act"))
    return [
        str(cost.resolution),
        f"{cost.params / 1e6:.2f}",
        *(f"{macs / 1e9:.3f}" for macs in (cost.macs, *kinds)),
        *(f"{count / 1e6:.2f}" for count in elements),
        f"{report.memory.peak / 2**20:,.0f}",
        f"{speed.images_per_second:,.1f}" if speed else MISSING,
        f"{speed.latency_ms:.2f}" if speed else MISSING,
    ]


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
