"""The metrics beside the one that verdicts are about: AP50, AP75, AP by size, pixel accuracy."""

from collections.abc import Sequence
from statistics import fmean, stdev

from workbench.report.findings import Findings
from workbench.runs.rows import StoredRun
from workbench.show.table import Cell, Column, Table, cell
from workbench.statistics.facts import Outcome
from workbench.statistics.metric import FURTHER


def further_table(found: Findings) -> Table | None:
    """Mean and standard deviation over the completed seeds; None where runs have none."""
    names = [name for name in FURTHER if any(name in run.details for run in found.runs)]
    if not names:
        return None
    keys = [name.lower().replace(" ", "_") for name in names]
    columns = (
        Column("Variant", ("variant",), "name"),
        *(
            Column(f"{name}, %", (f"{key}_mean", f"{key}_std"))
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
    note = "Without verdicts: the plan declared none about them. Sizes are COCO's, in pixels: small"
    return Table("Further metrics", columns, rows, notes=(f"{note} below 32 x 32, large from 96.",))


def _cell(runs: Sequence[StoredRun], name: str) -> Cell:
    values = [float(value) for run in runs if (value := run.details.get(name)) is not None]
    if not values:
        return cell("", None, None)
    mean, sd = fmean(values), stdev(values) if len(values) > 1 else None
    return cell(f"{mean:.2f}" + (f" ± {sd:.2f}" if sd is not None else ""), mean, sd)
