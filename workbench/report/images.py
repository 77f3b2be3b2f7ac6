"""What the test images say of each compared row, from the evidence of a results folder.

Names of classes, and pictures, are shown where the data set is on this machine.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.config import DataConfig
from workbench.errors import InputError, nearest, unknown
from workbench.report.findings import Findings
from workbench.runs.evidence import no_evidence
from workbench.show.console import plural
from workbench.statistics.images import Answers, ClassChange, RowImages, compare_images

if TYPE_CHECKING:
    from workbench.data.source import Source
    from workbench.runs.results import Sweep
    from workbench.runs.rows import StoredRun
    from workbench.train.evidence import Evidence

MOST_NAMED = 3  # classes in a sentence
CLASSES_JSON = "classes.json"  # of a report
NOTHING = "No pictures and no names of classes"
KEPT = "Pictures and names of classes are those of an earlier report"


@dataclass(frozen=True)
class ImageFindings:
    """The compared rows of a plan that have evidence in common with the row they are compared to.

    `verdicts` are those of top-1, by variant.
    """

    name: str
    rows: tuple[RowImages, ...]
    without: tuple[str, ...]  # rows that no seed compares
    verdicts: dict[str, str]
    test_set: str  # its digest
    images: int
    data: DataConfig
    earlier: Mapping[int, str] = field(default_factory=dict)  # names of classes, of another report

    @cached_property
    def source(self) -> "Source | InputError":
        """The data set, where its test images are those of the runs; else why it is of no use."""
        from workbench.data import open_source

        try:
            found = open_source(self.data)
            same = found.test_set == self.test_set
        except (InputError, OSError) as error:
            return InputError(f"{NOTHING}: {error}")
        if same:
            return found
        return InputError(
            f"{NOTHING}: the test images of {self.data.name} that are here are not those that the "
            "runs saw."
        )

    @property
    def missing(self) -> str:
        """One line where the data set is not here; empty where it is."""
        text = str(self.source) if isinstance(self.source, InputError) else ""
        return text.replace(NOTHING, KEPT) if self.earlier else text

    def class_name(self, label: int) -> str:
        """By the data set, else by an earlier report, else by its number."""
        source, plain = self.source, self.earlier.get(label, str(label))
        name = plain if isinstance(source, InputError) else source.class_names[label]
        return f"class {name}" if name.isdigit() else name

    def picture(self, image: int) -> NDArray[np.uint8] | None:
        """(H, W, 3); None where the data set is not here."""
        source = self.source
        return None if isinstance(source, InputError) else np.asarray(source.test.open(image))

    def only(self, variant: str) -> "ImageFindings":
        """With that row alone. Raises `InputError` for one that is compared to no other."""
        names = [row.variant for row in self.rows]
        if variant in self.without:
            raise InputError(
                f"no seed completed both {variant!r} and what it is compared to", key="row"
            )
        if variant not in names:
            raise unknown("row", variant, names)
        kept = tuple(row for row in self.rows if row.variant == variant)
        return replace(self, rows=kept, without=())


def image_findings(sweep: "Sweep", found: Findings) -> ImageFindings | None:
    """None where no run kept evidence. Raises `InputError` for evidence that can't be used."""
    evidence = sweep.evidence
    if not evidence:
        return None
    first = next(iter(evidence.values()))
    runs = [run for run in sweep.runs if run.id in evidence]
    answers = {
        name: _answers(name, [run for run in runs if run.variant == name], evidence)
        for name in dict.fromkeys(run.variant for run in runs)
    }
    pairs = [(row.name, row.compared_to) for row in found.rows if row.compared_to]
    rows = [
        compare_images(answers[one], answers[other], first.labels)
        for one, other in pairs
        if one in answers and other in answers
    ]
    kept = tuple(row for row in rows if row is not None)
    compared = [each.comparison for each in found.results if each.comparison]
    return ImageFindings(
        name=found.facts.name,
        rows=kept,
        without=tuple(one for one, _ in pairs if one not in {row.variant for row in kept}),
        verdicts={each.variant: str(each.verdict) for each in compared},
        test_set=first.test_set,
        images=len(first.labels),
        data=sweep.plan.recipe.data,
        earlier=_earlier_names(sweep.folder),
    )


