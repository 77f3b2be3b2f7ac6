"""The command for a machine with a GPU, on this CPU: each part runs once, and a call goes on."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import device
from benchmarks.device import PARTS, Part, Setting, Unfinished, go_on


def setting(folder: Path) -> Setting:
    return Setting(torch.device("cpu"), folder, small=True)


@pytest.mark.slow  # five seconds
def test_the_parts_run_on_a_cpu_too(tmp_path: Path) -> None:
    names = ("bf16", "cost", "overhead", "authors")
    lines = list(go_on(setting(tmp_path), names))
    assert lines[-1] == "authors: left out, for --official gives no file"
    found = {file.stem: json.loads(file.read_text())["found"] for file in tmp_path.iterdir()}
    assert set(found) == {"bf16", "cost", "overhead"}, lines
    assert found["bf16"]["cut_off"] == "interrupted"
    assert found["bf16"]["apart"] == 0
    assert abs(found["cost"]["cmt_digits"]["memory_off"]) < 0.3
    assert found["overhead"]["ratio"] > 0


def test_a_call_goes_on_with_what_has_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def quick(asked: Setting) -> dict[str, int]:
        done.append("quick")
        return {"found": 1}

    def cut_off(asked: Setting) -> dict[str, int]:
        raise Unfinished

    def broken(asked: Setting) -> dict[str, int]:
        raise RuntimeError("no memory")

    runs = {"bf16": quick, "cost": cut_off, "overhead": broken}
    for name, run in runs.items():
        monkeypatch.setitem(PARTS, name, Part(run, 1, ""))
    first = list(go_on(setting(tmp_path), list(runs)))
    assert first[1:] == [
        "cost: the minutes are over; the next call goes on with it",
        "overhead: failed, RuntimeError: no memory",
    ]
    assert next(go_on(setting(tmp_path), list(runs))) == "bf16: done before"
    assert done == ["quick"]
    late = replace(setting(tmp_path), small=False, until=time.monotonic() + 30)
    assert "left for the next call" in next(iter(go_on(late, ["cost"])))


def test_a_sweep_is_asked_to_stop_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "GRACE", 60.0)
    begun: list[subprocess.Popen[bytes]] = []

    class Seen(subprocess.Popen[bytes]):
        def __init__(self, command: list[str]) -> None:
            super().__init__(command)
            begun.append(self)

    monkeypatch.setattr(subprocess, "Popen", Seen)
    with pytest.raises(Unfinished):
        device._until(["sleep", "120"], time.monotonic() + 0.1)
    monkeypatch.undo()
    assert begun[0].returncode == -signal.SIGTERM
    assert device._until([sys.executable, "-c", "raise SystemExit(3)"], float("inf")) == 3
