"""Other people's numbers, each with where it was read: `results/published`, as data.

Every figure keeps its source and the digits it was printed with. Rows that contradict each other
stand side by side; nothing is averaged.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from workbench.config import TIMM
from workbench.errors import InputError, nearest, unknown
from workbench.shipped import PUBLISHED

Quantity = Literal["params_m", "gmacs", "top1"]
QUANTITIES: tuple[Quantity, ...] = ("params_m", "gmacs", "top1")
NAMES = ("row", "model", "ablation")  # the column that names a row, first one found
IMAGENET = "ImageNet-1k"  # of every file that has no column of its own for it
ALIASES = {"CMT-B (named CMT-L there)": "CMT-B"}
BACKBONES = {  # in detection.csv, by what timm calls them
    "timm:resnet101": "ResNet-101",
    "timm:resnext101_32x4d": "ResNeXt-101-32x4d",
    "timm:swin_tiny_patch4_window7_224": "Swin-T",
    "timm:twins_pcpvt_small": "Twins-PCPVT-S",
    "timm:twins_svt_small": "Twins-SVT-S",
}
TIMM_ROW = re.compile(r"results-imagenet\.csv row (\w+)(?:\.\w+)? @(\d+)")


# ---------------------------------------------------------------- tables and their rows


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One published row. `top1` is None where the source prints none; the note says why."""

    file: str
    name: str
    dataset: str
    top1: float | None
    delta: str
    source: str
    confidence: str
    note: str

    @property
    def secondary(self) -> bool:
        """Whether it was read in a summary of the source, not in the source itself."""
        return self.source.startswith("secondary")


def table_names(folder: Path = PUBLISHED) -> tuple[str, ...]:
    """The published tables there are."""
    names = tuple(sorted(path.stem for path in folder.glob("*.csv")))
    if not names:
        raise InputError(f"no tables in {folder}", key="published")
    return names


