"""What a soak has done so far, kept in a file, so that it may be run in pieces."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from workbench.errors import InputError
from workbench.whole_file import written_whole


@dataclass
class Counts:
    """Of one kind of disturbance."""

    times: int = 0
    slowest: float = 0.0  # seconds until nothing was left of a sweep that it ended
    faults: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """Of all kinds."""

    seed: int
    done: int = 0  # disturbances
    sweeps: int = 0  # that came to their end
    seconds: float = 0.0
    counts: dict[str, Counts] = field(default_factory=dict)
    file: Path | None = None

    @classmethod
    def of(cls, seed: int, file: Path | None) -> Self:
        """What `file` says of an earlier piece, or nothing yet."""
        if file is None or not file.exists():
            return cls(seed, file=file)
        try:
            before = _READ.validate_json(file.read_bytes())
        except ValueError:
            raise InputError(f"{file} is damaged; give another folder", key="--out") from None
        if before.seed != seed:
            raise InputError(f"{file} is of seed {before.seed}; give another folder", key="--out")
        return cls(seed, before.done, before.sweeps, before.seconds, before.counts, file)

    def save(self) -> None:
        """Into its file, if it has one."""
        if self.file is not None:
            said = asdict(self)
            del said["file"]
            with written_whole(self.file) as half:
                half.write_text(json.dumps(said, indent=1) + "\n")


_READ = TypeAdapter(Tally)
