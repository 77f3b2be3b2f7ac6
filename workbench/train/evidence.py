"""What a run said of every test image: right or wrong, and its loss. Written whole or not at all.

In memory `correct` is (N,) of bool and `loss` (N,) of float16; in the run's folder a bit and a
half float an image. This module needs no torch: whoever exports results reads with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.array_file import DAMAGED, write_arrays
from workbench.errors import InputError
from workbench.whole_file import written_whole

if TYPE_CHECKING:
    import pandas as pd

NAME = "evidence.npz"
BY_IMAGE = "by_image.parquet"  # what a detector or a segmenter leaves in its place
KEYS = ("run", "test_set", "image")  # its columns that are text
LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Evidence:
    """Of one run, in the order of its test set. `test_set` is the digest of those images."""

    run: str
    test_set: str
    labels: npt.NDArray[np.int64]  # (N,)
    correct: npt.NDArray[np.bool_]  # (N,)
    loss: npt.NDArray[np.float16]  # (N,) of the true class, in nats, without label smoothing


def half(loss: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """Losses (N,) as half floats; the largest half float stands for any that is larger."""
    return np.minimum(loss, LARGEST).astype(np.float16)


def write_evidence(folder: Path, evidence: Evidence) -> None:
    """`evidence.npz` in `folder`: at every moment the file there is the old one or the new one."""
    arrays = {
        "run": np.array(evidence.run),
        "test_set": np.array(evidence.test_set),
        "labels": evidence.labels.astype(np.uint32),
        "correct": np.packbits(evidence.correct),
        "loss": evidence.loss,
    }
    write_arrays(folder / NAME, arrays)


def holds_evidence(folder: Path, run: str) -> bool:
    """Whether what lies in `folder` is of that run, and whole."""
    try:
        found = read_evidence(folder)
    except InputError:
        return False
    return found is not None and found.run == run


def sound(evidence: Evidence) -> Evidence:
    """The same. Raises `ValueError` for numbers that no run has: those of a damaged file."""
    if not np.isfinite(evidence.loss).all() or (evidence.labels < 0).any():
        raise ValueError("a loss that is no number, or a label below 0")
    return evidence


def read_evidence(folder: Path) -> Evidence | None:
    """What lies in `folder`, if anything does. Raises `InputError` for a file that is damaged."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            labels = stored["labels"].astype(np.int64)
            correct = np.unpackbits(stored["correct"], count=len(labels)).astype(np.bool_)
            loss = stored["loss"].astype(np.float16)
            if not labels.shape == correct.shape == loss.shape:  # `correct` is flat
                raise ValueError("of several shapes")
            run, test_set = str(stored["run"]), str(stored["test_set"])
            return sound(Evidence(run, test_set, labels, correct, loss))
    except DAMAGED as error:
        raise InputError(
            f"{path} can't be read ({type(error).__name__}); remove it, and the same"
            " command makes it again",
            key="evidence",
        ) from None


def write_by_image(
    folder: Path,
    run: str,
    test_set: str,
    images: Sequence[str],
    counts: Mapping[str, Sequence[float]],
) -> None:
    """`by_image.parquet` in `folder`: what a detector or a segmenter made of every test image."""
    columns: dict[str, Sequence[object]] = {
        "run": [run] * len(images), "test_set": [test_set] * len(images), "image": images, **counts,
    }  # fmt: skip
    with written_whole(folder / BY_IMAGE) as part, part.open("wb") as file:
        pq.write_table(pa.table(columns), file, compression="zstd")


def read_by_image(path: Path) -> "pd.DataFrame | None":
    """The file `path`, if it is there, a row an image. `InputError` for one that is damaged."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            table = pq.read_table(file)
        kinds = (table.schema.field(key).type for key in KEYS)
        if not all(pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in kinds):
            raise ValueError("of other columns")
        found: pd.DataFrame = table.to_pandas()
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} can't be read ({type(error).__name__}); remove it", key="evidence"
        ) from None
    return found
