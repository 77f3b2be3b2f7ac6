import subprocess
import sys
from pathlib import Path

import pytest

from workbench.errors import InputError
from workbench.runs.folder import in_use, locked

HOLD = """
import sys
from pathlib import Path
from workbench.runs.folder import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_names_its_holder_and_goes_with_it(folder: Path) -> None:
    assert not in_use(folder)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        for _ in range(2):  # whoever is refused leaves the name in place
            with pytest.raises(InputError, match=f"process {holder.pid}"), locked(folder):
                pass
        assert in_use(folder)
        holder.kill()
    assert not in_use(folder)
    with locked(folder):
        pass
