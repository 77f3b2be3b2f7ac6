"""A small file system, for a full disk and a read-only folder; needs a user who may mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE = 16 << 20  # bytes


class Disk:
    """A tmpfs at `place`."""

    def __init__(self, place: Path) -> None:
        self.place = place

    @contextmanager
    def full(self) -> Iterator[None]:
        """Without a byte to spare meanwhile."""
        ballast = self.place / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 10, 1):
                with suppress(OSError):
                    while file.write(b"\0" * size):
                        pass
        try:
            yield
        finally:
            ballast.unlink()

    @contextmanager
    def read_only(self) -> Iterator[bool]:
        """Read-only meanwhile; nothing may have a file open for writing."""
        held = _mount("-o", "remount,ro", str(self.place))
        try:
            yield held
        finally:
            _mount("-o", f"remount,rw,size={SIZE}", str(self.place))


@contextmanager
def small_disk(place: Path) -> Iterator[Disk | None]:
    """Mounted at `place`; none where that is not allowed."""
    place.mkdir(parents=True)
    if not _mount("-t", "tmpfs", "-o", f"size={SIZE}", "workbench-soak", str(place)):
        yield None
        return
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def _mount(*words: str) -> bool:
    try:
        done = subprocess.run(["mount", *words], check=False, capture_output=True)
    except OSError:
        return False
    return done.returncode == 0
