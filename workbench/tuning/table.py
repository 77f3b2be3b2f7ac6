"""The trials of a plan as a table."""

from workbench.show.table import Cell, Column, Table, cell, number
from workbench.statistics.metric import Metric
from workbench.statistics.tuning import Tried, Tuning, value_text


def trials_table(tuning: Tuning, metric: Metric) -> Table:
    """Every row at every setting, by its validation images."""
    keys = [Column(key, (key,), "text") for key in tuning.space]
    columns = (
        Column("Variant", ("variant",), "name"), *keys,
        Column(f"Validation {metric.name}, %", (f"validation_{metric.key}",)),
        Column("Seeds", ("seeds",)), Column("Chosen", ("chosen",), "text"),
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
