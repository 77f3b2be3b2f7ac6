"""The database of runs. One process writes it; the end of every run is committed at once."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.orm import Session

from workbench.config import EpochRecord, Frozen, Outcome, Recipe, Result, RunConfig, Scalar, Spec
from workbench.plans.resolution import Plan, Variant
from workbench.runs.database import (
    LedgerError,
    LedgerGoneError,
    connect,
    database_url,
    file_identity,
    one_line,
    readable_name,
    settle,
)
from workbench.runs.schema import (
    PENDING,
    RUNNING,
    SCHEMA,
    Base,
    EpochRow,
    MetaRow,
    PlanRow,
    RunRow,
    ValidationRow,
)

OPEN = (PENDING, RUNNING)
VALIDATION = ("validation_loss", "validation_top1")  # of an epoch, or of a run among its details
JSON = ("spec", "recipe", "details", "host")  # columns of a run


class StoredRun(Frozen):
    """A run as the ledger has it. `curve` holds its epochs."""

    plan: str
    id: str
    variant: str
    seed: int
    status: str  # pending, running, or an outcome
    reason: str | None
    step: int | None
    top1: float | None  # percent
    test_loss: float | None
    seconds: float | None
    images_per_second: float | None  # training
    device: str | None
    params: int
    macs: int
    spec: Spec
    recipe: Recipe
    details: dict[str, Scalar]
    host: dict[str, Scalar]
    created: str
    started: str | None
    ended: str | None
    curve: tuple[EpochRecord, ...] = ()

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, if it has."""
        return None if self.status in OPEN else Outcome(self.status)

    @property
    def judged(self) -> float | None:
        """The top-1 that choices are made by: on validation images where there are some."""
        found = self.details.get("validation_top1")
        return self.top1 if found is None else float(found)

    @property
    def final(self) -> bool:
        """Whether the same command leaves this run alone."""
        return self.outcome is not None and self.outcome.final


