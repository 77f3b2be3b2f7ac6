"""`workbench runs` and `workbench show`: the runs of results folders, listed and one by one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from workbench.config import EpochRecord, Outcome, Scalar, named
from workbench.errors import InputError, unknown
from workbench.runs.command import repeat_command
from workbench.runs.folder import results_folders
from workbench.runs.progress import duration
from workbench.runs.results import Sweep, load_sweep
from workbench.runs.rows import StoredRun, run_text
from workbench.show.console import plural
from workbench.show.table import Cell, Column, Table, Tone, cell, number
from workbench.show.terminal import view
from workbench.statistics.facts import PENDING, RUNNING
from workbench.statistics.metric import Metric, score_of

SHORT = 12  # characters of a run's id, as they are shown
BARS = "▁▂▃▄▅▆▇█"
EPOCHS = 12  # of a curve, as a table; the last is always one of them
STATUSES = (PENDING, RUNNING, *map(str, Outcome))


def _columns(score: Metric) -> tuple[Column, ...]:
    return (
        Column("Run", ("id",), "name"),
        Column("Variant", ("variant",), "name"),
        Column("Seed", ("seed",)),
        Column("Status", ("status",), "text", rank=1),
        Column(score.title, (score.key,)),
        Column("Test loss", ("test_loss",), rank=3),
        Column("Epochs", ("epochs",), rank=4),
        Column("Time", ("seconds",), rank=2),
        Column("Reason", ("reason", "step"), "text", rank=5, under="lost"),
    )


CURVE = ("epoch", "train_loss", "test_loss", "top1", "lr", "seconds")


def _curve_columns(score: str) -> tuple[Column, ...]:
    titles = ("Epoch", "Training loss", "Test loss", score, "Learning rate", "Seconds")
    return tuple(Column(title, (key,)) for title, key in zip(titles, CURVE, strict=True))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which runs are wanted; what is empty keeps all. `variants` may have `*` and `?`."""

    variants: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    statuses: tuple[str, ...] = ()
    least: float | None = None  # percent: the score

    def __post_init__(self) -> None:
        for status in self.statuses:
            if status not in STATUSES:
                raise unknown("status", status, STATUSES)

    def check(self, sweep: Sweep) -> None:
        """Raises `InputError` for a variant or a seed that no run has."""
        names = {run.variant for run in sweep.runs}
        for pattern in self.variants:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise unknown("variant", pattern, names)
        seeds = {run.seed for run in sweep.runs}
        for seed in self.seeds:
            if seed not in seeds:
                raise unknown("seed", str(seed), map(str, seeds))

    def keep(self, run: StoredRun) -> bool:
        """Whether the run is wanted."""
        named = any(fnmatchcase(run.variant, pattern) for pattern in self.variants)
        high = self.least is None or (run.top1 is not None and run.top1 >= self.least)
        return (
            (named or not self.variants)
            and (run.seed in self.seeds or not self.seeds)
            and (run.status in self.statuses or not self.statuses)
            and high
        )


def runs_table(sweep: Sweep, filters: Filters | None = None) -> Table:
    """The runs of a results folder that pass the filters, by seed, in the order of the plan.

    Raises `InputError` for a variant or a seed that the plan does not have.
    """
    if filters is not None:
        filters.check(sweep)
    kept = [run for run in sweep.runs if filters is None or filters.keep(run)]
    note = f"{len(kept)} of {plural(len(sweep.runs), 'run')}."
    tones = [_tone(run) for run in kept]
    score = score_of(sweep.plan.recipe.task.name)
    columns, cells = _columns(score), [*map(_cells, kept)]
    return Table(f"Runs of {sweep.plan.name}", columns, cells, tones, (note,))


def _tone(run: StoredRun) -> Tone:
    return "lost" if run.outcome not in (None, Outcome.COMPLETED) else ""


