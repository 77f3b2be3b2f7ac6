"""What a process on another machine needs, to find what this one finds."""

import os
import sys
import sysconfig
from pathlib import Path

PASSED_ON = ("XDG_CACHE_HOME",)  # variables that say where data is


def surroundings() -> dict[str, str]:
    """Its variables: where modules are that no installation has, and where data is."""
    own = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib")}
    paths = (Path(entry).absolute() for entry in sys.path)
    needed = [str(path) for path in paths if path not in own and path.parent not in own]
    variables = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return variables | {"PYTHONPATH": os.pathsep.join(needed)}
