"""The metrics beside the one that verdicts are about: calibration, AP50, pixel accuracy, ..."""

from collections.abc import Sequence
from statistics import fmean, stdev

from workbench.report.findings import Findings
from workbench.runs.rows import StoredRun
from workbench.show.table import Cell, Column, Table, cell
from workbench.statistics.facts import Outcome
from workbench.statistics.metric import FURTHER, SIZES, TOP1


def further_table(found: Findings) -> Table | None:
    """Mean and standard deviation over the completed seeds; None where runs have none."""
    names = [name for name in FURTHER if any(name in run.details for run in found.runs)]
    if not names:
        return None
    keys = [name.lower().replace(" ", "_").replace("-", "_") for name in names]
    columns = (
        Column("Variant", ("variant",), "name"),
        *(
            Column(f"{name[:1].upper()}{name[1:]}, %", (f"{key}_mean", f"{key}_std"))
            for name, key in zip(names, keys, strict=True)
        ),
    )
    rows = []
    for row in found.rows:
        done = [
            run
            for run in found.runs
            if run.variant == row.name and run.outcome is Outcome.COMPLETED
        ]
        rows.append((cell(row.name), *(_cell(done, name) for name in names)))
    notes = ["Without verdicts: the plan declared none about them."]
    if "calibration error" in names:
        notes.append("Calibration error: of 15 bins of confidence; smaller is better.")
    if set(names) & set(SIZES):
        notes.append("Sizes are COCO's, in pixels: small below 32 x 32, large from 96.")
    return Table("Further metrics", columns, rows, notes=tuple(notes))


def _cell(runs: Sequence[StoredRun], name: str) -> Cell:
    values = [float(value) for run in runs if (value := run.details.get(name)) is not None]
    if not values:
        return cell("", None, None)
    mean, sd = fmean(values), stdev(values) if len(values) > 1 else None
    return cell(TOP1.text(mean, sd), mean, sd)
