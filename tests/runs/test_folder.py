import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench import doctor
from workbench.errors import InputError
from workbench.runs.folder import LEDGER, in_use, locked, results_folders

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


def test_a_folder_that_may_not_be_looked_into_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.stat
    for name in ("a", "shut", "z"):
        (tmp_path / name).mkdir()
        (tmp_path / name / LEDGER).touch()

    def stat(path: Any, *args: Any, **more: Any) -> os.stat_result:
        if Path(path).parent.name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **more)

    monkeypatch.setattr(os, "stat", stat)
    assert [each.name for each in results_folders(tmp_path)] == ["a", "z"]
    found = {Path(each.name).name: each for each in doctor._ledgers(tmp_path)}
    assert (found["shut"].state, found["shut"].mend) == ("broken", None)
    assert "Permission denied" in found["shut"].text
    assert {"a", "z"} <= set(found)
