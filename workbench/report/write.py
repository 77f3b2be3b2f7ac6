"""Everything that a report consists of, written into one folder."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.config import named
from workbench.report.answer import answer
from workbench.report.beside_published import published_tables
from workbench.report.figures.every import draw_all
from workbench.report.findings import Findings
from workbench.report.image_tables import class_table, rows_table
from workbench.report.images import ImageFindings, sentence
from workbench.report.latex import CHOICE, paper_table
from workbench.report.main_table import main_table
from workbench.report.page import page
from workbench.report.shares import shares_table
from workbench.report.tasks.further import further_table
from workbench.runs.folder import write_text
from workbench.show.formats import (
    as_csv,
    as_data,
    as_json,
    as_latex,
    as_markdown,
    csv_text,
    escape_markdown,
    json_text,
)
from workbench.show.page import ImageSection, Picture
from workbench.show.table import Table
from workbench.statistics.facts import RunRecord
from workbench.tuning.table import trials_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHEET, SHEET_DPI = "changed_images.png", 110  # the page holds it as text
IMAGE_FILES = (
    *(
        f"{stem}.{end}"
        for stem in ("images", "classes")
        for end in ("csv", "md", "tex", "json", "svg", "png")
    ),
    SHEET,
)
CAPTIONS = {
    "staircase": "{Score} step by step, with every seed.",
    "effects": "Difference of each row to the row it is compared to: every seed, the mean and its "
    "interval.",
    "macs": "{Score} against multiply-adds, with the Pareto front; open circles can't be "
    "told from it by a verdict.",
    "throughput": "{Score} against training throughput as measured during the sweep; a front "
    "of the rows that were measured beside no other work.",
    "curves": "{Score} over the epochs; the band is the range of the seeds.",
    "attribution": "Shapley value of each component; they add up to the whole difference.",
    "interactions": "Interactions of pairs of components, on a scale that is the same in every "
    "figure; a star where one is real, adjusted over the pairs.",
    "predictions": "The first test images: what is in them, and what the first run of each row "
    "found; objects, where it gave them a score of 0.5 or more.",
    "tuning": "{Chosen} on validation images at every value that was tried; the ring is what the "
    "row was then trained with.",
    "robust": "Difference of each row to the row it is compared to, at every value, with the "
    "interval of its verdict.",
    "classes": "Change of each class, and its interval, adjusted over the classes of the row.",
}
EARLIER = ("top1_macs", "top1_throughput")  # of detectors and segmenters, too


def write_report(
    folder: Path,
    found: Findings,
    images: ImageFindings | None = None,
    columns: Sequence[str] = CHOICE,
) -> list[Path]:
    """Tables, curves, figures and `report.html` of a sweep, in `folder`; the paths written.

    `columns` are those of `table.tex`.

    Writes what there is: a figure that nothing was measured for is left out, and its file from
    an earlier report is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    main = main_table(found)
    others = {"shares": shares_table(found.shares)} if found.shares else {}
    others |= (
        {"tuning": trials_table(found.facts.tuning, found.score)} if found.facts.tuning else {}
    )
    others |= published_tables(found)
    more = further_table(found)
    others |= {"further": more} if more else {}
    written = _write_main(folder, found, main, columns)
    written += [path for stem, table in others.items() for path in write_table(folder, stem, table)]
    written.append(write_text(folder / "curves.csv", curves_csv(found.runs, found.facts.task)))
    drawn = _draw(folder, found)
    figures = [path for _, paths in drawn for path in paths]
    section, of_images = _of_images(folder, images if images and images.rows else None)
    document = page(found, main, [picture for picture, _ in drawn], [*others.values()], section)
    return [*written, *figures, *of_images, write_text(folder / "report.html", document)]


def write_table(folder: Path, stem: str, table: Table) -> list[Path]:
    """`stem.csv`, `.md`, `.tex` and `.json`."""
    forms: dict[str, Callable[[Table], str]]
    forms = {"csv": as_csv, "md": as_markdown, "tex": as_latex, "json": as_json}
    return [write_text(folder / f"{stem}.{end}", form(table)) for end, form in forms.items()]


