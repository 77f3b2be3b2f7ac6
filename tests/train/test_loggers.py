"""Each logger receives the epochs of a run, in the form that its own reader gives back."""

import csv
import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.train.standins import FAST, STEPS, StopAfter, parts, run_config
from workbench.config import EpochRecord, Outcome, Progress, Result, Task
from workbench.errors import InputError
from workbench.train.fit import fit
from workbench.train.loggers import (
    LOGGERS,
    METRICS,
    _metrics,
    check_loggers,
    hyperparameters,
    with_loggers,
)


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Loggers set variables of their packages; a worker is a process of its own, this is not."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]


def train(
    folder: Path, names: tuple[str, ...], stop: StopAfter | None = None
) -> tuple[Result, list[EpochRecord]]:
    """A real run of a small network, told to the loggers `names`; what the ledger would hear."""
    run, heard = run_config(FAST), list[Progress]()
    folder.mkdir(parents=True, exist_ok=True)
    with with_loggers(names, run, folder, heard.append) as emit:
        result = fit(run, folder, emit, "cpu", stop, parts=parts)
        emit.outcome = result.outcome
    return result, [progress.record for progress in heard if progress.record]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / METRICS).open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_line_per_epoch_with_the_ledgers_numbers(tmp_path: Path) -> None:
    _, records = train(tmp_path / "run", ("csv",))
    found = rows(tmp_path / "run")
    assert [int(row["step"]) for row in found] == [STEPS * (i + 1) for i in range(FAST.epochs)]
    for row, record in zip(found, records, strict=True):
        for key, value in record.model_dump().items():
            assert row[key] == ("" if value is None else str(value))


def test_csv_of_a_resumed_run_is_that_of_one_that_never_stopped(tmp_path: Path) -> None:
    stopped, _ = train(tmp_path / "run", ("csv",), StopAfter(STEPS + 5))
    assert stopped.outcome is Outcome.INTERRUPTED
    train(tmp_path / "run", ("csv",))
    train(tmp_path / "whole", ("csv",))
    clock = {"seconds"}
    once, again = (
        [{k: v for k, v in row.items() if k not in clock} for row in rows(tmp_path / name)]
        for name in ("whole", "run")
    )
    assert again == once


@pytest.mark.parametrize("content", [b"\xff\xfe", b'epoch,step\n"' + b"x" * 200_000])
def test_a_csv_that_is_damaged_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / METRICS).write_bytes(content)
    logger = LOGGERS["csv"](run_config(FAST), tmp_path)
    logger.epoch(EpochRecord(epoch=0, train_loss=1.0, top1=50.0, lr=0.1, seconds=1.0), 8)
    assert [row["epoch"] for row in rows(tmp_path)] == ["0"]


def test_a_logger_does_not_change_the_run(tmp_path: Path) -> None:
    plain, without = train(tmp_path / "plain", ())
    logged, with_csv = train(tmp_path / "logged", ("csv",))
    assert plain.run == logged.run
    assert [r.train_loss for r in without] == [r.train_loss for r in with_csv]


def test_tensorboard_has_the_scalars(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, records = train(tmp_path / "run", ("tensorboard",))
    events = EventAccumulator(str(tmp_path / "run")).Reload()
    for key in ("train_loss", "test_loss", "top1", "lr"):
        written = [(event.step, event.value) for event in events.Scalars(key)]
        steps = [STEPS * (i + 1) for i in range(FAST.epochs)]
        values = [getattr(record, key) for record in records]
        assert [step for step, _ in written] == steps
        assert [value for _, value in written] == pytest.approx(values, rel=1e-6)


@pytest.mark.slow
def test_wandb_has_the_history_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nobody listens there
    for name in ("first", "second"):  # one process, two runs, as in a worker
        _, records = train(tmp_path / name, ("wandb",))
        (folder,) = (tmp_path / name / "wandb").glob("offline-run-*")
        history = wandb_history(next(folder.glob("*.wandb")), len(records))
        assert [row["top1"] for row in history] == [record.top1 for record in records]
        assert [row["train_loss"] for row in history] == [record.train_loss for record in records]


def wandb_history(path: Path, rows: int, seconds: float = 300) -> list[dict[str, Any]]:
    """The history in a W&B log, once it has `rows`: a process of W&B's own writes it."""
    deadline = time.monotonic() + seconds
    while len(found := wandb_rows(path)) < rows and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def wandb_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of the history so far, whatever the layout of keys in it."""
    from wandb.proto import wandb_internal_pb2

    found = []
    for data in wandb_records(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            keys = {item.key or ".".join(item.nested_key): item.value_json for item in items}
            found.append({key: json.loads(value) for key, value in keys.items()})
    return found


def wandb_records(log: bytes, block: int = 32768) -> Iterator[bytes]:
    """LevelDB's log format after a header of 7 bytes: blocks of (checksum, length, kind, data)."""
    place, whole = 7, b""
    while place + 7 <= len(log):
        if block - place % block < 7:  # too little for another header: padding
            place += block - place % block
            continue
        _, length, kind = struct.unpack_from("<IHB", log, place)
        whole += log[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # the whole of a record, or its last part
            yield whole
            whole = b""


@pytest.mark.slow
def test_mlflow_has_the_metrics_in_a_local_file_store(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    stopped, _ = train(tmp_path / "run", ("mlflow",), StopAfter(STEPS + 5))
    assert stopped.outcome is Outcome.INTERRUPTED
    _, records = train(tmp_path / "run", ("mlflow",))
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    (experiment,) = [e for e in client.search_experiments() if e.name == "cmt-workbench"]
    (run,) = client.search_runs([experiment.experiment_id])  # resumed, not begun again
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == str(run_config(FAST).seed)
    history = {m.step: m.value for m in client.get_metric_history(run.info.run_id, "top1")}
    assert sorted(history) == [STEPS * (i + 1) for i in range(FAST.epochs)]
    assert history[STEPS * FAST.epochs] == records[-1].top1


def test_the_scores_of_other_tasks_have_their_own_names(tmp_path: Path) -> None:
    run = run_config(FAST)
    recipe = run.recipe.model_copy(update={"task": Task(name="segment")})
    logger = LOGGERS["csv"](run.model_copy(update={"recipe": recipe}), tmp_path)
    record = EpochRecord(epoch=0, train_loss=1, lr=1, seconds=1, top1=40, validation_top1=30)
    logger.epoch(record, 5)
    (row,) = rows(tmp_path)
    assert (row["miou"], row["validation_miou"], "top1" in row) == ("40.0", "30.0", False)
    assert _metrics(record, "segment")["validation_miou"] == 30


def test_hyperparameters_name_the_run_its_network_and_its_recipe() -> None:
    run = run_config(FAST)
    found = hyperparameters(run)
    assert found["run"] == run.id
    assert found["recipe.optimiser.lr"] == FAST.optimiser.lr
    assert found["spec.resolution"] == run.spec.resolution


def test_an_unknown_logger_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"logger: unknown 'tensorbord'; nearest: 'tensorboard"):
        check_loggers(["tensorbord"])
    assert next(iter(LOGGERS)) == "csv"


def test_a_logger_without_its_package_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workbench.train.loggers.NEEDS", {"wandb": "no_such_package"})
    with pytest.raises(InputError, match=r"pip install 'cmt-workbench\[loggers\]'"):
        check_loggers(["wandb"])
