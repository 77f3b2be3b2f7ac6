"""What a run said of every test image."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.train.standins import (
    ASKED,
    FAST,
    FULL,
    HeldOut,
    StopAfter,
    Stream,
    Tiny,
    epochs_told,
    fit_tiny,
    run_config,
    small_run,
)
from workbench.config import Outcome, Progress, Recipe, Result
from workbench.errors import InputError
from workbench.train.checkpoint import NAME as CHECKPOINT
from workbench.train.checkpoint import load_checkpoint, network_weights
from workbench.train.curve import Curve
from workbench.train.evaluation import evaluate
from workbench.train.evidence import NAME, Evidence, half, read_evidence, write_evidence
from workbench.train.fit import fit
from workbench.train.module import RunModule
from workbench.train.parts import Parts, Points


def _kept(folder: Path) -> bytes:
    return (folder / NAME).read_bytes()


def test_scores_are_exact_over_uneven_batches_and_training_goes_on_as_before() -> None:
    module, data = RunModule(Tiny(0), Recipe(label_smoothing=0.3), 4), HeldOut()
    module.train()
    module.network.get_submodule("drop").eval()
    score = evaluate(module, data, lambda: None).score
    assert module.training
    assert not module.network.get_submodule("drop").training
    with torch.no_grad():
        logits = module.eval().network(data.images)
    right = (logits.argmax(dim=1) == data.labels).sum().item()
    assert score.top1 == pytest.approx(100 * right / 19, abs=1e-12)
    assert score.loss == pytest.approx(F.cross_entropy(logits, data.labels).item(), rel=1e-6)


@pytest.mark.parametrize("recipe", [FAST, FULL], ids=["plain", "averaged weights"])
def test_evidence_is_of_the_weights_that_are_kept(tmp_path: Path, recipe: Recipe) -> None:
    result = fit_tiny(tmp_path, recipe)
    evidence, data = read_evidence(tmp_path), HeldOut()
    assert evidence is not None
    assert evidence.run == result.run
    network = Tiny(0).eval()
    network.load_state_dict(network_weights(load_checkpoint(tmp_path / CHECKPOINT)))
    with torch.no_grad():
        logits = network(data.images)
    assert np.array_equal(evidence.labels, data.labels.numpy())
    assert np.array_equal(evidence.correct, (logits.argmax(dim=1) == data.labels).numpy())
    losses = F.cross_entropy(logits, data.labels, reduction="none")
    np.testing.assert_allclose(evidence.loss, losses.numpy(), rtol=1e-3)
    assert result.top1 == pytest.approx(100 * evidence.correct.mean(), rel=1e-12)
    assert result.test_loss == pytest.approx(evidence.loss.astype(float).mean(), rel=1e-3)


def test_a_run_that_is_resumed_or_run_again_has_the_same_bits(tmp_path: Path) -> None:
    fit_tiny(tmp_path / "whole", FULL)
    fit_tiny(tmp_path / "parts", FULL, StopAfter(2 * ASKED + 1))
    assert not (tmp_path / "parts" / NAME).exists()
    fit_tiny(tmp_path / "parts", FULL)
    assert _kept(tmp_path / "parts") == _kept(tmp_path / "whole")


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"PK half")])
def test_a_finished_run_without_evidence_gets_it_from_its_checkpoint(tmp_path: Path, spoil) -> None:
    first = fit_tiny(tmp_path, FULL)
    before = _kept(tmp_path)
    spoil(tmp_path / NAME)
    again = fit_tiny(tmp_path, FULL)
    assert (again.top1, again.details) == (first.top1, first.details)
    assert _kept(tmp_path) == before


def test_evidence_is_there_before_the_end_is_told(tmp_path: Path) -> None:
    seen: list[bool] = []

    def emit(progress: Progress) -> None:
        if progress.record:
            seen.append((tmp_path / NAME).exists())

    fit(run_config(), tmp_path, emit, "cpu", parts=lambda run, _: _parts(run.seed))
    assert seen == [False, False, True]


def _parts(seed: int) -> Parts:
    return Parts(Tiny(seed), Stream(seed), HeldOut())


def test_a_disk_that_is_full_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_tiny(tmp_path)
    before = _kept(tmp_path)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / CHECKPOINT).unlink()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        fit_tiny(tmp_path)
    assert _kept(tmp_path) == before
    assert not list(tmp_path.glob("*.tmp"))


def test_damaged_evidence_is_named(tmp_path: Path) -> None:
    assert read_evidence(tmp_path) is None
    fit_tiny(tmp_path)
    (tmp_path / NAME).write_bytes(_kept(tmp_path)[:-30])
    with pytest.raises(InputError, match=r"evidence: .*evidence\.npz can't be read"):
        read_evidence(tmp_path)


def test_no_flipped_byte_of_evidence_is_more_than_one_line(tmp_path: Path) -> None:
    """zipfile and zlib have each their own names for what they meet."""
    labels, loss = np.arange(9) % 3, np.linspace(0, 1, 9).astype(np.float16)
    write_evidence(tmp_path, Evidence("r", "t", labels, labels > 0, loss))
    whole, named = _kept(tmp_path), set[str]()
    for place in range(0, len(whole), 3):
        data = bytearray(whole)
        data[place] ^= 8
        (tmp_path / NAME).write_bytes(data)
        try:
            read_evidence(tmp_path)
        except InputError as error:
            named.add(str(error).partition("(")[2].partition(")")[0])
    assert {"error", "BadZipFile", "NotImplementedError"} <= named  # the first is zlib's


@pytest.mark.parametrize("key", ["labels", "correct", "loss"])
def test_evidence_of_another_shape_or_type_is_named(tmp_path: Path, key: str) -> None:
    labels = np.arange(9) % 3
    write_evidence(tmp_path, Evidence("r", "t", labels, labels > 0, labels.astype(np.float16)))
    with np.load(tmp_path / NAME) as stored:
        arrays = dict(stored)
    for wrong in (np.array(3), np.array(["x"] * 9), np.zeros((9, 2))):
        np.savez(tmp_path / NAME, **{**arrays, key: wrong})
        with pytest.raises(InputError, match="can't be read"):
            read_evidence(tmp_path)


def test_a_loss_that_no_half_float_holds_stays_finite() -> None:
    assert half(np.array([0.0, 1e6], np.float32)).tolist() == [0.0, 65504.0]


# ---------------------------------------------------------------- the curve, the validation split


def _fit(folder: Path, parts: Parts, recipe: Recipe = FULL) -> tuple[Result, list]:
    told: list[Progress] = []
    result = fit(run_config(recipe), folder, told.append, "cpu", parts=lambda *_: parts)
    assert result.outcome is Outcome.COMPLETED
    return result, epochs_told(told)


class Few(HeldOut):
    """The first of the test's batches."""

    def __iter__(self):
        yield next(super().__iter__())


