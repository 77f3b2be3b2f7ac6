"""The files and the terminal view of a study."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from workbench.runs.folder import write_text
from workbench.scaling.constants import PAPER
from workbench.show import figures as style
from workbench.show.console import plural
from workbench.show.formats import csv_text
from workbench.show.table import Cell, Column, Table, cell, number
from workbench.show.terminal import view
from workbench.study import figures
from workbench.study.cost_map import CostMap
from workbench.study.page import study_page
from workbench.study.stored import STUDY_JSON
from workbench.study.summary import FEWEST, ReportedStudy, Spread, StudySummary, study_answer
from workbench.study.trials import Trial

COLUMNS = (
    "number", "outcome", "alpha", "beta", "gamma", "network", "same_as", "macs", "params",
    "growth", "top1", "top1_by_seed", "throughput", "reason",
)  # fmt: skip
SHOWN = 12  # networks
REPORT = style.Output()
MAP, COST_MAP = "map", "cost_map"  # the figures to look at first


def study_json(
    study: ReportedStudy, trials: Sequence[Trial], summary: StudySummary
) -> dict[str, object]:
    """Everything, unrounded."""
    return {
        "study": study.file.name,
        "question": study.file.question,
        "top": study.file.top,
        "surface": {
            "exponents": study.surface.exponents.model_dump(),
            "growth": study.surface.growth,
        },
        "space": study.document(),
        "answer": study_answer(trials, summary),
        "summary": summary.to_json(),
        "trials": [_row(trial) for trial in trials],
    }


def write_study(
    folder: Path, study: ReportedStudy, trials: Sequence[Trial], summary: StudySummary
) -> list[Path]:
    """`study.json`, `trials.csv`, the figures `map` and `top1_macs`, and `report.html`."""
    data = study_json(study, trials, summary)
    written = [
        write_text(folder / STUDY_JSON, json.dumps(data, indent=2) + "\n"),
        write_csv(folder / "trials.csv", COLUMNS, (_flat(_row(trial)) for trial in trials)),
    ]
    written += write_figures(folder, study, trials, summary)
    tables = [replace(_networks("Networks", trials), notes=summary.notes)]
    if len(summary.top) >= FEWEST:
        tables.append(
            replace(_constants(summary), title="Constants", notes=(_importance(summary),))
        )
    document = study_page(folder, study, trials, summary, tables)
    return [*written, write_text(folder / "report.html", document)]


def write_figures(
    folder: Path,
    study: ReportedStudy,
    trials: Sequence[Trial],
    summary: StudySummary,
    output: style.Output = REPORT,
) -> list[Path]:
    """The figures `map` and `top1_macs`, the latter where anything trained."""
    with style.style():
        drawn = {
            MAP: figures.draw_map(study, trials, summary, output.width),
            "top1_macs": figures.draw_top1(trials, summary, output.width),
        }
    return style.save_all(drawn, folder, output.formats)


def write_costs(folder: Path, found: CostMap) -> list[Path]:
    """`cost_map.csv` and the figure `cost_map`."""
    rows = list(found.rows())
    with style.style():
        drawn = figures.draw_costs(found)
    saved = style.save_all({COST_MAP: drawn}, folder)
    return [write_csv(folder / "cost_map.csv", tuple(rows[0]), rows), *saved]


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Path:
    """A table, whole or not at all."""
    return write_text(path, csv_text(columns, ([row[key] for key in columns] for row in rows)))


def _row(trial: Trial) -> dict[str, object]:
    plain = {name: getattr(trial, name) for name in COLUMNS if hasattr(trial, name)}
    found = plain | trial.constants.model_dump()
    return {name: found[name] for name in COLUMNS}


def _flat(row: Mapping[str, Any]) -> dict[str, object]:
    seeds = " ".join(f"{value!r}" for value in row["top1_by_seed"])
    return {**row, "top1_by_seed": seeds}


# ---------------------------------------------------------------- terminal


def study_tables(
    study: ReportedStudy, trials: Sequence[Trial], summary: StudySummary
) -> tuple[Table, ...]:
    """The best networks, and the constants with their spread."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(summary.outcomes.items()))
    points, networks = plural(len(trials), "point"), plural(summary.networks, "network")
    head = f"{study.file.name}: {points} ({counts}), {networks} trained"
    notes = list(summary.notes)
    if len(study.file.objectives) > 1:
        shown = ", ".join(map(str, summary.front))
        notes.insert(0, f"Pareto front of {', '.join(study.file.objectives)}: trials {shown}.")
    first = _networks(head, trials)
    if len(summary.top) < FEWEST:
        return (replace(first, notes=tuple(notes)),)
    return first, replace(_constants(summary), notes=(_importance(summary), *notes))


