"""CMT and its peers by one convention, beside every top-1 that was published for them.

Counting timm's networks takes a minute, so the counts ship as `results/measured/costs.csv`:

    python -c "from workbench.cost.peers import write_counts; write_counts()"
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median_low

from workbench.cost.speed import Speed, measure_speed
from workbench.cost.target import counted, target
from workbench.errors import InputError
from workbench.published import PublishedModel, figures, rows_of
from workbench.shipped import in_checkout
from workbench.show.formats import csv_text

PEERS: Mapping[str, tuple[str, ...]] = {
    "CMT": ("cmt_ti", "cmt_xs", "cmt_s", "cmt_b"),
    "LeViT": ("levit_128s", "levit_128", "levit_192", "levit_256", "levit_384"),
    "VOLO": ("volo_d1", "volo_d2", "volo_d3"),
    "DeiT": ("deit_ti", "deit_s", "timm:deit_base_patch16_224"),
    "EfficientNet": tuple(f"timm:tf_efficientnet_b{size}" for size in range(6)),
    "ConViT": ("timm:convit_tiny", "timm:convit_small", "timm:convit_base"),
    "Twins": (
        "timm:twins_svt_small",
        "timm:twins_svt_base",
        "timm:twins_svt_large",
        "timm:twins_pcpvt_small",
        "timm:twins_pcpvt_base",
        "timm:twins_pcpvt_large",
    ),
    "MViTv2": ("timm:mvitv2_tiny", "timm:mvitv2_small", "timm:mvitv2_base"),
    "PVT": ("timm:pvt_v2_b1", "timm:pvt_v2_b2", "timm:pvt_v2_b3"),
    "Swin": (
        "timm:swin_tiny_patch4_window7_224",
        "timm:swin_small_patch4_window7_224",
        "timm:swin_base_patch4_window7_224",
    ),
    "ConvNeXt": ("timm:convnext_tiny", "timm:convnext_small", "timm:convnext_base"),
    "MaxViT": ("timm:maxvit_tiny_tf_224", "timm:maxvit_small_tf_224"),
    "EfficientFormerV2": tuple(
        f"timm:efficientformerv2_{size}" for size in ("s0", "s1", "s2", "l")
    ),
    "FastViT": tuple(f"timm:fastvit_{size}" for size in ("t8", "t12", "sa12", "sa24", "sa36")),
    "Next-ViT": ("timm:nextvit_small", "timm:nextvit_base", "timm:nextvit_large"),
}


@dataclass(frozen=True, slots=True)
class CountedPeer:
    """One network, counted: ours in closed form, timm's traced."""

    network: str
    family: str
    resolution: int
    params: int
    macs: int
    counted_by: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One network with every top-1 that was published for it, in percent.

    `top1` is the middle one of the distinct figures (of two, the lower): one that is printed
    somewhere, never a mean. `low` and `high` are the least and the greatest.
    """

    counted: CountedPeer
    model: str  # as published
    top1: float
    low: float
    high: float
    rows: tuple[PublishedModel, ...]


def count_peers(names: Iterable[str] | None = None) -> tuple[CountedPeer, ...]:
    """`names`, or all of `PEERS`, counted here and now."""
    homes = {name: family for family, listed in PEERS.items() for name in listed}
    return tuple(_count(name, homes.get(name, "")) for name in names or homes)


def _count(name: str, family: str) -> CountedPeer:
    found = target(name)
    cost = counted(found)
    how = "closed form" if found.spec else "trace"
    return CountedPeer(name, family, cost.resolution, cost.params, cost.macs, how)


def counts_file() -> Path:
    """Where the counts ship."""
    return in_checkout("results/measured/costs.csv")


def write_counts(path: Path | None = None) -> Path:
    """Count all of `PEERS` into a CSV file, by default the one that ships."""
    rows = map(astuple, count_peers())
    text = csv_text([field.name for field in fields(CountedPeer)], rows)
    place = path or counts_file()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return place


def read_counts(path: Path | None = None) -> tuple[CountedPeer, ...]:
    """The counts that ship. Raises `InputError` where they are not there."""
    place = path or counts_file()
    try:
        rows = list(csv.DictReader(io.StringIO(place.read_text(encoding="utf-8"))))
    except OSError as error:
        raise InputError(f"{place} can't be read: {error.strerror}", key="costs") from None
    return tuple(
        CountedPeer(
            network=row["network"],
            family=row["family"],
            resolution=int(row["resolution"]),
            params=int(row["params"]),
            macs=int(row["macs"]),
            counted_by=row["counted_by"],
        )
        for row in rows
    )


def standings(counts: Iterable[CountedPeer]) -> tuple[Standing, ...]:
    """Those for which a top-1 was published at their resolution."""
    return tuple(found for each in counts if (found := _standing(each)))


def _standing(counted: CountedPeer) -> Standing | None:
    rows = tuple(row for row in rows_of(counted.network, counted.resolution) if row.top1)
    values = [float(figure.value) for figure in figures(rows, "top1")]
    if not values:
        return None
    return Standing(
        counted, rows[0].model, median_low(values), min(values), max(values), rows
    )  # fmt: skip


def measure_peers(names: Sequence[str], batch: int = 8, seconds: float = 0.5) -> dict[str, Speed]:
    """Throughput here and now, of batches of `batch` images; ours with every BN folded."""
    found = {name: target(name) for name in names}
    return {
        name: measure_speed(
            one.build(fused=True), name, one.channels, one.resolution, batch, seconds=seconds,
            least=3,
        )
        for name, one in found.items()
    }  # fmt: skip


__all__ = [
    "PEERS",
    "CountedPeer",
    "Standing",
    "count_peers",
    "measure_peers",
    "read_counts",
    "standings",
    "write_counts",
]
