"""Logits that are kept: the same numbers, the teacher asked once, and again for anything else."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.train.test_teaching import ONE_HEAD, TWO_HEADS, _run
from workbench.config import Outcome, RunConfig
from workbench.errors import InputError
from workbench.models import build
from workbench.models.tensor_file import read_tensors, write_tensors
from workbench.train.fit import fit
from workbench.train.saved import save
from workbench.train.teaching.kept_logits import KeptLogits
from workbench.train.teaching.teacher import TrainedTeacher

Trained = Callable[..., tuple[float | None, int]]


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return save(build(ONE_HEAD, seed=5), tmp_path / "teacher")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cmt-workbench" / "teachers"


@pytest.fixture
def trained(teacher: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Trains, and says the test loss and how often the teacher was asked: two steps an epoch."""
    ask, asked = TrainedTeacher.__call__, list[int]()

    def counted(self: TrainedTeacher, images: Tensor) -> Tensor:
        asked.append(len(images))
        return ask(self, images)

    monkeypatch.setattr(TrainedTeacher, "__call__", counted)
    number = iter(range(100))

    def train(*overrides: str, run: RunConfig | None = None) -> tuple[float | None, int]:
        asked.clear()
        found = run or _run(TWO_HEADS, f"teacher.weights={teacher}", "teacher.kind=soft",
                            "teacher.keep_logits=true", *overrides)  # fmt: skip
        result = fit(found, tmp_path / f"run{next(number)}", lambda _: None, "cpu")
        assert result.outcome is Outcome.COMPLETED
        return result.test_loss, len(asked)

    return train


def test_the_teacher_is_asked_once_for_all_runs_that_see_the_same_images(
    trained: Trained, teacher: Path
) -> None:
    plain, asked = trained("teacher.keep_logits=false")
    assert asked == 4
    assert trained() == (plain, 4)
    assert trained() == (plain, 0)
    other = _run(ONE_HEAD, f"teacher.weights={teacher}", "teacher.keep_logits=true")
    assert trained(run=other)[1] == 0  # another network, by the teacher's first choice
    assert trained("epochs=3")[1] == 2  # of the epoch that is new


@pytest.mark.parametrize(
    "override",
    ["augment.crop_padding=2", "augment.mixup=0.5", "batch_size=20", "precision=bf16",
     "data.train_size=39", "data.subset_seed=1"],
)  # fmt: skip
def test_what_logits_depend_on_asks_again(trained: Trained, override: str) -> None:
    trained()
    assert trained(override)[1] == 4
    assert trained()[1] == 0


def test_another_teacher_and_another_seed_ask_again(trained: Trained, tmp_path: Path) -> None:
    trained()
    other = save(build(ONE_HEAD, seed=6), tmp_path / "other")
    run = _run(TWO_HEADS, f"teacher.weights={other}", "teacher.keep_logits=true")
    assert trained(run=run)[1] == 4
    assert trained(run=run.model_copy(update={"seed": 4}))[1] == 4


@pytest.mark.parametrize("fault", ["damaged", "of something else"])
def test_a_file_that_is_not_what_it_should_be_is_not_used(
    fault: str, trained: Trained, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before, _ = trained()
    (file,) = kept.glob("*/epoch1.safetensors")
    if fault == "damaged":
        content = bytearray(file.read_bytes())
        content[-3] ^= 1
        file.write_bytes(content)
    else:
        tensors, facts = read_tensors(file)
        write_tensors(file, {name: -each for name, each in tensors.items()}, {**facts, "seed": 9})
    with caplog.at_level(logging.WARNING):
        assert trained() == (before, 2)
    assert "the teacher is asked again" in caplog.text
    assert trained() == (before, 0)


def test_an_epoch_that_was_cut_off_is_asked_for_again(
    trained: Trained, teacher: Path, kept: Path, tmp_path: Path
) -> None:
    run = _run(TWO_HEADS, f"teacher.weights={teacher}", "teacher.kind=soft",
               "teacher.keep_logits=true")  # fmt: skip
    asked = iter([False] * 2 + [True] * 9)
    stopped = fit(run, tmp_path / "cut", lambda _: None, "cpu", lambda: next(asked))
    assert stopped.outcome is Outcome.INTERRUPTED
    assert [file.name for file in kept.glob("*/*")] == ["epoch0.safetensors"]
    resumed = fit(run, tmp_path / "cut", lambda _: None, "cpu")
    assert trained("teacher.keep_logits=false") == (resumed.test_loss, 4)


def test_only_an_epoch_step_by_step_is_kept(tmp_path: Path) -> None:
    kept = KeptLogits(lambda images: images.flatten(1), {"of": "a test"}, 2, tmp_path)
    batches = torch.randn(2, 3, 1, 2, 2)
    for step in (0, 0, 0):  # as a trial of speed asks
        kept(batches[step], 0, step)
    assert list(tmp_path.rglob("*.safetensors")) == []
    for step in (0, 1):
        kept(batches[step], 1, step)
    again = KeptLogits(lambda images: images.flatten(1) + 1, {"of": "a test"}, 2, tmp_path)
    assert torch.equal(again(batches[1], 1, 1), batches[1].flatten(1))
    assert torch.equal(again(batches[1], 0, 1), batches[1].flatten(1) + 1)


def test_where_nothing_can_be_written_the_teacher_is_asked(
    trained: Trained, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text("no folder")
    assert trained()[1] == 4
    assert "logits are not kept" in caplog.text
    assert trained()[1] == 4


def test_it_changes_no_id_and_is_refused_where_it_does_nothing(teacher: Path, kept: Path) -> None:
    plain, keeping = (
        _run(ONE_HEAD, f"teacher.weights={teacher}", f"teacher.keep_logits={word}")
        for word in ("false", "true")
    )
    assert plain.id == keeping.id
    with pytest.raises(InputError, match="keep_logits does nothing with kind=tokens"):
        _run(ONE_HEAD, f"teacher.weights={teacher}", "teacher.kind=tokens",
             "teacher.keep_logits=true")  # fmt: skip
    streamed = _run(
        ONE_HEAD, f"teacher.weights={teacher}", "teacher.keep_logits=true", "data.name=synthetic",
        "augment.crop_padding=0", "augment.random_resized_crop=true",
    )  # fmt: skip
    with pytest.raises(InputError, match=r"recipe\.teacher\.keep_logits: logits are kept for"):
        fit(streamed, kept.parent / "run", lambda _: None, "cpu")