def _cells(run: StoredRun) -> tuple[Cell, ...]:
    return (
        cell(run.id[:SHORT], run.id),
        cell(run.variant),
        number(run.seed, ""),
        cell(run.status),
        number(run.top1, ".2f"),
        number(run.test_loss, ".4f"),
        cell(f"{len(run.curve)}/{run.recipe.epochs}", len(run.curve)),
        cell("" if run.seconds is None else duration(run.seconds), run.seconds),
        cell(run.reason or "", run.reason, run.step),
    )


# ---------------------------------------------------------------- one run


@dataclass(frozen=True, slots=True)
class Shown:
    """One run, and where it is from."""

    run: StoredRun
    where: str
    command: str  # which repeats it alone; empty where it is not known
    environment: Mapping[str, object]
    also: tuple[str, ...] = ()  # where it stands besides: a run that was repeated keeps its id


def find_run(ref: str, results: str | Path, plan: str | None = None) -> Shown:
    """The run whose id begins with `ref`, in `results`: a results folder, one that holds several,
    or a ledger. Raises `InputError` if there is none, or more than one. A run that was repeated has
    the same id in both folders: it is the one that began first, and the others are named.
    """
    found = {
        (run.id, where): (run, sweep)
        for where, sweep in _sweeps(results, plan).items()
        for run in sweep.runs
        if run.id.startswith(ref.lower())
    }
    if not ref or not found:
        raise InputError(
            f"{ref!r} is the beginning of no run's id in {results}; "
            "`workbench runs FOLDER` lists them",
            key="run",
        )
    if len({run for run, _ in found}) > 1:
        some = ", ".join(sorted({run[:SHORT] for run, _ in found})[:4])
        raise InputError(
            f"{ref!r} is the beginning of several ids, {some}; give more of it", key="run"
        )
    ((_, where), (run, sweep)), *others = sorted(
        found.items(), key=lambda item: (item[1][0].started or "~", item[0])
    )
    repeat = repeat_command(run, str(sweep.environment.get("command", "")))
    return Shown(run, where, repeat, sweep.environment, tuple(place for (_, place), _ in others))


def _sweeps(results: str | Path, plan: str | None) -> dict[str, Sweep]:
    if "://" in str(results) or Path(results).is_file():
        return {str(results): load_sweep(results, plan)}
    if not Path(results).is_dir():
        raise InputError(f"{results} does not exist", key="results")
    found = {str(folder): load_sweep(folder) for folder in results_folders(Path(results))}
    return {where: sweep for where, sweep in found.items() if plan in (None, sweep.plan.name)}


def run_data(shown: Shown) -> dict[str, object]:
    """All of it, unrounded, for `--json`."""
    run, task = json.loads(shown.run.model_dump_json()), shown.run.recipe.task.name
    run["details"] = _named(run["details"], task)
    run["curve"] = [_named(epoch, task) for epoch in run["curve"]]
    where = {"folder": shown.where, "also_in": list(shown.also), "command": shown.command}
    return {**where, **_named(run, task), "environment": dict(shown.environment)}


