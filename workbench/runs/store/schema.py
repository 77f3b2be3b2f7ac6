"""The ledger's tables. A change here that an older workbench can't read raises `SCHEMA`."""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Double, ForeignKeyConstraint, String, Text, UniqueConstraint
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from workbench.statistics.facts import PENDING

SCHEMA = 1


LONG = Text().with_variant(LONGTEXT(), "mysql", "mariadb")  # their TEXT ends at 64 KB


class Base(DeclarativeBase):
    """All tables of a ledger."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {float: Double()}  # MySQL's FLOAT has 24 bits


class MetaRow(Base):
    """Facts about the ledger itself: `schema`."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(LONG)


class PlanRow(Base):
    """A plan, resolved, as JSON."""

    __tablename__ = "plans"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    document: Mapped[str] = mapped_column(LONG)
    created: Mapped[str] = mapped_column(String(32))


class RunRow(Base):
    """One run of one plan. Times are UTC in ISO 8601; `spec`, `recipe`, `host`, `details` JSON."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("plan", "variant", "seed"),
        ForeignKeyConstraint(["plan"], ["plans.name"]),
    )

    plan: Mapped[str] = mapped_column(String(128), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    variant: Mapped[str] = mapped_column(String(256))
    seed: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(16), default=PENDING)
    reason: Mapped[str | None] = mapped_column(LONG)
    step: Mapped[int | None] = mapped_column(BigInteger)
    top1: Mapped[float | None]
    test_loss: Mapped[float | None]
    seconds: Mapped[float | None]
    images_per_second: Mapped[float | None]
    device: Mapped[str | None] = mapped_column(String(128))
    params: Mapped[int] = mapped_column(BigInteger)
    macs: Mapped[int] = mapped_column(BigInteger)
    spec: Mapped[str] = mapped_column(LONG)
    recipe: Mapped[str] = mapped_column(LONG)
    details: Mapped[str] = mapped_column(LONG, default="{}")
    host: Mapped[str] = mapped_column(LONG, default="{}")
    created: Mapped[str] = mapped_column(String(32))
    started: Mapped[str | None] = mapped_column(String(32))
    ended: Mapped[str | None] = mapped_column(String(32))


class EpochRow(Base):
    """One epoch of one run: the learning curve."""

    __tablename__ = "epochs"
    __table_args__ = (ForeignKeyConstraint(["plan", "run"], ["runs.plan", "runs.id"]),)

    plan: Mapped[str] = mapped_column(String(128), primary_key=True)
    run: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    train_loss: Mapped[float | None]  # none where it was not finite
    test_loss: Mapped[float | None]
    top1: Mapped[float | None]
    lr: Mapped[float | None]
    seconds: Mapped[float | None]


class ValidationRow(Base):
    """What one epoch found on the validation images. A table of its own, for it came later: a
    ledger of before lacks it and is read as one without a split."""

    __tablename__ = "validation"
    __table_args__ = (ForeignKeyConstraint(["plan", "run"], ["runs.plan", "runs.id"]),)

    plan: Mapped[str] = mapped_column(String(128), primary_key=True)
    run: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    validation_loss: Mapped[float | None]
    validation_top1: Mapped[float | None]


class LeaseRow(Base):
    """The sweep that runs a plan. A table of its own that came later, like `validation`."""

    __tablename__ = "leases"

    plan: Mapped[str] = mapped_column(String(128), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))  # at random; another one each time
    beats: Mapped[int] = mapped_column(BigInteger)  # how often it said that it lives
    place: Mapped[str] = mapped_column(String(64))  # a digest of its machine and results folder
    who: Mapped[str] = mapped_column(String(255))  # for people
    since: Mapped[str] = mapped_column(String(32))
