"""Archives of arrays, .npz."""

import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from workbench.whole_file import written_whole

# What reading a damaged one raises; zipfile and zlib name most flipped bytes each in its own way.
DAMAGED = (
    OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, MemoryError, OverflowError,
    BadZipFile, zlib.error,
)  # fmt: skip


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """The arrays at `path`, compressed, whole or not at all."""
    data = BytesIO()
    np.savez_compressed(data, **arrays)  # type: ignore[arg-type]
    with written_whole(path) as half:
        half.write_bytes(data.getvalue())
