"""The database of runs. One process writes it; the end of every run is committed at once."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.orm import Session

from workbench.config import EpochRecord, Outcome, Result, RunConfig, Scalar
from workbench.errors import InputError, visible
from workbench.plans.resolution import Plan
from workbench.runs.rows import (
    DAMAGED,
    VALIDATION,
    StoredRun,
    epoch_from_row,
    epoch_rows,
    finite,
    new_row,
    restored_row,
    run_from_row,
)
from workbench.runs.store.database import (
    LedgerError,
    check_schema,
    connect,
    database_url,
    look,
    one_line,
    readable_name,
    settle,
)
from workbench.runs.store.lease import held
from workbench.runs.store.schema import (
    EpochRow,
    PlanRow,
    RunRow,
    ValidationRow,
)
from workbench.runs.store.transactions import Transactions, make_tables
from workbench.statistics.facts import PENDING, RUNNING

FINAL = frozenset(outcome for outcome in Outcome if outcome.final)


class Ledger:
    """The ledger of one plan in a database. A context manager; leaving it closes the database."""

    def __init__(self, store: Transactions, plan: str) -> None:
        self._store = store
        self.name = store.name
        self.plan_name = plan

    @classmethod
    def open(cls, where: str | Path, plan: str) -> Self:
        """For writing; made if it is not there. `where` is a path or an SQLAlchemy URL.

        Raises `LedgerError` if it can't be opened or was written by a newer version.
        """
        url = database_url(where)
        name = readable_name(url)
        if url.database and Path(url.database).is_file():
            look(url, name)  # without touching it, in case it is a newer one
        engine = connect(url, write=True)
        try:
            with one_line(name, "opened"):
                check_schema(engine, name)  # at once: a server that is away now may be no server
                store = Transactions(engine, name)
                make_tables(store)
        except LedgerError:
            engine.dispose()
            raise
        return cls(store, plan)

    @classmethod
    def read(cls, where: str | Path, plan: str | None = None) -> Self:
        """For reading only; `plan` may be left out where there is only one."""
        url = database_url(where)
        name = readable_name(url)
        engine = connect(url, write=False)
        with one_line(name, "read"):
            check_schema(engine, name)
            begun = sa.inspect(engine).has_table(PlanRow.__tablename__)
        store = Transactions(engine, name)
        names = sa.select(PlanRow.name)
        plans = store.read(lambda session: list(session.scalars(names))) if begun else []
        if not plans:
            raise LedgerError(
                f"ledger: {name} holds 0 plans: its sweep was cut off before its first run; "
                "give its command again"
            )
        if plan is None and len(plans) != 1:
            raise LedgerError(
                f"ledger: {name} holds {len(plans)} plans ({', '.join(plans)}); name one by --plan"
            )
        if plan is not None and plan not in plans:
            raise LedgerError(f"ledger: {name} has no plan {plan!r}; it has {', '.join(plans)}")
        return cls(store, plan or plans[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._store.gone:  # what lies there now is not ours to tidy
            self._store.engine.dispose()
        else:
            settle(self._store.engine)

    def held(self, folder: Path) -> AbstractContextManager[None]:
        """The lease of its plan, for a sweep that has the lock of `folder`; see `lease.held`."""
        return held(self._store, self.plan_name, folder)

    # ------------------------------------------------------------ the plan

    def plan(self) -> Plan | None:
        """The plan as it was when its runs were registered."""
        document = self._store.read(self._document)
        if document is None:
            return None
        try:
            return Plan.model_validate_json(document)
        except ValidationError:
            raise LedgerError(
                f"ledger: {self.name}: the plan in it was written by another version of the "
                "workbench and can't be read by this one; use another --name"
            ) from None

    def _document(self, session: Session) -> str | None:
        row = session.get(PlanRow, self.plan_name)
        return row.document if row else None

    def register(self, plan: Plan, runs: Iterable[RunConfig]) -> None:
        """Store the plan, and `runs` of it as pending; those that are there stay as they are."""
        now, wanted = _now(), tuple(runs)
        variants = {variant.name: variant for variant in plan.variants}

        def work(session: Session) -> None:
            before = session.get(PlanRow, plan.name)
            created = before.created if before else now
            session.merge(PlanRow(name=plan.name, document=plan.model_dump_json(), created=created))
            session.flush()
            known = set(session.scalars(sa.select(RunRow.id).where(RunRow.plan == plan.name)))
            session.add_all(
                new_row(plan.name, run, variants[run.variant], now)
                for run in wanted
                if run.id not in known
            )

        self._store.write(work)

    def restore(self, plan: Plan, runs: Sequence[StoredRun]) -> None:
        """Store a plan and its runs as an export has them."""

        def work(session: Session) -> None:
            session.merge(PlanRow(name=plan.name, document=plan.model_dump_json(), created=_now()))
            session.flush()  # each before what refers to it
            for run in runs:
                session.merge(restored_row(run))
            session.flush()
            for run in runs:
                self._add_curve(session, run)

        self._store.write(work)

    def take(self, run: StoredRun) -> None:
        """A registered run that ended in another ledger, with its curve."""

        def work(session: Session) -> None:
            for table in (ValidationRow, EpochRow):  # of an attempt here
                mine = (table.plan == self.plan_name, table.run == run.id)
                session.execute(sa.delete(table).where(*mine))
            session.merge(restored_row(run.model_copy(update={"plan": self.plan_name})))
            session.flush()
            self._add_curve(session, run)

        self._store.write(work)

    def _add_curve(self, session: Session, run: StoredRun) -> None:
        for record in run.curve:
            for row in epoch_rows(self.plan_name, run.id, record):
                session.merge(row)

    # ------------------------------------------------------------ the life of a run

    def start(self, run: str, host: Mapping[str, Scalar]) -> None:
        """A worker took it."""
        facts = {"status": RUNNING, "reason": None, "host": json.dumps(dict(host))}
        self._update(run, {**facts, "started": _now(), "ended": None})

    def release(self, run: str, reason: str) -> None:
        """It waits again, because its worker died."""
        self._update(run, {"status": PENDING, "reason": visible(reason)})

    def epoch(self, run: str, record: EpochRecord) -> None:
        """One more epoch is through; one that is told twice is stored once."""

        def work(session: Session) -> None:
            for row in epoch_rows(self.plan_name, run, record):
                session.merge(row)

        self._store.write(work)

    def end(self, result: Result) -> None:
        """It is over. Committed when this returns."""
        values = result.model_dump(exclude={"run", "outcome", "details"})
        facts = {key: finite(value) for key, value in values.items()}
        facts["reason"] = result.reason and visible(result.reason)  # no database takes all of it
        validation = {key: facts.pop(key) for key in VALIDATION}
        named = {key: finite(value) for key, value in result.details}
        named |= {key: value for key, value in validation.items() if value is not None}
        details = json.dumps(named)
        status = str(result.outcome)
        self._update(result.run, {**facts, "status": status, "details": details, "ended": _now()})

    def settle_running(self, status: str, reason: str) -> int:
        """Give every run that is marked as running another status; returns how many there were.

        Only for the one who holds the lease of the plan, and whose workers are gone.
        """
        statement = (
            sa.update(RunRow)
            .where(RunRow.plan == self.plan_name, RunRow.status == RUNNING)
            .values(status=status, reason=reason)
        )
        return self._store.write(
            lambda session: int(session.connection().execute(statement).rowcount)
        )

    def _update(self, run: str, values: Mapping[str, object]) -> None:
        statement = (
            sa.update(RunRow)
            .where(RunRow.plan == self.plan_name, RunRow.id == run)
            .values(**values)
        )
        self._store.write(lambda session: session.execute(statement))

    # ------------------------------------------------------------ reading

    def runs(
        self, curves: bool = False, unreadable: list[str] | None = None
    ) -> tuple[StoredRun, ...]:
        """All runs, by seed and name of the variant; with their epochs if `curves`.

        A run that can't be read is an error, unless there is a list for its name.
        """
        of_plan = sa.select(RunRow).where(RunRow.plan == self.plan_name)
        ordered = of_plan.order_by(RunRow.seed, RunRow.variant)

        def work(session: Session) -> tuple[StoredRun, ...]:
            rows = list(session.scalars(ordered))
            epochs = self._epochs(session) if curves else {}
            found = []
            for row in rows:
                try:
                    found.append(run_from_row(row, epochs.get(row.id, ())))
                except DAMAGED:
                    if unreadable is None:
                        raise InputError(
                            f"{self.name}: run {str(row.id)[:12]} is damaged", key="ledger"
                        ) from None
                    unreadable.append(f"run {str(row.id)[:12]}")
            return tuple(found)

        return self._store.read(work)

    def final(self) -> dict[str, bool]:
        """Whether each run, by its id, is final."""
        columns = sa.select(RunRow.id, RunRow.status).where(RunRow.plan == self.plan_name)
        found = self._store.read(lambda session: session.execute(columns).tuples().all())
        return {run: status in FINAL for run, status in found}

    def finished(self, ids: Collection[str]) -> set[str]:
        """Those of the runs `ids` that are final."""
        return {run for run, final in self.final().items() if final and run in ids}

    def _epochs(self, session: Session) -> dict[str, tuple[EpochRecord, ...]]:
        ordered = (
            sa.select(EpochRow)
            .where(EpochRow.plan == self.plan_name)
            .order_by(EpochRow.run, EpochRow.epoch)
        )
        validation = self._validation(session)
        curves: dict[str, tuple[EpochRecord, ...]] = {}
        for row in session.scalars(ordered):
            record = epoch_from_row(row, validation.get((row.run, row.epoch)))
            curves[row.run] = (*curves.get(row.run, ()), record)
        return curves

    def _validation(self, session: Session) -> dict[tuple[str, int], ValidationRow]:
        """By run and epoch; nothing in a ledger of before there were validation images."""
        if not sa.inspect(session.connection()).has_table(ValidationRow.__tablename__):
            return {}
        of_plan = sa.select(ValidationRow).where(ValidationRow.plan == self.plan_name)
        return {(row.run, row.epoch): row for row in session.scalars(of_plan)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
