import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train.standins import ASKED, FULL, StopAfter, compare, fit_tiny
from workbench.config import Outcome
from workbench.errors import InputError
from workbench.train.checkpoint import NAME, load_checkpoint, read_saved, write_checkpoint
from workbench.train.evidence import NAME as EVIDENCE


class _Code:
    """Unpickling this touches a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def _refused(path: Path, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        load_checkpoint(path)
    assert str(caught.value).startswith(f"checkpoint: {path}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_truncated(tmp_path: Path, keep: float) -> None:
    fit_tiny(tmp_path)
    path = tmp_path / NAME
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    _refused(path, "truncated|damaged")


@pytest.mark.parametrize("plain", [True, False])
def test_a_pickle_with_code_runs_nothing(tmp_path: Path, plain: bool) -> None:
    path, trace = tmp_path / NAME, tmp_path / "trace"
    content = {"workbench": {}, "state_dict": _Code(trace)}
    if plain:
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path)
    _refused(path, "holds code")
    assert not trace.exists()


def test_a_pickle_with_code_is_set_aside_by_fit(tmp_path: Path) -> None:
    torch.save({"workbench": {}, "state_dict": _Code(tmp_path / "trace")}, tmp_path / NAME)
    result = fit_tiny(tmp_path)
    assert "holds code" in str(dict(result.details)["refused_checkpoint"])
    assert not (tmp_path / "trace").exists()


def test_foreign_and_missing(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "foreign.ckpt")
    _refused(tmp_path / "foreign.ckpt", "not written by this workbench")
    torch.save([1, 2], tmp_path / "list.ckpt")
    _refused(tmp_path / "list.ckpt", "not written by this workbench")
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    _refused(tmp_path / "text.ckpt", "damaged or holds code")
    _refused(tmp_path / "none.ckpt", "does not exist")


def test_a_newer_format_is_named(tmp_path: Path) -> None:
    torch.save({"workbench": {"format": 2}}, tmp_path / NAME)
    with pytest.raises(InputError, match="has format 2, this version reads 1"):
        read_saved(tmp_path / NAME)


def test_records_that_are_not_records(tmp_path: Path) -> None:
    torch.save(
        {"workbench": {"format": 1, "run": "a", "records": [{"epoch": -1}]}}, tmp_path / NAME
    )
    with pytest.raises(InputError, match="its records can't be read"):
        read_saved(tmp_path / NAME)


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    fit_tiny(tmp_path)
    before = (tmp_path / NAME).read_bytes()

    class FullDisk:
        def save_checkpoint(self, path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(FullDisk(), tmp_path)  # type: ignore[arg-type]
    assert (tmp_path / NAME).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {NAME, EVIDENCE}


def flip(path: Path, record: str) -> None:
    """Another bit in the middle of a record of a zip file, whose length stays."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        inside = next(each for each in file.infolist() if each.filename.endswith(record))
        at = content.index(file.read(inside), inside.header_offset) + inside.file_size // 2
    content[at] ^= 0x40
    path.write_bytes(content)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that are alike: `whole`, and `parts`, which was stopped after two epochs."""
    folder = tmp_path_factory.mktemp("stopped")
    fit_tiny(folder / "whole", FULL)
    fit_tiny(folder / "parts", FULL, StopAfter(2 * ASKED + 1))
    return folder


def _starts_over(stopped: Path, spoil: Callable[[Path], None], folder: Path) -> str:
    """Goes on from a spoilt checkpoint; returns why that one was refused."""
    shutil.copytree(stopped / "parts", folder)
    spoil(folder / NAME)
    result = fit_tiny(folder, FULL)
    assert result.outcome is Outcome.COMPLETED
    assert (folder / f"{NAME}.refused").exists()
    compare(stopped / "whole", folder)
    why = str(dict(result.details)["refused_checkpoint"])
    assert "\n" not in why
    return why


@pytest.mark.parametrize("record", ["data/0", "data/7", "data.pkl"])
def test_a_flipped_bit_is_seen_and_the_run_starts_over(
    stopped: Path, tmp_path: Path, record: str
) -> None:
    why = _starts_over(stopped, lambda path: flip(path, record), tmp_path / "run")
    assert "is damaged: its checksums" in why


def _moments(content: dict[str, Any]) -> None:
    state = content["optimizer_states"][0]["state"]
    state[0]["exp_avg"] = torch.zeros(3)


SPOILT: dict[str, Callable[[dict[str, Any]], object]] = {
    "no optimiser": lambda content: content.pop("optimizer_states"),
    "fewer parameters": lambda content: content["optimizer_states"][0]["param_groups"].pop(),
    "moments of another shape": _moments,
    "no loops": lambda content: content.pop("loops"),
    "no weights": lambda content: content["state_dict"].popitem(),
    "weights of another shape": lambda content: content["state_dict"].update(
        {"network.head.bias": torch.zeros(9)}
    ),
    "random state": lambda content: content["workbench"]["random"].update(cpu=torch.zeros(3)),
    "pace": lambda content: content["workbench"].update(images_per_second="fast"),
    "records": lambda content: content["workbench"].update(records=[]),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_bad_inner_state_is_set_aside_and_the_run_starts_over(
    stopped: Path, tmp_path: Path, kind: str
) -> None:
    def spoil(path: Path) -> None:
        content = torch.load(path, weights_only=True)
        SPOILT[kind](content)
        torch.save(content, path)

    assert _starts_over(stopped, spoil, tmp_path / "run").startswith("checkpoint: ")