def _named(facts: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Facts of a run under their names for people."""
    return dict(zip(named(facts, task), facts.values(), strict=True))


def print_run(shown: Shown, console: Console) -> None:
    """Outcome, command, configuration, curves and environment."""
    run = shown.run
    metric = score_of(run.recipe.task.name)
    details: Mapping[str, Scalar] = _named(run.details, run.recipe.task.name)
    score = f"{metric.name}, {metric.unit}"
    console.print(f"[bold]{escape(run.variant)}, seed {run.seed}[/bold]  ({run.id})")
    facts: dict[str, object] = {
        "plan": f"{run.plan}, in {shown.where}",
        "also in": f"{', '.join(shown.also)}; --results shows it there" if shown.also else None,
        "outcome": run.status + (f": {run.reason}" if run.reason else ""),
        "step": run.step,
        score: None if run.top1 is None else f"{run.top1:.2f}",
        "test loss": None if run.test_loss is None else f"{run.test_loss:.4f}",
        **{key.replace("_", " "): _rounded(value) for key, value in details.items()},
        "trained": None if run.seconds is None else f"{duration(run.seconds)}, tests included",
        "images/s": None if run.images_per_second is None else f"{run.images_per_second:.0f}",
        "device": run.device,
        "params": f"{run.params:,}",
        "MACs": f"{run.macs:,}",
        "begun": run.started,
        "ended": _ended(run),
        "repeat": shown.command or None,
    }
    _facts(facts, console)
    _curves(run.curve, score, metric.title, console)
    console.print(Text("Configuration", style="bold"))
    console.print(Padding(Text(run_text(run).rstrip()), (0, 0, 0, 2)))
    console.print(Text("Environment", style="bold"))
    host: dict[str, object] = dict(run.host) or dict(shown.environment)
    _facts({key: value for key, value in host.items() if key != "device"}, console)  # as asked for


def _rounded(value: Scalar) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _ended(run: StoredRun) -> str | None:
    """When, and how long after it began: a process has to start, and to read its data."""
    if run.ended is None or run.started is None:
        return run.ended
    took = datetime.fromisoformat(run.ended) - datetime.fromisoformat(run.started)
    return f"{run.ended}, {duration(took.total_seconds())} after it began"


def _facts(facts: Mapping[str, object], console: Console) -> None:
    known = {key: value for key, value in facts.items() if value is not None}
    width = max(map(len, known), default=0)
    for key, value in known.items():
        line = Text(f"  {key.ljust(width)}  ", style="dim") + Text(str(value), style="default")
        console.print(line, soft_wrap=True, highlight=False)


def _curves(curve: Sequence[EpochRecord], score: str, title: str, console: Console) -> None:
    if not curve:
        return
    console.print(Text("Curves", style="bold"))
    lines: dict[str, list[float | None]] = {
        "training loss": [epoch.train_loss for epoch in curve],
        "test loss": [epoch.test_loss for epoch in curve],
        score: [epoch.top1 for epoch in curve],
    }
    width = max(8, min(60, console.width - 44))
    _facts({name: _line(values, width) for name, values in lines.items()}, console)
    console.print(view(_curve_table(curve, title)))


def _line(values: Sequence[float | None], width: int) -> str | None:
    """A curve as bars, with its first, last and extreme values; gaps where none was measured."""
    known = [value for value in values if value is not None and value == value]
    if not known:
        return None
    low, high = min(known), max(known)
    drawn = "".join(_bar(value, low, high) for value in _thinned(values, width))
    return f"{drawn}  {known[0]:.4g} to {known[-1]:.4g}, between {low:.4g} and {high:.4g}"


def _bar(value: float | None, low: float, high: float) -> str:
    if value is None or value != value:
        return " "
    share = (value - low) / (high - low) if high > low else 0.0
    return BARS[min(int(share * len(BARS)), len(BARS) - 1)]


def _thinned(values: Sequence[float | None], most: int) -> list[float | None]:
    """As many as `most`, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(index * (len(values) - 1) / (most - 1))] for index in range(most)]


def _curve_table(curve: Sequence[EpochRecord], score: str) -> Table:
    step = -(-len(curve) // EPOCHS)
    rows = [
        tuple(_epoch_cell(epoch, key) for key in CURVE)
        for index, epoch in enumerate(curve)
        if (len(curve) - 1 - index) % step == 0
    ]
    note = f"Every {step} epochs; --json has all, counted from 0." if step > 1 else ""
    return Table("", _curve_columns(score), rows, notes=(note,) if note else ())


def _epoch_cell(epoch: EpochRecord, key: str) -> Cell:
    value = getattr(epoch, key)
    if value is None or value != value:
        return cell("", value)
    return cell(str(value + 1) if key == "epoch" else f"{value:.4g}", value)  # people count from 1
