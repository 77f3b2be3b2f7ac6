"""The tables of what the test images say: rows, classes, and single images."""

from dataclasses import replace

from workbench.report.images import ImageFindings, changed_classes, sentence
from workbench.report.verdicts import ends, mean_text
from workbench.show.formats import as_data, records
from workbench.show.table import Cell, Column, Printout, Table, Tone, cell, number
from workbench.statistics.images import Confidence, ImageChange, RowImages

SHOWN = 12  # images gained, and as many lost

ROWS = (
    Column("Row", ("variant",), "name"),
    Column("Compared to", ("compared_to",), "text", rank=6),
    Column("Seeds", ("seeds",), rank=5),
    Column("Top-1, points", ("difference",)),
    Column("Classes gained", ("classes_gained", "classes"), rank=1),
    Column("Classes lost", ("classes_lost",), rank=1),
    Column("Images gained", ("images_gained",)),
    Column("Images lost", ("images_lost",)),
    Column("By chance", ("images_by_chance",), rank=2),
    Column("Agreement", ("kappa",), rank=3),
    Column("Of its seeds", ("kappa_of_seeds", "kappa_of_seeds_compared_to"), rank=4),
    Column(
        "Confidence less accuracy",
        ("confidence_gap_low", "confidence_gap_high", "accuracy"),
        rank=7,
    ),
)
CLASSES = (
    Column("Class", ("class", "label"), "name"),
    Column("Row", ("variant", "compared_to"), "text", files_only=True),
    Column("Images", ("images",), rank=2),
    Column("Before, %", ("before",), rank=1),
    Column("After, %", ("after",), rank=1),
    Column("Change [95 %]", ("change", "change_low", "change_high")),
    Column("Verdict", ("verdict",), "text"),
)
IMAGES = (
    Column("Image", ("image",)),
    Column("Row", ("variant", "compared_to"), "text", files_only=True),
    Column("Class", ("class", "label"), "text"),
    Column("What", ("what",), "text"),
    Column("Seeds right with it alone", ("row_alone",)),
    Column("Without it alone", ("other_alone",)),
    Column("Of seeds", ("seeds",)),
)


def rows_table(found: ImageFindings) -> Table:
    """One row for each compared row."""
    return Table(f"Images of {found.name}", ROWS, [*map(_row, found.rows)], notes=_notes(found))


def class_table(found: ImageFindings, rows: tuple[RowImages, ...]) -> Table:
    """The classes of some rows, the largest gain first."""
    cells, tones = list[tuple[Cell, ...]](), list[Tone]()
    for row in rows:
        for each in sorted(row.classes, key=lambda each: -each.mean):
            cells.append(
                (
                    cell(found.class_name(each.label), found.class_name(each.label), each.label),
                    cell(row.variant, row.variant, row.compared_to),
                    number(each.images),
                    number(each.before, ".2f"),
                    number(each.after, ".2f"),
                    cell(mean_text(each.mean, each.interval), each.mean, *ends(each.interval)),
                    cell(each.verdict),
                )
            )
            tones.append("good" if each.verdict == "gained" else "bad" if each.verdict == "lost"
                         else "")  # fmt: skip
    title = f"Classes: {rows[0].variant}" if len(rows) == 1 else "Classes"
    note = (
        "Intervals are over the seeds and hold for all classes of a row at once, at 95 %; they are "
        "about these test images."
    )
    return Table(title, CLASSES, cells, tones, (note,))


def image_table(found: ImageFindings, row: RowImages, most: int | None = SHOWN) -> Table:
    """The images that most seeds gained or lost; no more than `most` of either."""
    cells = [
        _image(found, row, what, each)
        for what, changed in (("gained", row.gained), ("lost", row.lost))
        for each in changed[:most]
    ]
    left = max(len(row.gained), len(row.lost)) - (most or 10**9)
    notes = ("--json has all of them.",) if left > 0 else ()
    return Table(f"Images: {row.variant}", IMAGES, cells, notes=notes)


def images_printout(found: ImageFindings, classes: bool, one: bool) -> Printout:
    """What the command prints: the sentence of each row on top, then the tables."""
    about = tuple(sentence(found, row) for row in found.rows)
    tables = [replace(rows_table(found), about=about)]
    tables += [class_table(found, (row,)) for row in found.rows if classes]
    tables += [image_table(found, row) for row in found.rows if one and (row.gained or row.lost)]
    return Printout(tuple(tables))


def images_data(found: ImageFindings) -> dict[str, object]:
    """All of it, unrounded, for `--json`."""
    table = rows_table(found)
    rows = [
        {
            **record,
            "sentence": sentence(found, row),
            "by_class": records(class_table(found, (row,))),
            "by_image": records(image_table(found, row, None)),
        }
        for row, record in zip(found.rows, records(table), strict=True)
    ]
    facts = {"test_set": found.test_set, "test_images": found.images}
    return {**as_data(table), "rows": rows, **facts}


def _row(row: RowImages) -> tuple[Cell, ...]:
    tested = len(row.seeds) > 1
    gained, lost = (len(changed_classes(row, verdict)) for verdict in ("gained", "lost"))
    of_seeds = (row.agreement.row, row.agreement.other)
    return (
        cell(row.variant),
        cell(row.compared_to),
        number(len(row.seeds)),
        number(row.mean, "+.2f"),
        cell(f"{gained}/{len(row.classes)}" if tested else "", gained if tested else None,
             len(row.classes)),
        cell(f"{lost}/{len(row.classes)}" if tested else "", lost if tested else None),
        number(len(row.gained)),
        number(len(row.lost)),
        number(row.by_chance, ".1f"),
        number(row.agreement.rows, ".2f"),
        cell(", ".join(f"{each:.2f}" for each in of_seeds if each is not None), *of_seeds),
        _confidence(row.confidence[0]),
    )  # fmt: skip


def _confidence(found: Confidence) -> Cell:
    low, high = found.low - found.accuracy, found.high - found.accuracy
    return cell(f"{low:+.1f} to {high:+.1f}", low, high, found.accuracy)


def _image(found: ImageFindings, row: RowImages, what: str, each: ImageChange) -> tuple[Cell, ...]:
    name = found.class_name(each.label)
    return (
        number(each.image, ""),
        cell(row.variant, row.variant, row.compared_to),
        cell(name, name, each.label),
        cell(what),
        number(each.row_alone),
        number(each.other_alone),
        number(len(row.seeds)),
    )


def _notes(found: ImageFindings) -> tuple[str, ...]:
    notes = [
        f"On {found.images:,} test images, paired by image and by seed. Classes: intervals over "
        "the seeds, adjusted over the classes of a row. Images gained: right in the row and wrong "
        "in the other in more than half of the seeds; lost: the other way round. By chance: of "
        "either, were the two rows alike.",
        "Agreement: Cohen's kappa over right and wrong, so beyond what the accuracies explain, of "
        "runs of both rows; of its seeds: of two seeds of the row, and of the row it is compared "
        "to. Confidence less accuracy, in points: the bounds that the loss of the true class "
        "gives. Above zero the row is overconfident, below zero underconfident.",
    ]
    if found.without:
        notes.append(f"No seed completed both rows: {', '.join(found.without)}.")
    return (*notes, *([found.missing] if found.missing else []))
