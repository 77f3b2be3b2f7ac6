"""What a plan says of training: the trials of its rows, and effects at several values."""

from collections.abc import Iterator

from workbench.report.findings import Findings, RowResult
from workbench.show.table import Cell, Column, Table, cell, number
from workbench.statistics.tuning import Tried, Tuning, edge_note, order, value_text


def of_training(found: Findings) -> tuple[str, ...]:
    """Sentences of the answer: whether the order of rows depends on training."""
    tuning = found.facts.tuning
    if tuning is not None and tuning.tried:
        return order(tuning, found.rows), edge_note(tuning, found.rows)
    return (signs(found),) if found.facts.robust else ()


def trials_table(tuning: Tuning) -> Table:
    """Every row at every setting, by its validation images."""
    keys = [Column(key, (key,), "text") for key in tuning.space]
    columns = (
        Column("Variant", ("variant",), "name"), *keys,
        Column("Validation top-1, %", ("validation_top1",)), Column("Seeds", ("seeds",)),
        Column("Chosen", ("chosen",), "text"),
    )  # fmt: skip
    rows = [_trial(tuning, each) for each in tuning.tried]
    return Table("What was tried of each row", columns, rows)


def _trial(tuning: Tuning, tried: Tried) -> tuple[Cell, ...]:
    setting = dict(tried.setting)
    chosen = tried == tuning.best(tried.row)
    edge = ", at the edge" if chosen and tuning.edges(tried.row) else ""
    score = "diverged" if tried.score is None else f"{tried.score:.2f}"
    return (
        cell(tried.row),
        *(cell(value_text(setting[key]), setting[key]) for key in tuning.space),
        cell(score, tried.score),
        number(len(tried.scores)),
        cell(f"chosen{edge}" if chosen else "", chosen),
    )


def groups(found: Findings) -> Iterator[tuple[str, list[RowResult]]]:
    """The compared rows of a robust plan as they are written, each at all its values."""
    names = dict.fromkeys(each.row.of for each in found.results if each.comparison)
    for name in names:
        if name is not None:
            yield name, [each for each in found.results if each.row.of == name]


def signs(found: Findings) -> str:
    """Whether the observed sign of each effect is the same at all values; empty before two are."""
    key, turned, known = (found.facts.robust or "").rpartition(".")[2], [], 0
    for name, results in groups(found):
        means = [(each.row.at, each.comparison.mean) for each in results if each.comparison]
        measured = [(at, mean) for at, mean in means if mean is not None]
        known += len(measured) > 1
        if (
            min((mean for _, mean in measured), default=0)
            < 0
            < max((mean for _, mean in measured), default=0)
        ):
            listed = ", ".join(f"{mean:+.2f} at {value_text(at)}" for at, mean in measured)
            turned.append(f"{name} ({listed})")
    if not known:
        return ""
    if not turned:
        return f"The observed sign of each effect is the same at all values of {key}."
    return (
        f"The observed sign depends on {key} for {'; '.join(turned)}; whether each is more than "
        "noise is said by its verdict."
    )
