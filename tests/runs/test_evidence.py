"""The evidence of a results folder: written by a sweep, read as a frame, checked."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import workbench as wb
from tests.support.answers import IMAGES, LABELS, answered
from tests.support.checks import refused
from tests.support.sweeps import plan, quiet
from workbench.runs.evidence import EVIDENCE, export_evidence
from workbench.runs.folder import LEDGER, run_folder
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep
from workbench.train.evidence import (
    BY_IMAGE,
    NAME,
    Evidence,
    read_by_image,
    read_evidence,
    write_by_image,
    write_evidence,
)

OPTIONS = answered()


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept") / "path"
    run_sweep(plan(), folder, OPTIONS, quiet())
    return folder


@pytest.fixture
def results(swept: Path, tmp_path: Path) -> Path:
    """A copy, to be spoilt."""
    return Path(shutil.copytree(swept, tmp_path / "path"))


def test_a_row_for_each_run_and_image_in_the_order_of_the_plan(swept: Path) -> None:
    frame, runs = wb.load_evidence(swept), wb.load_results(swept)
    assert list(frame.columns) == ["variant", "seed", "run", "image", "label", "correct", "loss"]
    assert len(frame) == len(runs) * IMAGES
    assert list(frame["run"].unique()) == list(runs["id"])
    assert frame.attrs["test_set"] == "the one"
    means = frame.groupby(["run"], sort=False)["correct"].mean() * 100
    np.testing.assert_allclose(means.to_numpy(), runs["top1"].to_numpy())
    for run in load_sweep(swept).runs:
        own = frame[(frame["variant"] == run.variant) & (frame["seed"] == run.seed)]
        kept = read_evidence(run_folder(swept, run))
        assert kept is not None
        assert list(own["image"]) == list(range(IMAGES))
        assert list(own["label"]) == LABELS.tolist()
        assert np.array_equal(own["correct"], kept.correct)
        assert np.array_equal(own["loss"], kept.loss.astype(np.float32))


def test_what_images_say_of_the_noise_of_rows_and_pairs(swept: Path) -> None:
    frame, method = wb.load_evidence(swept), load_sweep(swept).facts().method
    assert method.known is not None
    top1 = method.known["top1"]
    names = list(frame["variant"].unique())
    assert list(top1.rows) == names
    assert len(top1.pairs) == len(names) * (len(names) - 1) / 2

    def scores(column: str, name: str) -> pd.DataFrame:
        own = frame[frame["variant"] == name].astype({"loss": float, "correct": float})
        return own.pivot_table(index="seed", columns="image", values=column, observed=True)

    (first, second), (explained, alike) = next(iter(top1.pairs.items()))
    right = [scores("correct", name) - scores("correct", name).mean() for name in (first, second)]
    sums = (right[0] * right[1]).sum().sum() / (len(right[0]) - 1)
    assert explained == pytest.approx(1e4 * sums / IMAGES**2)
    loss = [scores("loss", name) - scores("loss", name).mean() for name in (first, second)]
    between = np.corrcoef(*(each.to_numpy().ravel() for each in loss))[0, 1]
    assert alike == pytest.approx(max(between, 0.0))


def test_what_is_committed_reads_alike(results: Path) -> None:
    before = wb.load_evidence(results)
    shutil.rmtree(results / "runs")
    (results / LEDGER).unlink()
    pd.testing.assert_frame_equal(wb.load_evidence(results), before)


def test_a_sweep_that_was_killed_before_its_export_loses_none(results: Path) -> None:
    before = wb.load_evidence(results)
    (results / EVIDENCE).unlink()
    pd.testing.assert_frame_equal(wb.load_evidence(results), before)


def test_the_same_command_again_writes_the_same_bytes_and_keeps_what_has_no_folder(
    results: Path,
) -> None:
    before = (results / EVIDENCE).read_bytes()
    shutil.rmtree(results / "runs")
    run_sweep(plan(), results, OPTIONS, quiet())
    assert (results / EVIDENCE).read_bytes() == before


def test_it_stays_small(swept: Path, tmp_path: Path) -> None:
    """18 runs on a test set like CIFAR-10's: 10,000 answers each, at random as the worst case."""
    random = np.random.default_rng(0)
    run = load_sweep(swept).runs[0]
    runs = [run.model_copy(update={"id": f"{seed:064x}", "seed": seed}) for seed in range(18)]
    labels = random.integers(0, 10, 10_000)
    for each in runs:
        folder = run_folder(tmp_path, each)
        folder.mkdir(parents=True)
        loss = random.exponential(size=10_000).astype(np.float16)
        right = random.random(10_000) < 0.8
        write_evidence(folder, Evidence(each.id, "of CIFAR-10", labels, right, loss))
        assert (folder / NAME).stat().st_size < 40_000
    export_evidence(tmp_path, runs)
    assert pq.read_metadata(tmp_path / EVIDENCE).num_rows == 180_000
    assert (tmp_path / EVIDENCE).stat().st_size < 18 * 25_000


