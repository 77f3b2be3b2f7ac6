"""Other people's numbers, each with where it was read, beside the measured ones.

They ship with the repository under `results/published`. Rows that contradict each other are shown
side by side, never averaged.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.ablation.records import PlanFacts, Row, RunRecord
from workbench.ablation.report.sheet import Cell, Heading, Sheet, top1_text
from workbench.ablation.statistics import summarise
from workbench.checkout import PUBLISHED
from workbench.errors import InputError, unknown

NAMES = ("row", "model", "ablation")  # the column that names a row, first one found
IMAGENET = "ImageNet-1k"  # of every file that has no column of its own for it

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


@dataclass(frozen=True, slots=True)
class Published:
    """One published row. `top1` is None where the source prints none; the note says why."""

    file: str
    name: str
    dataset: str
    top1: float | None
    delta: str
    source: str
    confidence: str
    note: str


def table_names(folder: Path = PUBLISHED) -> tuple[str, ...]:
    """The published tables there are."""
    names = tuple(sorted(path.stem for path in folder.glob("*.csv")))
    if not names:
        raise InputError(
            f"published: no tables in {folder}; they come with a clone of the repository"
        )
    return names


def read_table(name: str, folder: Path = PUBLISHED) -> list[dict[str, str]]:
    """A published table as it stands, every value as text."""
    if name not in table_names(folder):
        raise unknown("published", name, table_names(folder))
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_published(name: str, folder: Path = PUBLISHED) -> tuple[Published, ...]:
    """The rows of a table that gives top-1; refused for one that does not."""
    rows = read_table(name, folder)
    key = next((key for key in NAMES if rows and key in rows[0]), None)
    if key is None or "top1" not in rows[0]:
        raise InputError(f"published: {name!r} is no table of top-1")
    return tuple(
        Published(
            file=name,
            name=row[key],
            dataset=row.get("dataset") or IMAGENET,
            top1=float(row["top1"]) if row["top1"] else None,
            delta=row.get("delta", ""),
            source=row["source"],
            confidence=row.get("confidence", ""),
            note=row["note"],
        )
        for row in rows
    )


def find(reference: str, folder: Path = PUBLISHED) -> tuple[Published, ...]:
    """Every row that `file/row` names; one source each, so there may be several."""
    name, _, wanted = reference.partition("/")
    rows = read_published(name, folder)
    found = tuple(row for row in rows if row.name == wanted)
    if not found:
        raise unknown(f"published: {name}", wanted, {row.name for row in rows})
    return found


def shipped(folder: Path = PUBLISHED) -> bool:
    """Whether the published tables are here; they are not in an installed wheel."""
    return any(folder.glob("*.csv"))


def check_names(rows: Iterable[tuple[str, str | None]], tables: Iterable[str]) -> None:
    """Refuse a row of (variant, reference) and a table that are not there, while it is early."""
    if not shipped():
        return
    for variant, reference in rows:
        if reference is not None:
            try:
                find(reference)
            except InputError as error:
                raise InputError(f"variant {variant!r}: {error}") from None
    for name in tables:
        read_table(name)


def short_text(found: Sequence[Published], dataset: str) -> str:
    """Top-1 as published, every value once; of a row without one, what the source says of it."""
    values = dict.fromkeys(
        (f"{row.top1:g}" if row.top1 is not None else row.note)
        + ("" if same_dataset(dataset, row.dataset) else f" ({row.dataset}, another data set)")
        for row in found
    )
    return "; ".join(values)


def published_sheet(name: str, folder: Path = PUBLISHED) -> Sheet:
    """A whole published table, as it was read."""
    rows = read_table(name, folder)
    headings = tuple(Heading(key, (key,), right=False) for key in rows[0])
    cells = tuple(tuple(Cell(value, (value,)) for value in row.values()) for row in rows)
    title = f"Published: {name}"
    return Sheet(title, headings, cells, ("",) * len(cells), (_beware(name),))


def _beware(name: str) -> str:
    return f"Not measured here. From results/published/{name}.csv, each row with its source."


def beside(
    facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord], folder: Path = PUBLISHED
) -> Sheet:
    """Measured rows and the published rows that they stand for (`Row.published`)."""
    pairs = [(row, found) for row in rows if row.published for found in find(row.published, folder)]
    cells = tuple(_pair(facts, row, runs, found) for row, found in pairs)
    notes = (
        "Published numbers are other people's, with their recipe; on another data set only the "
        "direction of a difference can be compared.",
    )
    return Sheet("Measured and published", BESIDE, cells, ("",) * len(cells), notes)


def _pair(
    facts: PlanFacts, row: Row, runs: Sequence[RunRecord], found: Published
) -> tuple[Cell, ...]:
    measured = summarise(row, runs)
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


def sheets(
    facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord], folder: Path = PUBLISHED
) -> dict[str, Sheet]:
    """The published tables that a report shows, by the name of their files; none unless asked."""
    found = dict[str, Sheet]()
    if not shipped(folder):
        return found
    if any(row.published for row in rows):
        found["published"] = beside(facts, rows, runs, folder)
    for name in facts.published:
        found[f"published_{name}"] = published_sheet(name, folder)
    return found