def read_table(name: str, folder: Path = PUBLISHED) -> list[dict[str, str]]:
    """A published table as it stands, every value as text."""
    if name not in table_names(folder):
        raise unknown("published", name, table_names(folder))
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_published(name: str, folder: Path = PUBLISHED) -> tuple[PublishedRow, ...]:
    """The rows of a table that gives top-1; refused for one that does not."""
    rows = read_table(name, folder)
    key = next((key for key in NAMES if rows and key in rows[0]), None)
    if key is None or "top1" not in rows[0]:
        raise InputError(f"{name!r} is no table of top-1", key="published")
    return tuple(
        PublishedRow(
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


def find(reference: str, folder: Path = PUBLISHED) -> tuple[PublishedRow, ...]:
    """Every row that `file/row` names; one source each, so there may be several."""
    name, _, wanted = reference.partition("/")
    rows = read_published(name, folder)
    found = tuple(row for row in rows if row.name == wanted)
    if not found:
        near = nearest(wanted, {row.name for row in rows})
        raise InputError(f"{name}: unknown {wanted!r}; {near}", key="published")
    return found


def same_dataset(measured: str, other: str) -> bool:
    """`cifar10, 5,000 training images` and `CIFAR-10` are, and `cifar10 (the name of its folder)`;
    `CIFAR-100` is not, nor are two folders."""
    (one, two), (first, second) = (
        [_plain(name.split(",")[0].split(end)[0]) for name in (measured, other)]
        for end in (",", " (")
    )
    return one in (two, second) or two == first


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def check_names(rows: Iterable[tuple[str, str | None]], tables: Iterable[str]) -> None:
    """Refuse a row of (variant, reference) and a table that are not there, while it is early."""
    for variant, reference in rows:
        if reference is not None:
            try:
                find(reference)
            except InputError as error:
                raise error.but(row=variant) from None
    for name in tables:
        read_table(name)


class PublishedDetector(NamedTuple):
    """One figure in GFLOPs, which are multiply-adds, with params in millions."""

    gflops: Decimal
    params_m: Decimal | None
    source: str
    note: str


def detection_rows(framework: str, name: str) -> tuple[PublishedDetector, ...]:
    """What was printed of the backbone `name` in `framework`, at 1280 x 800 pixels.

    `name` is a zoo entry, or `timm:NAME`.
    """
    key = _key(BACKBONES.get(name, name))
    return tuple(
        PublishedDetector(
            Decimal(row["gflops_1280x800"]),
            Decimal(row["params_m"]) if row["params_m"] else None,
            row["source"],
            row["note"],
        )
        for row in read_table("detection")
        if row["framework"] == framework and _key(row["backbone"]) == key
        if row["gflops_1280x800"]
    )


# ---------------------------------------------------------------- models of imagenet.csv


class PublishedModel(NamedTuple):
    """One model in one source; a figure that the source does not give is None."""

    model: str
    family: str
    resolution: int | None
    params_m: Decimal | None
    gmacs: Decimal | None
    top1: Decimal | None
    source: str
    note: str


class Figure(NamedTuple):
    """One printed value and every source that prints it."""

    value: Decimal
    sources: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def unit(self) -> Decimal:
        """One unit of the last printed digit."""
        return Decimal(1).scaleb(int(self.value.as_tuple().exponent))

    def agrees(self, measured: Decimal) -> bool:
        """Whether `measured` is this value once rounded or cut to the printed digits."""
        return abs(measured - self.value) < self.unit

    def to_json(self, measured: Decimal | None) -> dict[str, object]:
        """Plain data; the difference is measured minus published."""
        difference = None if measured is None else float(measured - self.value)
        return {
            "value": float(self.value),
            "printed": str(self.value),
            "difference": difference,
            "agrees": None if measured is None else self.agrees(measured),
            "sources": list(self.sources),
            "notes": list(self.notes),
        }


@lru_cache(maxsize=1)
def imagenet() -> tuple[PublishedModel, ...]:
    """Every row of `imagenet.csv`."""
    return tuple(map(_row, read_table("imagenet")))


def _row(record: dict[str, str]) -> PublishedModel:
    def number(name: Quantity) -> Decimal | None:
        return Decimal(record[name]) if record[name] else None

    return PublishedModel(
        model=record["model"],
        family=record["family"],
        resolution=int(record["resolution"]) if record["resolution"] else None,
        params_m=number("params_m"),
        gmacs=number("gmacs"),
        top1=number("top1"),
        source=record["source"],
        note=record["note"],
    )


def rows_of(name: str, resolution: int) -> tuple[PublishedModel, ...]:
    """The rows of a zoo entry or of `timm:NAME` at `resolution`.

    A row that names no resolution belongs to the model's plain name at the resolution that other
    sources give for it, and not to `volo_d5_512` or `DeiT-B/384`.
    """
    plain = name.removeprefix(TIMM)
    label = _timm_label(plain) if plain != name else None
    key, at = _key(label or plain.removeprefix("tf_"))
    named = [(row, _key(ALIASES.get(row.model, row.model))) for row in imagenet()]
    same = [(row, row_at) for row, (row_key, row_at) in named if row_key == key]
    is_home = at is None and any(r.resolution == resolution for r, row_at in same if not row_at)
    sides = {resolution, None} if is_home else {resolution}
    return tuple(row for row, row_at in same if (row.resolution or row_at) in sides)


def _timm_label(plain: str) -> str | None:
    """The name that the figures give the timm model `plain`."""
    for row in imagenet():
        match = TIMM_ROW.search(row.source)
        if match and match[1] == plain:
            return row.model
    return None


def _key(model: str) -> tuple[str, int | None]:
    """`DeiT-B/384` and `deit_b_384` alike as `("deit_b", 384)`."""
    text = re.sub(r"[\s/-]+", "_", model.lower())
    match = re.fullmatch(r"(.+)_(\d{3})", text)
    return (match[1], int(match[2])) if match and _is_side(match) else (text, None)


def _is_side(match: re.Match[str]) -> bool:
    """Whether the digits are a resolution: `levit_128` is a width."""
    return not match[1].endswith("levit")


def figures(rows: Iterable[PublishedModel], quantity: Quantity) -> tuple[Figure, ...]:
    """The distinct values that `rows` print, in order of first appearance."""
    found: dict[str, list[PublishedModel]] = {}
    for row in rows:
        value: Decimal | None = getattr(row, quantity)
        if value is not None:
            found.setdefault(str(value), []).append(row)
    return tuple(
        Figure(
            Decimal(text),
            tuple(dict.fromkeys(row.source for row in listed)),
            tuple(dict.fromkeys(row.note for row in listed if row.note)),
        )
        for text, listed in found.items()
    )


def contradict(found: Iterable[Figure]) -> bool:
    """Whether the figures can't all be roundings of one number."""
    listed = list(found)
    return any(
        abs(a.value - b.value) * 2 >= a.unit + b.unit
        for i, a in enumerate(listed)
        for b in listed[i + 1 :]
        if a.value != b.value
    )