# ---------------------------------------------------------------- refused


def test_a_folder_without_any_says_so(results: Path) -> None:
    shutil.rmtree(results / "runs")
    (results / EVIDENCE).unlink()
    assert run_sweep(plan(), results, OPTIONS, quiet()).trained == 0
    assert not (results / EVIDENCE).exists()
    refused(lambda: wb.load_evidence(results), "holds none", "runs keep it from this version")


@pytest.mark.parametrize("what", ["set", "order"])
def test_evidence_of_another_test_set_or_order_is_refused(results: Path, what: str) -> None:
    run = load_sweep(results).runs[3]
    own = read_evidence(run_folder(results, run))
    assert own is not None
    other = replace(own, test_set="another") if what == "set" else replace(own, labels=LABELS[::-1])
    write_evidence(run_folder(results, run), other)
    refused(lambda: wb.load_evidence(results), "evidence: run", "small, seed 1", "another test set")


def test_evidence_of_another_run_is_refused(results: Path) -> None:
    run = load_sweep(results).runs[3]
    own = read_evidence(run_folder(results, run))
    assert own is not None
    write_evidence(run_folder(results, run), replace(own, correct=~own.correct))
    refused(lambda: wb.load_evidence(results), "small, seed 1", "of another run")


def test_images_in_another_order_are_refused(results: Path) -> None:
    shutil.rmtree(results / "runs")
    table = pq.read_table(results / EVIDENCE)
    swapped = np.arange(len(table))
    swapped[[3, 4]] = [4, 3]
    pq.write_table(table.take(swapped), results / EVIDENCE)
    refused(lambda: wb.load_evidence(results), "the images of run", "another order")


@pytest.mark.parametrize("content", [b"PAR1 nothing", b""])
def test_a_damaged_file_is_named_and_kept(results: Path, content: bytes) -> None:
    (results / EVIDENCE).write_bytes(content)
    refused(lambda: wb.load_evidence(results), EVIDENCE, "can't be read")
    refused(lambda: run_sweep(plan(), results, OPTIONS, quiet()), EVIDENCE, "can't be read")
    assert (results / EVIDENCE).read_bytes() == content


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.slice(0, 0),
        lambda table: table.drop_columns(["loss"]),
        lambda table: set_column(table, "run", [None] * len(table)),
        lambda table: set_column(table, "loss", [np.float16("nan")] * len(table)),
        lambda table: set_column(table, "label", [-5] * len(table)),
        lambda table: set_column(table, "run", [["a"]] * len(table)),
    ],
)
def test_numbers_that_no_run_has_are_refused(
    results: Path, change: Callable[[pa.Table], pa.Table]
) -> None:
    shutil.rmtree(results / "runs")
    pq.write_table(change(pq.read_table(results / EVIDENCE)), results / EVIDENCE)
    refused(lambda: wb.load_evidence(results), EVIDENCE, "can't be read")


def set_column(table: pa.Table, name: str, values: list[object]) -> pa.Table:
    index = table.column_names.index(name)
    kind = None if isinstance(values[0], list) else table.schema.field(name).type
    return table.set_column(index, name, pa.array(values, kind))


def test_what_is_no_evidence_of_a_detector_is_named(tmp_path: Path) -> None:
    write_by_image(tmp_path, "run", "set", ["a", "b"], {"found": [1, 2]})
    assert read_by_image(tmp_path / BY_IMAGE) is not None
    columns = {"run": [["r"], ["r"]], "test_set": ["s", "s"], "image": ["a", "b"]}
    pq.write_table(pa.table(columns), tmp_path / BY_IMAGE)
    refused(lambda: read_by_image(tmp_path / BY_IMAGE), "by_image.parquet can't be read")


def test_another_table_is_refused(results: Path) -> None:
    pq.write_table(pa.table({"run": [1, 2]}), results / EVIDENCE)
    refused(lambda: wb.load_evidence(results), EVIDENCE, "can't be read")
