"""What a zoo entry holds."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A named network: flat settings over those of `base`, with where they come from."""

    family: str
    settings: Mapping[str, object]
    source: str
    base: str | None = None
    note: str = ""
