"""What the commands `cost`, `models` and `claims` print."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from workbench.cost.catalogue import ModelRow
from workbench.cost.claims import Claim
from workbench.cost.record import CONVENTION, MAC_KINDS, Cost, Sums
from workbench.cost.report import CostReport
from workbench.cost.speed import Speed
from workbench.cost.verdict import Judgement
from workbench.published import Figure, PublishedDetector, Quantity
from workbench.show.console import exact_text, plural
from workbench.show.table import Cell, Column, Printout, Table, cell, number

if TYPE_CHECKING:  # torchvision's detectors take a second to import
    from workbench.cost.dense import DenseCost

OPERATORS = {  # a class of operators, as people read it
    "act": "activation functions",
    "attention": "attention products",
    "convolution": "convolutions",
    "linear": "linear layers",
    "norm": "norms",
    "table": "tables and tokens, added",
}


WHOLE = "in all"  # a row of sums that is their sum
PUBLISHED_CONVENTION = (
    "As published counts have it: 80 classes, and the heads of Mask R-CNN on 1000 boxes and 100 "
    "masks."
)


def cost_printout(report: CostReport) -> Printout:
    """Totals, then tables by slot, stage and operator class."""
    cost = report.cost
    tables = [_totals(report)]
    if cost.by_slot:  # of a network that is not ours only the operator classes are known
        tables += [_sums("slot", cost.by_slot), _sums("stage", cost.by_stage)]
    return Printout((*tables, _sums("operators", cost.by_kind, cost)), (CONVENTION,))


def _totals(report: CostReport) -> Table:
    cost, memory = report.cost, report.memory
    counts = {
        "params": cost.params,
        "MACs": cost.macs,
        "activations": cost.activations,
        "norm elements": cost.elements("norm"),
        "activation-function elements": cost.elements("act"),
    }
    step = (
        f"{mebibytes(memory.peak)}, of which activations {mebibytes(memory.activations)} "
        f"(batch {memory.batch}, float32, AdamW)"
    )
    facts = {name: cell(exact_text(count), count) for name, count in counts.items()}
    facts["training step (estimate)"] = cell(step, memory.peak)
    if report.speed:
        facts |= {name: cell(text) for name, text in _speed_facts(report.speed).items()}
    columns = (Column("", ("quantity",), "name"), Column("", ("value",), "text"))
    rows = [(cell(name, style="dim"), value) for name, value in facts.items()]
    return Table(f"{cost.spec} at {cost.size} pixels", columns, rows, header=False)


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
    return f"{speed.device}, {plural(speed.threads, 'thread')}, {precision}"


def mebibytes(size: int) -> str:
    """Bytes as `12.3 MiB`."""
    return f"{size / 2**20:,.1f} MiB"


def _sums(title: str, sums: Mapping[str, Sums], cost: Cost | None = None) -> Table:
    """Params, MACs, their share and activations; by operator class where `cost` is given."""
    whole = sums.get(WHOLE)
    total = (whole.macs if whole else sum(row.macs for row in sums.values())) or 1
    columns = (
        Column(title, (title,), "name"),
        Column("params", ("params",)),
        Column("MACs", ("macs",)),
        Column("%", ("share",)),
        Column("activations", ("activations",), rank=1),
    )
    rows = []
    for name, row in sums.items():
        elements = cost.elements(name) if cost and not row.activations else row.activations
        label = OPERATORS.get(name, name) if cost else name
        counts = (number(row.params), number(row.macs), number(100 * row.macs / total, ".1f"))
        rows.append((cell(label), *counts, number(elements)))
    return Table("", columns, rows)


def dense_printout(found: "DenseCost") -> Printout:
    """A detector part by part, and what was published of it."""
    cost = found.cost
    parts = _sums("part", {**cost.by_stage, WHOLE: cost.total})
    title = f"{cost.spec} in {found.framework} at {cost.size} pixels"
    notes = [f"{PUBLISHED_CONVENTION} {CONVENTION}"] if found.published else [CONVENTION]
    tables = [replace(parts, title=title), _sums("operators", cost.by_kind, cost)]
    return Printout((*tables, *map(partial(_beside_ours, found), found.published)), tuple(notes))


def _beside_ours(found: "DenseCost", row: PublishedDetector) -> Table:
    """One published figure, ours, and what the difference is made of."""
    cost, seen = found.cost, found.cost.macs - found.attention
    small = cost.elements("norm") + cost.elements("act")
    facts: list[tuple[str, float]] = [
        ("published", float(row.gflops)),
        ("counted here", cost.macs / 1e9),
        ("attention products, which counters of modules do not see", -found.attention / 1e9),
        ("without them", seen / 1e9),
        ("left to explain", float(row.gflops) - seen / 1e9),
        ("elements of norms and activation functions", small / 1e9),
    ]
    columns = (Column("G multiply-adds", ("quantity",), "name"), Column("", ("gmacs",)))
    rows = [(cell(name), cell(f"{value:.2f}", value)) for name, value in facts]
    about = [row.source, *([row.note] if row.note else [])]
    if row.params_m is not None:
        about.append(f"params: {row.params_m} M published, {cost.params / 1e6:.2f} M here")
    return Table("Beside the published figure", columns, rows, about=tuple(about))


# ---------------------------------------------------------------- networks side by side

BESIDE = (
    Column("network", ("network",), "name"),
    Column("pixels", ("resolution",), rank=1),
    Column("params M", ("params",)),
    Column("MACs G", ("macs",)),
    Column("conv", ("convolution",), rank=3),
    Column("linear", ("linear",), rank=3),
    Column("attention", ("attention",), rank=3),
    Column("act. M", ("activations",), rank=2),
    Column("norm M", ("norm_elements",), rank=5),
    Column("act. fn M", ("act_elements",), rank=5),
    Column("step MiB", ("step_bytes",), rank=4),
    Column("images/s", ("images_per_second",)),
    Column("ms", ("latency_ms",)),
)


def beside_table(reports: Sequence[CostReport]) -> Table:
    """One network a row; throughput and latency where they were asked for."""
    where = {_where(report.speed) for report in reports if report.speed}
    legend = (
        "act.: output elements of convolutions, linear layers and attention products; norm, act. "
        "fn: those of norms and activation functions; step: estimated peak of one training step "
        "on one image, float32 with AdamW. "
    )
    notes = (legend + CONVENTION, *(f"Measured on {place}." for place in sorted(where)))
    return Table("", BESIDE, [*map(_beside, reports)], notes=notes)


def _beside(report: CostReport) -> tuple[Cell, ...]:
    cost, speed = report.cost, report.speed
    kinds = [cost.by_kind[kind].macs if kind in cost.by_kind else 0 for kind in MAC_KINDS]
    elements = (cost.activations, cost.elements("norm"), cost.elements("act"))
    return (
        cell(cost.spec),
        cell(str(cost.size)),
        cell(f"{cost.params / 1e6:.2f}", cost.params),
        *(cell(f"{macs / 1e9:.3f}", macs) for macs in (cost.macs, *kinds)),
        *(cell(f"{count / 1e6:.2f}", count) for count in elements),
        cell(f"{report.memory.peak / 2**20:,.0f}", report.memory.peak),
        number(speed.images_per_second if speed else None, ",.1f"),
        number(speed.latency_ms if speed else None, ".2f"),
    )


# ---------------------------------------------------------------- models


MODELS = (
    Column("model", ("model",), "name"),
    Column("pixels", ("resolution",), rank=1),
    Column("params", ("params",), rank=2),
    Column("published M", ("published_params_m",), rank=3),
    Column("MACs", ("macs",)),
    Column("published G", ("published_gmacs",)),
    Column("top-1", ("published_top1",)),
)


def models_printout(rows: Sequence[ModelRow]) -> Printout:
    """A table for each family: counted beside published, several figures below one another."""
    families = [[*each] for _, each in groupby(rows, key=lambda row: row.family)]
    named = len(families) > 1
    tables = tuple(_family(each, each[0].family if named else "") for each in families)
    legend = (
        "In brackets what we count minus what was published; ≠ where the sources contradict one "
        "another (--json names them). "
    )
    return Printout(tables, (legend + CONVENTION,))


def _family(rows: Sequence[ModelRow], title: str) -> Table:
    notes = [f"{row.name}: {row.note}" for row in rows if row.note]
    return Table(title, MODELS, [*map(_model, rows)], notes=tuple(notes))


def _model(row: ModelRow) -> tuple[Cell, ...]:
    return (
        cell(row.name),
        number(row.cost.resolution, ""),
        number(row.cost.params),
        _figures(row, "params_m"),
        number(row.cost.macs),
        _figures(row, "gmacs"),
        _figures(row, "top1"),
    )


def _figures(row: ModelRow, quantity: Quantity) -> Cell:
    """Every published value with our difference; as data, the values as they were printed."""
    figures, apart = row.published[quantity], quantity in row.contradictions
    lines = [_figure(figure, row.counted(quantity)) + " ≠" * apart for figure in figures]
    printed = "; ".join(str(figure.value) for figure in figures)
    return cell("\n".join(lines), printed or None, style="red" if apart else "")


def _figure(figure: Figure, counted: Decimal | None) -> str:
    if counted is None:
        return str(figure.value)
    difference = (counted - figure.value).quantize(figure.unit)
    return f"{figure.value} ({difference:+f})" if difference else f"{figure.value} (0)"


# ---------------------------------------------------------------- claims


READING = (
    Column("", ("holds",), "name"),
    Column("", ("value",)),
    Column("", ("reading",), "text"),
    Column("claim", ("claim",), "name", files_only=True),
)


def claims_printout(verdicts: Sequence[Judgement], speeds: Iterable[Speed] = ()) -> Printout:
    """A table for each claim: its text, source and rule, and its readings; then the count."""
    claims = groupby(verdicts, key=lambda verdict: verdict.claim)
    notes = [f"{s.name} at {s.resolution}: {'; '.join(_speed_facts(s).values())}" for s in speeds]
    tables = tuple(_claim(claim, readings) for claim, readings in claims)
    return Printout(tables, (*notes, CONVENTION), (_score(verdicts),))


def _claim(claim: Claim, readings: Iterable[Judgement]) -> Table:
    rows = [
        (_holds(each), _value(each), cell(each.reading.text), cell(claim.key)) for each in readings
    ]
    about = (claim.source, f"holds if {claim.rule}")
    return Table(claim.text, READING, rows, about=about, header=False)


def _score(verdicts: Sequence[Judgement]) -> str:
    holds = [verdict.holds for verdict in verdicts]
    unknown = holds.count(None)
    told = f"{plural(len(holds), 'reading')}: {holds.count(True)} hold, {holds.count(False)} do not"
    return f"{told}, {unknown} not measured (--speed measures them)" if unknown else told


def _value(verdict: Judgement) -> Cell:
    """Of one width, so that the claims' readings stand below one another."""
    value = verdict.value
    if value is None:
        return cell("--speed", None, style="dim")
    text = f"{value:.4f}" if value < 2 else f"{value:.2f}"
    return cell(text.rjust(len("--speed")), value)


def _holds(verdict: Judgement) -> Cell:
    word, style = {None: ("", ""), True: ("yes", "green"), False: ("no", "red")}[verdict.holds]
    return cell(f"  {word:3}", verdict.holds, style=style)
