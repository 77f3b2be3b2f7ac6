"""What is committed stays readable, whatever happens next."""

import os
import re
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from tests.support.checks import refused
from tests.support.sweeps import plan
from workbench.config import EpochRecord, Outcome, Result, RunConfig
from workbench.runs.ledger import Ledger
from workbench.runs.rows import StoredRun
from workbench.runs.store.database import LedgerError, check_ledger
from workbench.runs.store.schema import Base


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.open(path, "path") as opened:
        register(opened)
        yield opened


def register(ledger: Ledger, seeds: int = 2) -> tuple[RunConfig, ...]:
    whole = plan(seeds=seeds)
    ledger.register(whole, whole.runs())
    return whole.runs()


def stored(ledger: Ledger, run: RunConfig) -> StoredRun:
    return next(found for found in ledger.runs(curves=True) if found.id == run.id)


def epoch(number: int, loss: float = 0.5) -> EpochRecord:
    return EpochRecord(epoch=number, train_loss=loss, top1=50.0, lr=0.1, seconds=1.5)


def test_registered_runs_wait_with_their_whole_configuration(ledger: Ledger) -> None:
    runs = ledger.runs()
    assert len(runs) == 6
    assert {run.status for run in runs} == {"pending"}
    assert {run.outcome for run in runs} == {None}
    first = plan().runs()[0]
    found = stored(ledger, first)
    assert (found.spec, found.recipe, found.seed) == (first.spec, first.recipe, first.seed)
    row = plan().variants[0]
    assert (found.params, found.macs) == (row.params, row.macs)
    assert ledger.plan() == plan()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_kept_with_its_reason(ledger: Ledger, outcome: Outcome) -> None:
    run = plan().runs()[0]
    ledger.start(run.id, {"commit": "abc", "dirty": None})
    result = Result(
        run=run.id, outcome=outcome, reason="why", step=7, top1=61.5, test_loss=float("nan"),
        seconds=2.5, images_per_second=99.0, device="cpu", details=(("last", float("inf")),),
    )  # fmt: skip
    ledger.end(result)
    found = stored(ledger, run)
    assert (found.outcome, found.reason, found.step) == (outcome, "why", 7)
    assert (found.top1, found.seconds, found.test_loss) == (61.5, 2.5, None)
    assert found.host == {"commit": "abc", "dirty": None}
    assert found.details == {"last": None}
    assert found.final is outcome.final
    assert found.started
    assert found.ended
    assert found.started <= found.ended


def test_a_reason_with_characters_that_databases_refuse_is_kept_readable(ledger: Ledger) -> None:
    run = plan().runs()[0]
    ledger.end(Result(run=run.id, outcome=Outcome.FAILED, reason="no file 'a\0\udcff\x1b[2J'"))
    assert stored(ledger, run).reason == r"no file 'a\x00\udcff\x1b[2J'"


def test_registering_again_keeps_what_is_there_and_adds_what_is_not(ledger: Ledger) -> None:
    run = plan().runs()[0]
    ledger.end(Result(run=run.id, outcome=Outcome.COMPLETED, top1=60.0))
    register(ledger, seeds=3)
    assert len(ledger.runs()) == 9
    assert stored(ledger, run).top1 == 60.0


def test_curve_is_kept_in_order_and_an_epoch_told_twice_once(ledger: Ledger) -> None:
    run = plan().runs()[0]
    for number in (0, 1, 1, 2):
        ledger.epoch(run.id, epoch(number, loss=float("nan") if number == 2 else 0.5))
    curve = stored(ledger, run).curve
    assert [record.epoch for record in curve] == [0, 1, 2]
    assert curve[1] == epoch(1)
    assert curve[2].train_loss != curve[2].train_loss


def test_running_runs_of_a_killed_sweep_are_released(ledger: Ledger) -> None:
    first, second, *_ = plan().runs()
    ledger.start(first.id, {})
    ledger.end(Result(run=second.id, outcome=Outcome.COMPLETED))
    assert ledger.settle_running("pending", "killed") == 1
    assert stored(ledger, first).status == "pending"
    assert stored(ledger, second).status == "completed"


