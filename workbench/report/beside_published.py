"""Other people's numbers, each with where it was read, beside the measured ones.

They ship with the repository under `results/published`. Rows that contradict each other are shown
side by side, never averaged.
"""

from workbench.published import PublishedRow, read_table, same_dataset
from workbench.report.findings import Findings, RowResult
from workbench.show.table import Cell, Column, Table, cell, number
from workbench.statistics.facts import PlanFacts
from workbench.statistics.metric import TOP1

BESIDE = (
    Column("Variant", ("variant",), "name"),
    Column("Measured top-1, %", ("measured_mean", "measured_std")),
    Column("Measured on", ("measured_on",), "text", files_only=True),
    Column("Published row", ("published",), "text"),
    Column("Published top-1, %", ("published_top1",)),
    Column("Published step", ("published_delta",)),
    Column("Published on", ("published_on", "another_dataset"), "text"),
    Column("Confidence", ("confidence", "secondary"), "text"),
    Column("Source", ("source",), "text"),
    Column("Note", ("note",), "text", files_only=True),
)


def nearest_rows(found: Findings, variant: str) -> tuple[PublishedRow, ...]:
    """The published rows of the plan's data set where there are any, else those of all others."""
    rows = found.published.get(variant, ())
    same = tuple(row for row in rows if same_dataset(found.facts.dataset, row.dataset))
    return same or rows


def short_text(found: Findings, variant: str) -> str:
    """Top-1 as published, with its confidence and the number of its source, every value once.

    Of a row without one, what the source says of it.
    """
    rows, told = nearest_rows(found, variant), sources(found)
    named = len(datasets(found)) > 1
    texts = (_short(row, named, told.index(row.source) + 1) for row in rows)
    return "; ".join(dict.fromkeys(texts))


def _short(row: PublishedRow, named: bool, source: int) -> str:
    marks = (
        row.dataset if named else "",
        f"{row.confidence} confidence" if row.confidence else "",
        "secondary summary" if row.secondary else "",
    )
    value = f"{row.top1:g}" if row.top1 is not None else row.note
    return ", ".join([f"{value} [{source}]", *(mark for mark in marks if mark)])


def published_column(found: Findings) -> Column:
    """Named by the data set, where it is one and another than the plan's."""
    known = datasets(found)
    other = len(known) == 1 and not same_dataset(found.facts.dataset, known[0])
    keys = ("published_top1", "published_on", "published_source", "published_confidence")
    return Column(f"Published on {known[0]}, %" if other else "Published, %", keys, "text", rank=7)


def datasets(found: Findings) -> list[str]:
    """Those that the published numbers in the main table are of, each once."""
    rows = (row for variant in found.published for row in nearest_rows(found, variant))
    return list(dict.fromkeys(row.dataset for row in rows))


def sources(found: Findings) -> list[str]:
    """Where the published numbers were read, each once, in the order of the rows."""
    return list(dict.fromkeys(row.source for rows in found.published.values() for row in rows))


def published_table(name: str) -> Table:
    """A whole published table, as it was read."""
    rows = read_table(name)
    columns = tuple(Column(key, (key,), "text") for key in rows[0])
    cells = [tuple(map(cell, row.values())) for row in rows]
    return Table(f"Published: {name}", columns, cells, notes=(_beware(name),))


def _beware(name: str) -> str:
    return f"Not measured here. From results/published/{name}.csv, each row with its source."


def beside(found: Findings) -> Table:
    """Measured rows and the published rows that they stand for (`Row.published`)."""
    rows = [
        _pair(found.facts, each, row)
        for each in found.results
        for row in found.published.get(each.row.name, ())
    ]
    notes = (
        "Published numbers are other people's, with their recipe; on another data set only the "
        "direction of a difference can be compared.",
    )
    return Table("Measured and published", BESIDE, rows, notes=notes)


def _pair(facts: PlanFacts, result: RowResult, found: PublishedRow) -> tuple[Cell, ...]:
    mean, sd = result.level(TOP1, facts.method.metrics[0])
    other = not same_dataset(facts.dataset, found.dataset)
    return (
        cell(result.row.name),
        cell(TOP1.text(mean, sd), mean, sd),
        cell(facts.dataset),
        cell(found.name),
        number(found.top1, "g"),
        cell(found.delta),
        cell(found.dataset + (" (another data set)" if other else ""), found.dataset, other),
        cell(_confidence(found), found.confidence, found.secondary),
        cell(found.source),
        cell(found.note),
    )


def _confidence(row: PublishedRow) -> str:
    return ", ".join(filter(None, (row.confidence, "secondary summary" if row.secondary else "")))


def published_tables(found: Findings) -> dict[str, Table]:
    """The published tables that a report shows, by the name of their files; none unless asked."""
    tables = dict[str, Table]()
    if found.published:
        tables["published"] = beside(found)
    for name in found.facts.published:
        tables[f"published_{name}"] = published_table(name)
    return tables
