"""Files that are written whole: at every moment a reader finds the old one or the new one.

And the one line that a user reads where nothing can be written.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.errors import InputError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, renamed to it where the block ends without an error.

    Its name is of this process, for two may write the same file, and it has the suffix of `path`,
    by which some writers choose the format. Nothing half written stays, unless we are killed.
    """
    half = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield half
        os.replace(half, path)
    finally:
        with suppress(OSError):  # a read-only disk refuses this too
            half.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, key: str) -> Iterator[None]:
    """Within, what the system says of writing to `path` becomes an `InputError` about `key`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}", key=key) from None