class Ledger:
    """The ledger of one plan in a database. A context manager; leaving it closes the database."""

    def __init__(self, engine: sa.Engine, name: str, plan: str) -> None:
        self._engine = engine
        self._file = file_identity(engine.url)
        self.name = name
        self.plan_name = plan

    @classmethod
    def open(cls, where: str | Path, plan: str) -> Self:
        """For writing; made if it is not there. `where` is a path or an SQLAlchemy URL.

        Raises `LedgerError` if it can't be opened or was written by a newer version.
        """
        url = database_url(where)
        name = readable_name(url)
        if url.database and Path(url.database).is_file():
            _look(url, name)  # without touching it, in case it is a newer one
        engine = connect(url, write=True)
        try:
            with one_line(name, "opened"):
                check_schema(engine, name)
                Base.metadata.create_all(engine)
                with Session(engine) as session, session.begin():
                    session.merge(MetaRow(key="schema", value=str(SCHEMA)))
        except LedgerError:
            engine.dispose()
            raise
        return cls(engine, name, plan)

    @classmethod
    def read(cls, where: str | Path, plan: str | None = None) -> Self:
        """For reading only; `plan` may be left out where there is only one."""
        url = database_url(where)
        name = readable_name(url)
        engine = connect(url, write=False)
        with one_line(name, "read"):
            check_schema(engine, name)
            with Session(engine) as session:
                plans = list(session.scalars(sa.select(PlanRow.name)))
        if plan is None and len(plans) != 1:
            raise LedgerError(
                f"ledger: {name} holds {len(plans)} plans ({', '.join(plans)}); name one"
            )
        if plan is not None and plan not in plans:
            raise LedgerError(f"ledger: {name} has no plan {plan!r}; it has {', '.join(plans)}")
        return cls(engine, name, plan or plans[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.gone:  # what lies there now is not ours to tidy
            self._engine.dispose()
        else:
            settle(self._engine)

    @property
    def gone(self) -> bool:
        """Whether its file was removed, moved or replaced; what is in it can still be read here."""
        return file_identity(self._engine.url) != self._file

    @contextmanager
    def _write(self) -> Iterator[Session]:
        """A transaction. SQLite itself would go on with a file that nobody can open any more."""
        if self.gone:
            raise LedgerGoneError(
                f"ledger: {self.name} was removed, moved or replaced while it was written"
            )
        with one_line(self.name, "written"), Session(self._engine) as session, session.begin():
            yield session

    # ------------------------------------------------------------ the plan

    def plan(self) -> Plan | None:
        """The plan as it was when its runs were registered."""
        with one_line(self.name, "read"), Session(self._engine) as session:
            row = session.get(PlanRow, self.plan_name)
            document = row.document if row else None
        if document is None:
            return None
        try:
            return Plan.model_validate_json(document)
        except ValidationError:
            raise LedgerError(
                f"ledger: {self.name}: the plan in it was written by another version of the "
                "workbench and can't be read by this one; use another --name"
            ) from None

    def register(self, plan: Plan, runs: Iterable[RunConfig]) -> None:
        """Store the plan, and `runs` of it as pending; those that are there stay as they are."""
        now = _now()
        variants = {variant.name: variant for variant in plan.variants}
        with self._write() as session:
            before = session.get(PlanRow, plan.name)
            created = before.created if before else now
            session.merge(PlanRow(name=plan.name, document=plan.model_dump_json(), created=created))
            session.flush()
            known = set(session.scalars(sa.select(RunRow.id).where(RunRow.plan == plan.name)))
            session.add_all(
                _new_row(plan.name, run, variants[run.variant], now)
                for run in runs
                if run.id not in known
            )

    def restore(self, plan: Plan, runs: Sequence[StoredRun]) -> None:
        """Store a plan and its runs as an export has them."""
        with self._write() as session:
            session.add(PlanRow(name=plan.name, document=plan.model_dump_json(), created=_now()))
            session.flush()  # each before what refers to it
            session.add_all(map(_restored_row, runs))
            session.flush()
            for run in runs:
                for record in run.curve:
                    session.add_all(self._epoch_rows(run.id, record))

    # ------------------------------------------------------------ the life of a run

    def start(self, run: str, host: Mapping[str, Scalar]) -> None:
        """A worker took it."""
        facts = {"status": RUNNING, "reason": None, "host": json.dumps(dict(host))}
        self._update(run, {**facts, "started": _now(), "ended": None})

    def release(self, run: str, reason: str) -> None:
        """It waits again, because its worker died."""
        self._update(run, {"status": PENDING, "reason": reason})

    def epoch(self, run: str, record: EpochRecord) -> None:
        """One more epoch is through; one that is told twice is stored once."""
        with self._write() as session:
            for row in self._epoch_rows(run, record):
                session.merge(row)

    def _epoch_rows(self, run: str, record: EpochRecord) -> Iterator[EpochRow | ValidationRow]:
        numbers = {key: _finite(value) for key, value in record.model_dump().items()}
        validation = {key: numbers.pop(key) for key in VALIDATION}
        key = {"plan": self.plan_name, "run": run}
        yield EpochRow(**key, **numbers)
        if record.validation_loss is not None:
            yield ValidationRow(**key, epoch=record.epoch, **validation)

    def end(self, result: Result) -> None:
        """It is over. Committed when this returns."""
        values = result.model_dump(exclude={"run", "outcome", "details"})
        facts = {key: _finite(value) for key, value in values.items()}
        validation = {key: facts.pop(key) for key in VALIDATION}
        told = {key: _finite(value) for key, value in result.details}
        told |= {key: value for key, value in validation.items() if value is not None}
        details = json.dumps(told)
        status = str(result.outcome)
        self._update(result.run, {**facts, "status": status, "details": details, "ended": _now()})

    def settle_running(self, status: str, reason: str) -> int:
        """Give every run that is marked as running another status; returns how many there were.

        Only for the one who holds the lock of the results folder, and whose workers are gone.
        """
        statement = (
            sa.update(RunRow)
            .where(RunRow.plan == self.plan_name, RunRow.status == RUNNING)
            .values(status=status, reason=reason)
        )
        with self._write() as session:
            return int(session.connection().execute(statement).rowcount)

    def _update(self, run: str, values: Mapping[str, object]) -> None:
        statement = (
            sa.update(RunRow)
            .where(RunRow.plan == self.plan_name, RunRow.id == run)
            .values(**values)
        )
        with self._write() as session:
            session.execute(statement)

    # ------------------------------------------------------------ reading

    def runs(self, curves: bool = False) -> tuple[StoredRun, ...]:
        """All runs, by seed and name of the variant; with their epochs if `curves`."""
        with one_line(self.name, "read"), Session(self._engine) as session:
            of_plan = sa.select(RunRow).where(RunRow.plan == self.plan_name)
            rows = list(session.scalars(of_plan.order_by(RunRow.seed, RunRow.variant)))
            epochs = self._epochs(session) if curves else {}
            return tuple(_stored(row, epochs.get(row.id, ())) for row in rows)

    def final(self) -> dict[str, bool]:
        """Whether each run, by its id, is final."""
        columns = sa.select(RunRow.id, RunRow.status).where(RunRow.plan == self.plan_name)
        with one_line(self.name, "read"), Session(self._engine) as session:
            found = session.execute(columns).tuples().all()
        return {run: status not in OPEN and Outcome(status).final for run, status in found}

    def _epochs(self, session: Session) -> dict[str, tuple[EpochRecord, ...]]:
        ordered = (
            sa.select(EpochRow)
            .where(EpochRow.plan == self.plan_name)
            .order_by(EpochRow.run, EpochRow.epoch)
        )
        validation = self._validation(session)
        curves: dict[str, tuple[EpochRecord, ...]] = {}
        for row in session.scalars(ordered):
            record = _record(row, validation.get((row.run, row.epoch)))
            curves[row.run] = (*curves.get(row.run, ()), record)
        return curves

    def _validation(self, session: Session) -> dict[tuple[str, int], ValidationRow]:
        """By run and epoch; nothing in a ledger of before there were validation images."""
        if not sa.inspect(session.connection()).has_table(ValidationRow.__tablename__):
            return {}
        of_plan = sa.select(ValidationRow).where(ValidationRow.plan == self.plan_name)
        return {(row.run, row.epoch): row for row in session.scalars(of_plan)}


def _look(url: sa.URL, name: str) -> None:
    engine = connect(url, write=False)
    try:
        with one_line(name, "opened"):
            check_schema(engine, name)
    finally:
        engine.dispose()


def check_schema(engine: sa.Engine, name: str) -> None:
    """Refuse a database of a newer version; one that is empty is fine."""
    if not sa.inspect(engine).has_table(MetaRow.__tablename__):
        return
    with Session(engine) as session:
        row = session.get(MetaRow, "schema")
        found = int(row.value) if row else 0
    if found > SCHEMA:
        raise LedgerError(
            f"ledger: {name} was written by a newer version of the workbench "
            f"(schema {found}, this one knows {SCHEMA}); upgrade it, or use another --name"
        )


def _new_row(plan: str, run: RunConfig, variant: Variant, now: str) -> RunRow:
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


def _restored_row(run: StoredRun) -> RunRow:
    values = run.model_dump(mode="json", exclude={"curve"})
    for key in JSON:
        values[key] = json.dumps(values[key])
    return RunRow(**values)


def _stored(row: RunRow, curve: tuple[EpochRecord, ...]) -> StoredRun:
    values: dict[str, Any] = {column.key: getattr(row, column.key) for column in row.__table__.c}
    for key in JSON:
        values[key] = json.loads(values[key])
    return StoredRun.model_validate({**values, "curve": curve})


def stored_run(data: Mapping[str, Any]) -> StoredRun:
    """A run from its JSON, where a number that was not finite is null."""
    lost = {"train_loss": float("nan"), "lr": float("nan"), "seconds": float("nan")}
    curve = [
        {**epoch, **{key: nan for key, nan in lost.items() if epoch.get(key) is None}}
        for epoch in data["curve"]
    ]
    return StoredRun.model_validate({**data, "curve": curve})


def _record(row: EpochRow, validation: ValidationRow | None) -> EpochRecord:
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


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
