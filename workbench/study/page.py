"""The page of a study, as of any other results folder."""

import json
from collections.abc import Sequence
from pathlib import Path

from workbench.show.page import Page, Picture, render
from workbench.show.table import Table
from workbench.study.summary import ReportedStudy, StudySummary, study_answer
from workbench.study.trials import Trial

CAPTIONS = {
    "map": "Every point of the study on the constraint surface, coloured by top-1.",
    "top1_macs": "Top-1 of every network that trained, against its multiply-adds.",
}


def study_page(
    folder: Path,
    study: ReportedStudy,
    trials: Sequence[Trial],
    summary: StudySummary,
    tables: Sequence[Table],
) -> str:
    """The HTML document: the answer, the first of `tables`, the figures of `folder`, the rest."""
    files = {stem: folder / f"{stem}.svg" for stem in CAPTIONS}
    pictures = [
        Picture(path.read_text(encoding="utf-8"), CAPTIONS[stem])
        for stem, path in files.items()
        if path.is_file()
    ]
    document = study.document().items()
    made = tuple(
        (key, each if isinstance(each, str) else json.dumps(each)) for key, each in document
    )
    name, question = study.file.name, study.file.question
    told = study_answer(trials, summary)
    return render(Page(name, question, told, tables[0], pictures, tables[1:], made))