def _write_main(folder: Path, found: Findings, main: Table, columns: Sequence[str]) -> list[Path]:
    """The main table, in Markdown and JSON with the question and its answer."""
    paper = paper_table(found, columns)  # refuses before anything is written
    told = answer(found)
    metrics = [metric.key for metric in found.facts.method.metrics]
    data = as_data(main) | {"question": found.facts.question, "answer": told, "metric": metrics}
    above = [escape_markdown(text) for text in (found.facts.question, told) if text]
    forms = {
        "csv": as_csv(main), "md": "\n\n".join([*above, as_markdown(main)]), "tex": paper,
        "json": json_text(data) + "\n",
    }  # fmt: skip
    return [write_text(folder / f"table.{end}", text) for end, text in forms.items()]


def curves_csv(runs: Sequence[RunRecord], task: str = "classify") -> str:
    """One line for each epoch of each run, unrounded."""
    keys = ("epoch", "train_loss", "test_loss", "top1", "lr", "seconds")
    rows = (
        (run.id, run.variant, run.seed, *(getattr(record, key) for key in keys))
        for run in runs
        for record in run.curve
    )
    return csv_text(named(("run", "variant", "seed", *keys), task), rows)


def _draw(folder: Path, found: Findings) -> list[tuple[Picture, list[Path]]]:
    figures = draw_all(found, folder=folder)
    figures |= {stem: None for stem in EARLIER if stem not in figures}
    words = {"Score": found.metric.first, "Chosen": found.score.first}
    return _save(folder, figures, words)


def _save(
    folder: Path, figures: "Mapping[str, Figure | None]", words: Mapping[str, str]
) -> list[tuple[Picture, list[Path]]]:
    """Those that there are; the files of the others, from an earlier report, go.

    `words` are those that captions leave open.
    """
    from workbench.show import figures as style

    with style.style():
        saved = {
            stem: style.save(drawn, folder, stem)
            for stem, drawn in figures.items()
            if drawn is not None
        }
    for stem in figures.keys() - saved.keys():
        for end in ("svg", "png"):
            (folder / f"{stem}.{end}").unlink(missing_ok=True)
    return [(_picture(paths[0], stem, words), paths) for stem, paths in saved.items()]


def _picture(svg: Path, stem: str, words: Mapping[str, str]) -> Picture:
    kind = next(kind for kind in CAPTIONS if kind in (stem, *stem.split("_")))
    caption = CAPTIONS[kind].format_map(words)
    return Picture(svg.read_text(encoding="utf-8"), caption)


def _of_images(
    folder: Path, images: ImageFindings | None
) -> tuple[ImageSection | None, list[Path]]:
    """What the page says of single test images, and the files written for it.

    Pictures of an earlier report stay where the data set is not at hand.
    """
    from workbench.report.figures import classes, contact_sheet
    from workbench.show import figures as style

    if images is None:
        for name in IMAGE_FILES:
            (folder / name).unlink(missing_ok=True)
        return None, []
    tables = {"images": rows_table(images), "classes": class_table(images, images.rows)}
    written = [path for stem in tables for path in write_table(folder, stem, tables[stem])]
    with style.style():
        ((picture, paths),) = _save(folder, {"classes": classes.draw(images)}, {})
        drawn, sheet = contact_sheet.draw(images), folder / SHEET
        if drawn is not None:
            drawn.savefig(sheet, dpi=SHEET_DPI, metadata={"Software": None})
        elif not images.missing:
            sheet.unlink(missing_ok=True)
    sentences = tuple(sentence(images, row) for row in images.rows)
    shown = sheet.read_bytes() if sheet.is_file() else None
    section = ImageSection(sentences, tables["images"], (picture,), shown)
    return section, [*written, *paths, *([sheet] if shown else [])]
