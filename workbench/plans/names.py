"""Names that become folders of results."""

import re

from workbench.errors import InputError

RESERVED = ("measured", "published")  # folders of results/ that ship with the project
FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
LONGEST = 100  # characters: file systems take 255, and files within add to it


def check_name(name: str, key: str = "name") -> None:
    """Raises `InputError` for a name that can't be that of a plan or a study, or is taken."""
    if not FOLDER.fullmatch(name):
        raise InputError(
            f"{name!r} is refused: it names a folder, of letters, digits and _ . - after a first "
            "letter or digit",
            key=key,
        )
    if len(name) > LONGEST:
        raise InputError(f"it has {len(name)} characters, and may have {LONGEST}", key=key)
    if name.lower() in RESERVED:
        raise InputError(
            f"{name!r} is refused: results/{name.lower()} ships with the project", key=key
        )