def study_view(
    study: ReportedStudy, trials: Sequence[Trial], summary: StudySummary
) -> RenderableType:
    """The same and the answer, for a notebook."""
    answer = Text(study_answer(trials, summary), style="bold")
    return Group(*map(view, study_tables(study, trials, summary)), answer)


TRAINED = (
    Column("trial", ("number",)),
    Column("alpha", ("alpha",), rank=1),
    Column("beta", ("beta",), rank=1),
    Column("gamma", ("gamma",), rank=1),
    Column("network", ("network",), "name"),
    Column("MACs", ("macs",), rank=3),
    Column("growth", ("growth",), rank=2),
    Column("top-1, %", ("top1",)),
)


def _networks(title: str, trials: Sequence[Trial]) -> Table:
    trained = [trial for trial in trials if trial.scored]
    best = sorted(trained, key=lambda each: -(each.top1 or 0.0))[:SHOWN]
    return Table(title, TRAINED, [*map(_trained, best)])


def _trained(trial: Trial) -> tuple[Cell, ...]:
    papers = " paper's" if trial.point == PAPER.each() else ""
    return (
        number(trial.number, ""),
        *(number(value, ".3f") for value in trial.constants.each()),
        cell(trial.network or "", trial.network),
        number(trial.macs),
        number(trial.growth, ".3f"),
        cell(f"{trial.top1:.2f}{papers}", trial.top1),
    )


def _constants(summary: StudySummary) -> Table:
    columns = (
        Column("constant", ("constant",), "name"),
        Column(summary.leader, ("best",)),
        Column(f"mean of the top {len(summary.top)} networks", ("mean", "std")),
        Column("range of them", ("low", "high")),
    )
    rows = [
        (
            cell(name),
            number(spread.best, ".3f"),
            cell(_mean(spread), spread.mean, spread.sd),
            cell(f"{spread.low:.3f} to {spread.high:.3f}", spread.low, spread.high),
        )
        for name, spread in summary.spread.items()
    ]
    return Table("", columns, rows)


def _mean(spread: Spread) -> str:
    return f"{spread.mean:.3f}" + (f" ± {spread.sd:.3f}" if spread.sd is not None else "")


def _importance(summary: StudySummary) -> str:
    if not summary.importance:
        return "Importance: too few trials, or all alike."
    shares = ", ".join(f"{name} {share:.0%}" for name, share in summary.importance.items())
    return f"Importance (functional ANOVA): {shares}."


MAPPED = (
    Column("network", ("network",), "name"),
    Column("points", ("points",)),
    Column("MACs", ("macs",), rank=2),
    Column("growth", ("growth",), rank=1),
    Column("alpha", ("alpha",), rank=3),
    Column("beta", ("beta",), rank=3),
    Column("gamma", ("gamma",), rank=3),
)


def costs_view(found: CostMap) -> RenderableType:
    """Which constants give the growth after rounding: networks, and the points of each."""
    file, share = found.study.file, len(found.feasible) / len(found.candidates)
    counts, networks = found.counts(), found.networks()
    rows = []
    for label, each in list(networks.items())[:SHOWN]:
        if each.scaled:
            macs, growth = number(each.scaled.cost.macs), number(each.scaled.growth, ".3f")
            constants = (number(value, ".3f") for value in each.constants.each())
            rows.append((cell(label), number(counts[label], ""), macs, growth, *constants))
    more = len(networks) - SHOWN
    return Group(
        Text(
            f"{file.name}: {share:.0%} of {plural(len(found.candidates), 'point')} of "
            f"{found.study.surface.exponents} = {file.growth:g} are within {file.tolerance:.0%} "
            f"after rounding; they are {plural(len(networks), 'network')}",
            style="bold",
        ),
        view(Table("", MAPPED, rows)),
        *([Text(f"and {more} more; cost_map.csv and --json have all points")] if more > 0 else []),
    )
