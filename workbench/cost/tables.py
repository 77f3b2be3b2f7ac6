"""What the commands `cost`, `models` and `claims` print, as rich tables."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby

from rich.console import Group, RenderableType
from rich.text import Text

from workbench.cost.catalogue import ModelRow
from workbench.cost.record import CONVENTION, MAC_KINDS, Cost, Sums
from workbench.cost.report import CostReport
from workbench.cost.speed import Speed
from workbench.cost.verdict import Verdict
from workbench.published import Figure, Quantity
from workbench.show.console import Column, Row, Table, exact_text, plural

MISSING = ""  # a cell that nobody measured is empty


OPERATORS = {  # a class of operators, as people read it
    "act": "activation functions",
    "attention": "attention products",
    "convolution": "convolutions",
    "linear": "linear layers",
    "norm": "norms",
    "table": "tables and tokens, added",
}


def cost_table(report: CostReport) -> RenderableType:
    """Totals, then tables by slot, stage and operator class."""
    cost = report.cost
    parts: list[RenderableType] = [Text(f"{cost.spec} at {cost.size} pixels", style="bold")]
    parts.append(_totals(report))
    if cost.by_slot:  # of a network that is not ours only the operator classes are known
        parts += [Text(), _sums("slot", cost.by_slot), Text(), _sums("stage", cost.by_stage)]
    operators = _sums("operators", cost.by_kind, cost)
    return Group(*parts, Text(), operators, Text(), Text(CONVENTION, style="dim"))


def _totals(report: CostReport) -> Table:
    cost, memory = report.cost, report.memory
    facts = {
        "params": exact_text(cost.params),
        "MACs": exact_text(cost.macs),
        "activations": exact_text(cost.activations),
        "norm elements": exact_text(cost.elements("norm")),
        "activation-function elements": exact_text(cost.elements("act")),
        "training step (estimate)": (
            f"{mebibytes(memory.peak)}, of which activations {mebibytes(memory.activations)} "
            f"(batch {memory.batch}, float32, AdamW)"
        ),
    }
    if report.speed:
        facts |= _speed_facts(report.speed)
    columns = (Column("", right=False), Column("", right=False, breaks=True))
    rows = [Row((Text(name, style="dim"), value)) for name, value in facts.items()]
    return Table(columns, rows, header=False)


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
    total = sum(row.macs for row in sums.values()) or 1
    rows = []
    for name, row in sums.items():
        elements = cost.elements(name) if cost and not row.activations else row.activations
        share = f"{100 * row.macs / total:.1f}"
        label = OPERATORS.get(name, name) if cost else name
        rows.append(Row((label, f"{row.params:,}", f"{row.macs:,}", share, f"{elements:,}")))
    titles = ("params", "MACs", "%", "activations")
    columns = (Column(each, rank=each == "activations") for each in titles)
    return Table((Column(title, right=False), *columns), rows)


# ---------------------------------------------------------------- networks side by side

BESIDE = (
    Column("network", right=False),
    Column("pixels", rank=1),
    Column("params M"),
    Column("MACs G"),
    Column("conv", rank=3),
    Column("linear", rank=3),
    Column("attention", rank=3),
    Column("act. M", rank=2),
    Column("norm M", rank=5),
    Column("act. fn M", rank=5),
    Column("step MiB", rank=4),
    Column("images/s"),
    Column("ms"),
)


def columns_table(reports: Sequence[CostReport]) -> RenderableType:
    """One network a row; throughput and latency where they were asked for."""
    table = Table(BESIDE, [Row((report.cost.spec, *_columns(report))) for report in reports])
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


MODELS = (
    Column("model", right=False),
    Column("pixels", rank=4),
    Column("params"),
    Column("published M", rank=1),
    Column("MACs"),
    Column("published G", rank=2),
    Column("top-1", rank=3),
)


def models_table(rows: Sequence[ModelRow]) -> RenderableType:
    """Counted beside published; several figures for one model stand below one another."""
    table = Table(MODELS, map(_model, rows))
    notes = [Text(f"{row.name}: {row.note}", style="dim") for row in rows if row.note]
    legend = Text(
        "In brackets what we count minus what was published; ≠ where the sources contradict one "
        "another (--json names them). " + CONVENTION,
        style="dim",
    )
    return Group(table, legend, *notes)


def _model(row: ModelRow) -> Row:
    return Row(
        (
            row.name,
            str(row.cost.resolution),
            f"{row.cost.params:,}",
            _figures(row, "params_m"),
            f"{row.cost.macs:,}",
            _figures(row, "gmacs"),
            _figures(row, "top1"),
        )
    )


def _figures(row: ModelRow, quantity: Quantity) -> Text:
    lines = [_figure(figure, row.counted(quantity)) for figure in row.published[quantity]]
    if quantity in row.contradictions:
        return Text("\n".join(f"{line} ≠" for line in lines), style="red")
    return Text("\n".join(lines) or MISSING)


def _figure(figure: Figure, counted: Decimal | None) -> str:
    if counted is None:
        return str(figure.value)
    difference = (counted - figure.value).quantize(figure.unit)
    return f"{figure.value} ({difference:+f})" if difference else f"{figure.value} (0)"


# ---------------------------------------------------------------- claims


def claims_table(verdicts: Sequence[Verdict], speeds: Iterable[Speed] = ()) -> RenderableType:
    """A block for each claim: its text, source and rule, and its readings; then the count."""
    blocks: list[RenderableType] = []
    for _, each in groupby(verdicts, key=lambda verdict: verdict.claim.key):
        blocks += [*_claim(list(each)), Text()]
    notes = [
        Text(f"{s.name} at {s.resolution}: {'; '.join(_speed_facts(s).values())}", style="dim")
        for s in speeds
    ]
    return Group(*blocks, *notes, Text(CONVENTION, style="dim"), Text(_score(verdicts)))


READING = (Column("", right=False), Column(""), Column("", right=False, breaks=True))


def _claim(readings: Sequence[Verdict]) -> list[RenderableType]:
    claim = readings[0].claim
    rows = [Row((_holds(each), _value(each), each.reading.text)) for each in readings]
    return [
        Text(claim.text, style="bold"),
        Text(claim.source, style="dim"),
        Text(f"holds if {claim.rule}", style="dim"),
        Table(READING, rows, header=False),
    ]


def _score(verdicts: Sequence[Verdict]) -> str:
    holds = [verdict.holds for verdict in verdicts]
    unknown = holds.count(None)
    told = f"{plural(len(holds), 'reading')}: {holds.count(True)} hold, {holds.count(False)} do not"
    return f"{told}, {unknown} not measured (--speed measures them)" if unknown else told


def _value(verdict: Verdict) -> Text:
    """Of one width, so that the claims' readings stand below one another."""
    if verdict.value is None:
        return Text("--speed", style="dim")
    text = f"{verdict.value:.4f}" if verdict.value < 2 else f"{verdict.value:.2f}"
    return Text(text.rjust(len("--speed")))


def _holds(verdict: Verdict) -> Text:
    word = {None: "", True: "yes", False: "no"}[verdict.holds]
    style = {None: "", True: "green", False: "red"}[verdict.holds]
    return Text(f"  {word:3}", style=style)