def test_the_curve_is_of_few_images_and_the_score_of_all(tmp_path: Path) -> None:
    plain, every = _fit(tmp_path / "plain", _parts(3))
    points = Points(Few(), Curve(2, 8))
    result, records = _fit(tmp_path / "few", _parts(3)._replace(points=points))
    assert [record.top1 is not None for record in records] == [False, True, False, True, True]
    assert records[1].top1 != every[1].top1
    assert records[-1].top1 == result.top1 == plain.top1
    assert result.test_loss == plain.test_loss
    assert _kept(tmp_path / "few") == _kept(tmp_path / "plain")
    details = dict(result.details)
    assert (details["curve_every"], details["curve_images"]) == (2, 8)
    assert 0 < details["evaluation_share"] < 1


def test_with_a_split_the_test_set_is_read_once_at_the_end(tmp_path: Path) -> None:
    test = Counted()
    result, records = _fit(tmp_path, _parts(3)._replace(test=test, validation=Few()))
    assert test.read == 1
    assert [record.top1 for record in records[:-1]] == [None] * 4
    assert all(record.validation_top1 is not None for record in records)
    assert result.judged == result.validation_top1 == records[-1].validation_top1
    assert result.top1 == records[-1].top1 is not None
    assert (records[0].judged, records[-1].judged) == (
        records[0].validation_top1,
        records[-1].validation_top1,
    )


class Counted(HeldOut):
    """Counts how often it is gone through."""

    read = 0

    def __iter__(self):
        self.read += 1
        return super().__iter__()


def test_the_real_parts_follow_the_recipe(tmp_path: Path) -> None:
    run = small_run()
    data = run.recipe.data.model_copy(update={"train_size": 200, "validation": 0.2})
    recipe = run.recipe.model_copy(update={"data": data, "epochs": 2})
    told: list[Progress] = []
    run = run.model_copy(update={"recipe": recipe})
    result = fit(run, tmp_path, told.append, "cpu")
    assert [record.top1 is None for record in epochs_told(told)] == [True, False]
    evidence = read_evidence(tmp_path)
    assert evidence is not None
    assert len(evidence.labels) == 30
    assert len(evidence.test_set) == 64
    assert result.validation_top1 is not None
    assert float(result.validation_top1 * 40 / 100).is_integer()
