"""Other people's numbers, each with where it was read, beside the measured ones.

They ship with the repository under `results/published`. Rows that contradict each other are shown
side by side, never averaged.
"""

from collections.abc import Sequence

from workbench.published import PublishedRow, read_table
from workbench.report.findings import Findings, RowResult
from workbench.show.sheet import Cell, Heading, Sheet, top1_text
from workbench.statistics.facts import PlanFacts

BESIDE = (
    Heading("Variant", ("variant",), right=False),
    Heading("Measured top-1, %", ("measured_mean", "measured_std")),
    Heading("Measured on", ("measured_on",), right=False, wide=True),
    Heading("Published row", ("published",), right=False),
    Heading("Published top-1, %", ("published_top1",)),
    Heading("Published step", ("published_delta",)),
    Heading("Published on", ("published_on", "another_dataset"), right=False),
    Heading("Confidence", ("confidence",), right=False, wide=True),
    Heading("Source", ("source",), right=False),
    Heading("Note", ("note",), right=False, wide=True),
)


def short_text(found: Sequence[PublishedRow], dataset: str) -> str:
    """Top-1 as published, every value once; of a row without one, what the source says of it."""
    values = dict.fromkeys(
        (f"{row.top1:g}" if row.top1 is not None else row.note)
        + ("" if same_dataset(dataset, row.dataset) else f" ({row.dataset}, another data set)")
        for row in found
    )
    return "; ".join(values)


def published_sheet(name: str) -> Sheet:
    """A whole published table, as it was read."""
    rows = read_table(name)
    headings = tuple(Heading(key, (key,), right=False) for key in rows[0])
    cells = tuple(tuple(Cell(value, (value,)) for value in row.values()) for row in rows)
    title = f"Published: {name}"
    return Sheet(title, headings, cells, ("",) * len(cells), (_beware(name),))


def _beware(name: str) -> str:
    return f"Not measured here. From results/published/{name}.csv, each row with its source."


def beside(found: Findings) -> Sheet:
    """Measured rows and the published rows that they stand for (`Row.published`)."""
    cells = tuple(
        _pair(found.facts, each, row)
        for each in found.results
        for row in found.published.get(each.row.variant, ())
    )
    notes = (
        "Published numbers are other people's, with their recipe; on another data set only the "
        "direction of a difference can be compared.",
    )
    return Sheet("Measured and published", BESIDE, cells, ("",) * len(cells), notes)


def _pair(facts: PlanFacts, result: RowResult, found: PublishedRow) -> tuple[Cell, ...]:
    row, measured = result.row, result.summary
    other = not same_dataset(facts.dataset, found.dataset)
    top1 = "" if found.top1 is None else f"{found.top1:g}"
    return (
        Cell(row.variant, (row.variant,)),
        Cell(top1_text(measured.mean, measured.sd), (measured.mean, measured.sd)),
        Cell(facts.dataset, (facts.dataset,)),
        Cell(found.name, (found.name,)),
        Cell(top1, (found.top1,)),
        Cell(found.delta, (found.delta,)),
        Cell(found.dataset + (" (another data set)" if other else ""), (found.dataset, other)),
        Cell(found.confidence, (found.confidence,)),
        Cell(found.source, (found.source,)),
        Cell(found.note, (found.note,)),
    )


def same_dataset(measured: str, other: str) -> bool:
    """`cifar10, 5,000 training images` and `CIFAR-10` are; `CIFAR-100` is not."""
    return _plain(measured.split(",")[0]) == _plain(other.split(",")[0])


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def sheets(found: Findings) -> dict[str, Sheet]:
    """The published tables that a report shows, by the name of their files; none unless asked."""
    tables = dict[str, Sheet]()
    if found.published:
        tables["published"] = beside(found)
    for name in found.facts.published:
        tables[f"published_{name}"] = published_sheet(name)
    return tables
