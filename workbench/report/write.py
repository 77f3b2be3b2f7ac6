"""Everything that a report consists of, written into one folder."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.report import beside_published
from workbench.report.lines import Line, ablation_lines
from workbench.report.page import Picture, page
from workbench.report.shares import attribution_sheet, effects_sheet, pairs_sheet
from workbench.report.table import ablation_sheet
from workbench.runs.folder import write_text
from workbench.show.formats import as_csv, as_json, as_latex, as_markdown
from workbench.show.sheet import Sheet
from workbench.statistics.attribution import Attribution, attribute, full_factorial
from workbench.statistics.effects import Effects, Interactions, main_effects, pair_interactions
from workbench.statistics.facts import PlanFacts, Row, RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPTIONS = {
    "effects": "Difference of each row to the row it is compared with, and its interval.",
    "top1_macs": "Top-1 against multiply-adds, with the Pareto front.",
    "top1_throughput": "Top-1 against training throughput as measured during the sweep, where "
    "other work on the machine counts against it, with the Pareto front.",
    "curves": "Top-1 over the epochs; the band is the range of the seeds.",
    "attribution": "Shapley value of each component; they add up to the whole difference.",
    "interactions": "Interactions of pairs of components.",
}


def write_report(
    folder: Path, facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord]
) -> list[Path]:
    """Tables, curves, figures and `report.html` of a sweep, in `folder`; the paths written.

    Writes what there is: a figure that nothing was measured for is left out, and its file from
    an earlier report is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    main = ablation_sheet(facts, rows, runs)
    found = _attributed(facts, rows, runs)
    shares = [_shares(found)] if found else []
    beside = beside_published.sheets(facts, rows, runs)
    written = write_sheet(folder, "table", main)
    written += [path for sheet in shares for path in write_sheet(folder, "shares", sheet)]
    written += [path for stem, sheet in beside.items() for path in write_sheet(folder, stem, sheet)]
    written.append(write_text(folder / "curves.csv", curves_csv(runs)))
    lines = ablation_lines(facts, rows, runs)
    others = [*shares, *beside.values()]
    drawn = _draw(folder, lines, rows, runs, found)
    document = page(facts, main, [picture for picture, _ in drawn], others, runs)
    figures = [path for _, paths in drawn for path in paths]
    return [*written, *figures, write_text(folder / "report.html", document)]


Found = Attribution | Effects | Interactions


def _attributed(facts: PlanFacts, rows: Sequence[Row], runs: Sequence[RunRecord]) -> Found | None:
    """What the plan can tell of its components, if it is of a kind that can."""
    if full_factorial(rows):
        return attribute(rows, runs, facts.seeds, facts.test_images)
    if any(row.present is None for row in rows):
        return None
    tell = {"factorial": main_effects, "pairs": pair_interactions}.get(facts.kind)
    return tell(rows, runs, facts.seeds, facts.test_images) if tell else None


def _shares(found: Found) -> Sheet:
    if isinstance(found, Attribution):
        return attribution_sheet(found)
    return effects_sheet(found) if isinstance(found, Effects) else pairs_sheet(found)


def write_sheet(folder: Path, stem: str, sheet: Sheet) -> list[Path]:
    """`stem.csv`, `.md`, `.tex` and `.json`."""
    forms = {"csv": as_csv, "md": as_markdown, "tex": as_latex, "json": as_json}
    return [write_text(folder / f"{stem}.{end}", form(sheet)) for end, form in forms.items()]


def curves_csv(runs: Sequence[RunRecord]) -> str:
    """One line for each epoch of each run, unrounded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = ("epoch", "train_loss", "test_loss", "top1", "lr", "seconds")
    writer.writerow(("run", "variant", "seed", *keys))
    for run in runs:
        for record in run.curve:
            values = (getattr(record, key) for key in keys)
            writer.writerow((run.run_id, run.variant, run.seed, *values))
    return text.getvalue()


def _draw(
    folder: Path,
    lines: Sequence[Line],
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    found: Found | None,
) -> list[tuple[Picture, list[Path]]]:
    from workbench.report.figures import attribution, cost, curves, effects
    from workbench.show import figures as style

    with style.style():
        figures: dict[str, Figure | None] = {
            "effects": effects.draw(lines),
            "top1_macs": cost.draw(lines, "macs"),
            "top1_throughput": cost.draw(lines, "throughput"),
            "curves": curves.draw(rows, runs),
            "attribution": attribution.bars(found) if isinstance(found, Attribution) else None,
            "interactions": (
                attribution.interaction_map(found)
                if isinstance(found, Attribution | Interactions)
                else None
            ),
        }
        kept = {stem: drawn for stem, drawn in figures.items() if drawn is not None}
        saved = {stem: style.save(drawn, folder, stem) for stem, drawn in kept.items()}
    for stem in figures.keys() - kept.keys():
        for end in ("svg", "png"):
            (folder / f"{stem}.{end}").unlink(missing_ok=True)
    return [
        (Picture(paths[0].read_text(encoding="utf-8"), CAPTIONS[stem]), paths)
        for stem, paths in saved.items()
    ]