def _earlier_names(folder: Path | None) -> dict[int, str]:
    """Names of classes by label, as a report wrote them where the data set was at hand."""
    if folder is None:
        return {}
    try:
        rows = json.loads((folder / CLASSES_JSON).read_text(encoding="utf-8"))["rows"]
        found = {int(row["label"]): str(row["class"]) for row in rows}
    except (OSError, ValueError, KeyError, TypeError):  # none, or another's
        return {}
    return {label: name for label, name in found.items() if name != f"class {label}"}


def load_images(folder: str | Path, row: str | None = None) -> ImageFindings:
    """What `workbench images` shows. Raises `InputError` for a folder without evidence, and for a
    row that is not there or is compared to none."""
    from workbench.runs.results import load_sweep

    sweep = load_sweep(folder)
    task = sweep.plan.recipe.task.name
    if task != "classify":
        raise InputError(
            f"it is of classifiers; wb.load_evidence reads what the runs of task: {task} made of"
            " every test image",
            key="images",
        )
    found = Findings.of(sweep)
    variants = [each.name for each in found.rows]
    compared = [each.name for each in found.rows if each.compared_to]
    if row is not None and row not in variants:
        raise unknown("row", row, compared)
    if row is not None and row not in compared:
        raise InputError(f"{row!r} is compared to no other; {nearest('', compared)}", key="row")
    images = image_findings(sweep, found)
    if images is None:
        raise no_evidence(Path(folder))
    if not images.rows:
        raise InputError(
            f"{folder}: no seed completed a row and what it is compared to", key="evidence"
        )
    return images if row is None else images.only(row)


def _answers(name: str, runs: Sequence["StoredRun"], evidence: "Mapping[str, Evidence]") -> Answers:
    kept = [evidence[run.id] for run in runs]
    return Answers(
        variant=name,
        seeds=tuple(run.seed for run in runs),
        correct=np.stack([each.correct for each in kept]),
        loss=np.stack([each.loss for each in kept]),
        classes=runs[0].spec.classes,
    )


# ---------------------------------------------------------------- in words


def sentence(found: ImageFindings, row: RowImages) -> str:
    """What the component buys, and for which images."""
    verdict = found.verdicts.get(row.variant, "")
    top1 = f"{row.mean:+.2f} points of top-1" + (f" ({verdict})" if verdict else "")
    return (
        f"{row.variant}, compared to {row.compared_to} over {plural(len(row.seeds), 'seed')}: "
        f"{top1}. {_classes(found, row)} {_images(row)}"
    )


def _classes(found: ImageFindings, row: RowImages) -> str:
    if len(row.seeds) < 2:
        return "One seed does not tell which classes changed."
    words = [
        f"{len(changed)} {verdict} ({_named(found, changed)})"
        for verdict in ("gained", "lost")
        if (changed := changed_classes(row, verdict))
    ]
    if not words:
        return f"Of {len(row.classes)} classes none changed by more than the seeds explain."
    return f"Of {len(row.classes)} classes {' and '.join(words)}."


def changed_classes(row: RowImages, verdict: str) -> list[ClassChange]:
    """Those with that verdict, the largest change first."""
    found = [each for each in row.classes if each.verdict == verdict]
    return sorted(found, key=lambda each: -abs(each.mean))


def _named(found: ImageFindings, changed: Sequence[ClassChange]) -> str:
    names = [f"{found.class_name(each.label)} {each.mean:+.1f}" for each in changed[:MOST_NAMED]]
    more = len(changed) - len(names)
    return ", ".join([*names, *([f"{more} more"] if more else [])])


def _images(row: RowImages) -> str:
    if not (row.gained or row.lost):
        return "No image changed in most seeds."
    return (
        f"In most seeds {plural(len(row.gained), 'image')} gained and {len(row.lost)} lost; were "
        f"the rows alike, it would be about {row.by_chance:.0f} of each."
    )
