"""Sweeps under fire.

    python -m benchmarks.soak [--kills 1000] [--seed 0] [--out FOLDER] [--ray]

With `--out` it may be stopped at any time, and the same command goes on; so may one with a larger
number of kills.

Sweeps of 12 tiny runs are disturbed at random moments: the driver or a worker is killed, stopped
or interrupted, its terminal goes away, its disk is full, its folder is read-only for a while. Each
time the ledger opens, no finished run is lost or there twice, no number differs from an undisturbed
sweep, no process is left 10 s later, and the same command resumes. What is not so is printed as it
happens, and the exit code is 1. A full disk and a read-only folder need a user who may mount a
small file system, and actors --ray; else they are left out, and the table says so.
"""

import argparse
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.soak.actors import actors
from benchmarks.soak.disk import small_disk
from benchmarks.soak.disturbances import DISTURBANCES
from benchmarks.soak.loop import FAULTS, Soak
from benchmarks.soak.nursery import Nursery
from benchmarks.soak.tally import Tally
from workbench.errors import InputError, in_one_line
from workbench.plans.file import parse_plan
from workbench.plans.resolution import resolve
from workbench.runs.progress import duration
from workbench.show.console import make_console
from workbench.show.formats import as_json, as_markdown
from workbench.show.table import Column, Table, cell, number
from workbench.show.terminal import view

PLAN = {
    "name": "soak",
    "kind": "list",
    "seeds": [0, 1, 2],
    "recipe": {"epochs": 4, "data": {"name": "synthetic", "train_size": 100, "test_size": 40}},
    "rows": [
        {"name": "small", "base": "cmt_digits"},
        {"name": "no LPU", "set": "lpu=none"},
        {"name": "batch norm", "set": "norm=bn"},
        {"name": "mlp", "set": "ffn=mlp"},
    ],
}


def soak(kills: int, seed: int, root: Path, out: Path | None = None, ray: bool = False) -> Table:
    """The table of a soak whose files go below `root`; what it did so far is kept in `out`.

    With `ray` actors are killed too, in sweeps on a Ray of its own.
    """
    plan = root / "plan.json"
    plan.write_text(resolve(parse_plan(PLAN)).model_dump_json())
    tally = Tally.of(seed, out / "tally.json" if out else None)
    on_ray = actors() if ray and tally.done < kills else nullcontext(None)
    with on_ray as held, small_disk(root / "disk") as disk, Nursery() as nursery:
        soaked = Soak(root / "disk", plan, disk, nursery, tally, held)
        if tally.done < kills:
            soaked.prepare()
        for fault in soaked.run(kills):
            print(fault, file=sys.stderr, flush=True)
    return _table(tally)


def _table(tally: Tally) -> Table:
    columns = [Column("Disturbance", ("disturbance",), "name"), Column("Times", ("times",))]
    columns += [Column(name.capitalize(), (name.replace(" ", "_"),)) for name in FAULTS]
    columns.append(Column("Slowest end, s", ("slowest_end_seconds",)))
    rows = []
    for name, counts in tally.counts.items():
        found = [sum(each.startswith(fault) for each in counts.faults) for fault in FAULTS]
        cells = [cell(str(each), each) for each in (counts.times, *found)]
        rows.append((cell(name), *cells, number(counts.slowest, ".1f")))
    left = [name for name in DISTURBANCES if name not in tally.counts]
    notes = [
        f"{tally.done} disturbances, seed {tally.seed}, {tally.sweeps} sweeps of 12 runs came to "
        f"their end; {duration(tally.seconds)}."
    ]
    if left:
        notes.append(f"Left out, for want of --ray, or of the right to mount: {', '.join(left)}.")
    return Table("Sweeps under fire", tuple(columns), rows, notes=tuple(notes))


def main() -> int:
    """The exit code: 1 where a fault was found, 2 for a tally that can't be gone on with."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="soak.md, soak.json and tally.json go there")
    parser.add_argument("--ray", action="store_true", help="kill actors, on a Ray of its own, too")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is mounted goes first
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix="workbench-soak-") as root:
            table = soak(given.kills, given.seed, Path(root), given.out, given.ray)
    except InputError as error:
        print(in_one_line(f"error: {error}"), file=sys.stderr)
        return 2
    make_console().print(view(table))
    if given.out:
        (given.out / "soak.md").write_text(as_markdown(table))
        (given.out / "soak.json").write_text(as_json(table))
    return int(faults(table) > 0)


def faults(table: Table) -> int:
    """How many there are, of all kinds."""
    return sum(int(each.values[0] or 0) for row in table.rows for each in row[2 : 2 + len(FAULTS)])


if __name__ == "__main__":
    sys.exit(main())