def test_each_end_is_committed_at_once_and_readable_by_others(ledger: Ledger, path: Path) -> None:
    run = plan().runs()[0]
    ledger.end(Result(run=run.id, outcome=Outcome.COMPLETED, top1=60.0))
    with Ledger.read(path) as reader:  # the writer is still open
        assert reader.plan_name == "path"
        assert stored(reader, run).top1 == 60.0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_reader_cannot_write(ledger: Ledger, path: Path) -> None:
    with Ledger.read(path) as reader, pytest.raises(LedgerError, match="readonly"):
        reader.end(Result(run=plan().runs()[0].id, outcome=Outcome.COMPLETED))


def test_a_ledger_closed_beside_a_reader_is_read_from_its_one_file(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy on read-only media has no room for the files that SQLite makes beside it."""
    with Ledger.open(path, "path") as opened:
        register(opened)
        reader = sqlite3.connect(path)
        reader.execute("SELECT * FROM plans").fetchall()
        held = reader.execute("SELECT * FROM runs")
        held.fetchone()
    copy = tmp_path / "disc" / "ledger.db"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    reader.close()
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != copy.parent)
    with Ledger.read(copy) as read:
        assert len(read.runs()) == len(plan().runs())
    assert [each.name for each in copy.parent.iterdir()] == ["ledger.db"]


def test_a_reader_that_leaves_in_time_does_not_keep_a_ledger_from_being_one_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(path, "path") as opened:
        register(opened)
        reader = sqlite3.connect(path)
        reader.execute("SELECT * FROM runs").fetchone()
        monkeypatch.setattr(time, "sleep", lambda _: reader.close())
    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", ":memory:"])
def test_a_ledger_in_memory_is_refused(url: str) -> None:
    with pytest.raises(LedgerError, match="is in memory"):
        Ledger.open(url, "path")


def test_closed_ledger_is_one_file(path: Path) -> None:
    with Ledger.open(path, "path") as opened:
        register(opened)
    assert sorted(each.name for each in path.parent.iterdir()) == ["ledger.db"]


def test_two_plans_share_a_database(path: Path) -> None:
    for name in ("one", "two"):
        with Ledger.open(f"sqlite:///{path}", name) as opened:
            whole = plan(name=name)
            opened.register(whole, whole.runs())
            opened.end(Result(run=whole.runs()[0].id, outcome=Outcome.COMPLETED))
            assert len(opened.runs()) == 6
    with Ledger.read(path, "one") as reader:
        assert len(reader.runs()) == 6
    with pytest.raises(LedgerError, match=r"holds 2 plans \(one, two\)"):
        Ledger.read(path)
    with pytest.raises(LedgerError, match="has no plan 'three'"):
        Ledger.read(path, "three")


def test_a_dry_run_looks_at_a_ledger_and_makes_none(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, by far")
    refused(lambda: check_ledger(str(tmp_path / "text.db")), "text.db can't be opened")
    check_ledger(f"sqlite:///{tmp_path / 'none.db'}")
    assert [each.name for each in tmp_path.iterdir()] == ["text.db"]


# ---------------------------------------------------------------- refused


def test_ledger_of_a_newer_version_is_refused_unchanged(path: Path) -> None:
    with Ledger.open(path, "path") as opened:
        register(opened)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99'")
    before = path.read_bytes()
    for attempt in (lambda: Ledger.open(path, "path"), lambda: Ledger.read(path)):
        with pytest.raises(LedgerError, match=r"newer version .*schema 99, this one knows 1"):
            attempt()
    assert path.read_bytes() == before


def test_a_schema_that_is_no_number_is_damage(path: Path) -> None:
    with Ledger.open(path, "path") as opened:
        register(opened)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '1.0e+308'")
    for attempt in (lambda: Ledger.open(path, "path"), lambda: Ledger.read(path)):
        with pytest.raises(LedgerError, match=r"is damaged: its schema is '1\.0e\+308'; move it"):
            attempt()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("postgres+nothing://x/y", "driver is not installed"),
        ("nonsense://", "is not a database URL|driver is not installed"),
        ("/no/such/folder/ledger.db", "can't be opened: unable to open database file"),
    ],
)
def test_database_that_is_not_there_is_one_line(where: str, message: str) -> None:
    with pytest.raises(LedgerError, match=message) as caught:
        Ledger.open(where, "path")
    assert "\n" not in str(caught.value)


def test_file_that_is_no_database_is_one_line(path: Path) -> None:
    path.write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(LedgerError, match=r"can't be opened: .*not a database"):
        Ledger.open(path, "path")


def test_password_stays_out_of_messages() -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open("postgres+nothing://me:secret@x/y", "path")
    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- full disk


def test_full_database_is_one_line_and_keeps_what_is_finished(ledger: Ledger, path: Path) -> None:
    runs = plan().runs()
    ledger.end(Result(run=runs[0].id, outcome=Outcome.COMPLETED, top1=60.0))
    limit_pages(ledger)
    with pytest.raises(LedgerError, match="full; finished runs are safe") as caught:
        write_epochs(ledger, runs[1])
    assert "\n" not in str(caught.value)
    with Ledger.read(path) as reader:
        assert stored(reader, runs[0]).top1 == 60.0
        assert stored(reader, runs[1]).curve


def write_epochs(ledger: Ledger, run: RunConfig) -> None:
    for number in range(100_000):
        ledger.epoch(run.id, epoch(number))


def limit_pages(ledger: Ledger) -> None:
    """No page more than there are: what SQLite then says is what it says on a full disk."""
    with ledger._store.engine.connect() as connection:
        pages = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
        connection.execute(sa.text(f"PRAGMA max_page_count = {pages}"))


FULL = """
import resource, sys
sys.path[:0] = {path!r}
from {module} import register, write_epochs
from workbench.runs.ledger import Ledger
from workbench.config import Outcome, Result

with Ledger.open({ledger!r}, "path") as ledger:
    runs = register(ledger)
    ledger.end(Result(run=runs[0].id, outcome=Outcome.COMPLETED, top1=60.0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    write_epochs(ledger, runs[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no file size limits here")
def test_ledger_survives_a_process_that_could_not_write(path: Path) -> None:
    script = FULL.format(path=sys.path, module=__name__, ledger=str(path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert "LedgerError: ledger: " in last
    assert "finished runs are safe in it" in last
    with Ledger.read(path) as reader:
        assert stored(reader, plan().runs()[0]).top1 == 60.0
    with Ledger.open(path, "path") as again:  # and there is room again
        again.end(Result(run=plan().runs()[1].id, outcome=Outcome.COMPLETED))
        assert sum(run.final for run in again.runs()) == 2


def test_what_was_found_on_validation_images_is_kept(ledger: Ledger, path: Path) -> None:
    run, other = plan().runs()[:2]
    record = epoch(0).model_copy(update={"validation_top1": 40.0, "validation_loss": 1.5})
    ledger.epoch(run.id, record)
    ledger.epoch(run.id, epoch(1))
    found = {"validation_top1": 41.0, "validation_loss": 1.4}
    ledger.end(Result(run=run.id, outcome=Outcome.COMPLETED, top1=60.0, **found))
    ledger.end(Result(run=other.id, outcome=Outcome.COMPLETED, top1=61.0))
    kept = stored(ledger, run)
    assert kept.curve == (record, epoch(1))
    assert (kept.top1, kept.judged, kept.details["validation_loss"]) == (60.0, 41.0, 1.4)
    assert stored(ledger, other).judged == 61.0


def test_a_ledger_of_before_there_were_validation_images_opens(path: Path) -> None:
    run = plan().runs()[0]
    with Ledger.open(path, "path") as ledger:
        register(ledger)
        ledger.epoch(run.id, epoch(0))
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE validation")
    with Ledger.read(path) as ledger:
        assert stored(ledger, run).curve == (epoch(0),)
    with Ledger.open(path, "path") as ledger:
        record = epoch(1).model_copy(update={"validation_top1": 40.0, "validation_loss": 1.5})
        ledger.epoch(run.id, record)
        assert stored(ledger, run).curve == (epoch(0), record)


def test_a_missing_driver_of_postgresql_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_driver(_: object, connect_args: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr(sa, "create_engine", no_driver)
    refused(
        lambda: Ledger.open("postgresql://me:secret@host/db", "path"),
        "postgresql://me:***@host/db: its driver is not installed", "cmt-workbench[postgres]",
    )  # fmt: skip


def test_columns_hold_long_texts_and_whole_numbers_in_mysql_too() -> None:
    made = [sa.schema.CreateTable(table) for table in Base.metadata.sorted_tables]
    text = "".join(str(each.compile(dialect=mysql.dialect())) for each in made)
    assert "spec LONGTEXT" in text
    assert "document LONGTEXT" in text
    assert "top1 DOUBLE" in text
    assert not re.search(r" (FLOAT|TEXT)\b", text)
