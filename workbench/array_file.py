"""Archives of arrays, .npz."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from workbench.whole_file import written_whole

DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile)  # raised for a damaged one


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """The arrays at `path`, compressed, whole or not at all."""
    data = BytesIO()
    np.savez_compressed(data, **arrays)  # type: ignore[arg-type]
    with written_whole(path) as half:
        half.write_bytes(data.getvalue())
