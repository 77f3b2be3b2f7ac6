"""A run as everything above the ledger reads it, and its ways to a table, to JSON and back."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from statistics import fmean
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer

from workbench.config import EpochRecord, NetworkSpec, Outcome, Recipe, RunConfig, Scalar
from workbench.engine.load import OTHER_LOAD
from workbench.plain_yaml import write_yaml
from workbench.plans.resolution import Variant
from workbench.runs.store.schema import EpochRow, RunRow, ValidationRow
from workbench.statistics.facts import RunRecord
from workbench.statistics.metric import FURTHER

ALONE = 0.05  # share of the machine's CPUs that others may take
VALIDATION = ("validation_loss", "validation_top1")  # of an epoch, or of a run among its details
JSON = ("spec", "recipe", "details", "host")  # columns of a run
REUSED, DESPITE = "reused_from", "reused_despite"  # of the host: the folder; what was other there
NUMBERS = frozenset({*VALIDATION, *FURTHER, OTHER_LOAD})  # of the details: what is counted with
LARGEST = 1e300
# What reading it raises.
DAMAGED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def _moment(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def _with_numbers(details: dict[str, Scalar]) -> dict[str, Scalar]:
    for key in NUMBERS & details.keys():
        value = details[key]
        if isinstance(value, str) or not (value is None or -LARGEST <= value <= LARGEST):
            raise ValueError(f"{key} is no number")
    return details


Moment = Annotated[str, AfterValidator(_moment)]
Size = Annotated[int, Field(ge=0, le=2**63 - 1)]


class StoredRun(RunRecord):
    """A run as the ledger has it."""

    plan: str
    device: str | None
    params: Size
    macs: Size  # multiply-adds of one image
    spec: NetworkSpec
    recipe: Recipe
    details: Annotated[dict[str, Scalar], AfterValidator(_with_numbers)]
    host: dict[str, Scalar]
    created: str
    started: Moment | None
    ended: Moment | None

    @model_serializer(mode="wrap")
    def _in_order(self, values: SerializerFunctionWrapHandler) -> dict[str, object]:
        """As every export so far: the plan first, and the curve, which is long, last."""
        found: dict[str, object] = values(self)
        return dict(sorted(found.items(), key=lambda item: (item[0] != "plan", item[0] == "curve")))

    @property
    def judged(self) -> float | None:
        """The top-1 that choices are made by: on validation images where there are some."""
        found = self.details.get("validation_top1")
        return self.top1 if found is None else float(found)

    @property
    def reused_from(self) -> str | None:
        """The results folder that it was trained in, if that is another one."""
        found = self.host.get(REUSED)
        return None if found is None else str(found)

    @property
    def reused_despite(self) -> str | None:
        """What was other there, such as `torch 2.8.0`."""
        found = self.host.get(DESPITE)
        return None if found is None else str(found)

    @property
    def alone(self) -> bool | None:
        """See `RunRecord.alone`."""
        found = self.details.get(OTHER_LOAD)
        return float(found) <= ALONE if isinstance(found, int | float) else None

    @property
    def final(self) -> bool:
        """Whether the same command leaves this run alone."""
        return self.outcome is not None and self.outcome.final


def new_row(plan: str, run: RunConfig, variant: Variant, now: str) -> RunRow:
    """A run that waits."""
    return RunRow(
        plan=plan,
        id=run.id,
        variant=run.variant,
        seed=run.seed,
        params=variant.params,
        macs=variant.macs,
        spec=run.spec.model_dump_json(),
        recipe=run.recipe.model_dump_json(),
        created=now,
    )


def restored_row(run: StoredRun) -> RunRow:
    """A run that was exported."""
    values = run.model_dump(mode="json", exclude={"curve"})
    return RunRow(**values | {key: json.dumps(values[key]) for key in JSON})


def run_from_row(row: RunRow, curve: tuple[EpochRecord, ...]) -> StoredRun:
    """A row of the ledger, with its curve."""
    values = {column.key: getattr(row, column.key) for column in row.__table__.c}
    values |= {key: json.loads(values[key]) for key in JSON}
    return StoredRun.model_validate({**values, "curve": curve})


def run_from_json(data: Mapping[str, Any]) -> StoredRun:
    """A run from its JSON, where a number that was not finite is null."""
    lost = {"train_loss": float("nan"), "lr": float("nan"), "seconds": float("nan")}
    curve = [
        {**epoch, **{key: nan for key, nan in lost.items() if epoch.get(key) is None}}
        for epoch in data["curve"]
    ]
    return StoredRun.model_validate({**data, "curve": curve})


def epoch_from_row(row: EpochRow, validation: ValidationRow | None) -> EpochRecord:
    """An epoch of the curve, from its rows."""
    lost = float("nan")  # a number that was not finite when it was stored
    return EpochRecord(
        epoch=row.epoch,
        train_loss=lost if row.train_loss is None else row.train_loss,
        test_loss=row.test_loss,
        top1=row.top1,
        lr=lost if row.lr is None else row.lr,
        seconds=lost if row.seconds is None else row.seconds,
        validation_loss=validation.validation_loss if validation else None,
        validation_top1=validation.validation_top1 if validation else None,
    )


def epoch_rows(plan: str, run: str, record: EpochRecord) -> Iterator[EpochRow | ValidationRow]:
    """An epoch of the curve, as rows."""
    numbers = {key: finite(value) for key, value in record.model_dump().items()}
    validation = {key: numbers.pop(key) for key in VALIDATION}
    key = {"plan": plan, "run": run}
    yield EpochRow(**key, **numbers)
    if record.validation_loss is not None:
        yield ValidationRow(**key, epoch=record.epoch, **validation)


def finite(value: object) -> object:
    """The value, or none for a number that is not finite: JSON and databases have none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def mean_seconds(runs: Iterable[StoredRun]) -> dict[str, float]:
    """By row, of the runs that completed."""
    seconds = dict[str, list[float]]()
    for run in runs:
        if run.seconds and run.outcome is Outcome.COMPLETED:
            seconds.setdefault(run.variant, []).append(run.seconds)
    return {name: fmean(each) for name, each in seconds.items()}


def run_text(run: StoredRun) -> str:
    """The resolved configuration of a run, as YAML."""
    recipe = run.recipe.model_dump(mode="json")
    data = {"variant": run.variant, "seed": run.seed, "spec": run.spec.flat(), "recipe": recipe}
    return write_yaml(data)
