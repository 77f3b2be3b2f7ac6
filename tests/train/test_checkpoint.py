import os
import pickle
from pathlib import Path

import pytest
import torch

from tests.train.standins import fit_tiny
from workbench.errors import InputError
from workbench.train.checkpoint import NAME, load_checkpoint, read_saved, write_checkpoint


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
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
