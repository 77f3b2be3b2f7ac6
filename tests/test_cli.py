"""The command line as its user meets it: output, exit codes, one line for bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli import main


class Ran:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> object:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def command(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["workbench", *words])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return command


@pytest.mark.slow
def test_help_does_not_import_torch() -> None:
    code = (
        "import sys; sys.argv = ['workbench', '--help']\n"
        "from workbench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_cost_prints_slots_stages_and_the_convention(run) -> None:  # type: ignore[no-untyped-def]
    ran = run("cost", "cmt_digits", "lpu=none")
    assert ran.code == 0
    for word in ("cmt_digits lpu=none at 8 pixels", "slot", "stage", "mixer", "1 MAC = one"):
        assert word in ran.out


def test_cost_as_json_has_the_keys_and_the_same_numbers(run) -> None:  # type: ignore[no-untyped-def]
    data = json.loads(run("cost", "cmt_digits", "--resolution", "16", "--json").out)
    assert {"spec", "resolution", "params", "macs", "by_slot", "by_stage"} <= set(data)
    assert data["resolution"] == 16
    assert data["macs"] == sum(part["macs"] for part in data["by_slot"].values())
    assert data["params"] == sum(part["params"] for part in data["by_stage"].values())


def test_models_filters_by_family(run) -> None:  # type: ignore[no-untyped-def]
    data = json.loads(run("models", "--family", "cmt", "--json").out)
    assert {row["name"] for row in data["models"]} == {"cmt_ti", "cmt_xs", "cmt_s", "cmt_b"}


def write_plan(folder: Path, text: str) -> str:
    file = folder / "plan.yaml"
    file.write_text(text)
    return str(file)


PLAN = """
name: tiny
kind: list
seeds: [0]
recipe: {base: digits, epochs: 1, data: {name: synthetic, train_size: 64, test_size: 32}}
rows:
  - {name: all, base: cmt_digits}
  - {name: no LPU, set: [lpu=none]}
"""


@pytest.mark.slow
def test_ablate_trains_prints_a_table_and_is_done_the_second_time(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plan = write_plan(tmp_path, PLAN)
    first = run("ablate", plan, "--jobs", "1")
    assert first.code == 0
    assert "no LPU" in first.out
    folder = tmp_path / "results" / "tiny"
    for name in (
        "ledger.db",
        "plan.json",
        "environment.json",
        "table.csv",
        "table.md",
        "table.tex",
    ):
        assert (folder / name).stat().st_size > 0, name
    second = run("ablate", plan, "--jobs", "1")
    assert second.code == 0
    assert "All 2 runs are done" in second.out
    assert "no LPU" in second.out
    data = json.loads(run("ablate", plan, "--json").out)
    assert len(data["rows"]) == 2


REFUSED = {
    "cost cmt_s lppu=none": ("lppu", "lpu"),
    "cost cmt_s lpu=nono": ("lpu", "nono", "none"),
    "cost cmt_x": ("cmt_x", "cmt_xs"),
    "cost cmt_s depth=three": ("depth", "three"),
    "cost cmt_s mixer.k=0": ("mixer.k", "0"),
    "cost cmt_s heads=[1,2,3,8]": ("heads[2]", "3", "nearest"),
    "cost cmt_s --resolution 225": ("resolution", "225", "224"),
    "cost cmt_s mixer.k=[3,4,2,1]": ("mixer.k[0]", "3", "nearest"),
    "cost timm:efficientnet_b22": ("efficientnet_b22", "efficientnet_b2"),
    "models --family cmtt": ("family", "cmtt", "cmt"),
    "ablate quickstartt": ("quickstartt", "quickstart"),
    "ablate quickstart --seeds 0,0": ("seeds", "0"),
    "ablate quickstart --seeds zero": ("seeds", "zero"),
    "ablate quickstart --set recipe.epoch=3": ("epoch", "epochs"),
    "ablate quickstart --set recipe.epochs=three": ("epochs", "three"),
    "ablate quickstart --set recipe.data.name=digit": ("digit", "digits"),
    "ablate quickstart --set lpu.shortcutt=false": ("shortcutt", "shortcut"),
    "ablate quickstart --only cmt": ("only", "cmt"),
    "ablate quickstart --set recipe.data.name=folder --set recipe.data.path=nowhere": (
        "data.path",
        "nowhere",
    ),
    "report nowhere": ("nowhere",),
}


@pytest.mark.parametrize("words", REFUSED, ids=str)
def test_bad_input_is_one_line_and_exit_code_2(run, words: str) -> None:  # type: ignore[no-untyped-def]
    ran = run(*words.split())
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    for part in REFUSED[words]:
        assert part in ran.err
