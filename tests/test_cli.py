"""The command line as its user meets it: output, exit codes, one line for bad input."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.inline import with_inline
from workbench.cli import app, complete, main
from workbench.models import SLOTS, ZOO
from workbench.models.registry import options_of
from workbench.models.spec import NETWORK_FIELDS, STAGE_FIELDS
from workbench.version import __version__


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


COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]  # type: ignore[union-attr]
NO_TORCH = """
import sys
from workbench.cli import main
for words in {commands}:
    sys.argv = ["workbench", *words]
    try: main()
    except SystemExit: pass
assert not {{'torch', 'matplotlib', 'ray'}} & set(sys.modules)
from workbench.cli.complete import networks, plans, loggers
assert networks('cmt_t') and plans('quick') and loggers('c')
assert 'torch' not in sys.modules
from workbench.models import ZOO, build
assert set(networks('')) == set(ZOO)
import workbench.report.commands, workbench.plans.resolution, workbench.train.teaching.make
assert 'pytorch_lightning' not in sys.modules
"""


@pytest.mark.slow
def test_help_version_template_and_completion_do_not_import_torch_nor_a_dry_run_lightning() -> None:
    commands = [["--help"], ["--version"], ["ablate", "--template"], [], ["ablat"]]
    code = NO_TORCH.format(commands=commands + [[name, "--help"] for name in COMMANDS])
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_completion_knows_every_network_and_plan() -> None:
    assert set(complete.networks("")) == set(ZOO)
    assert "quickstart" in complete.plans("")
    assert complete.networks("cmt_t") == ["cmt_ti"]
    assert complete.studies("scaling") == ["scaling_study"]
    assert "scaling_study" not in complete.plans("")


def test_completion_knows_every_slot_component_and_option() -> None:
    assert set(complete.slots()) == set(SLOTS)
    assert set(complete.fields()) == {*STAGE_FIELDS, *NETWORK_FIELDS}
    for slot, known in SLOTS.items():
        assert set(complete.components(slot)) == {n for n in known if not n.endswith("of_test")}
        taken = {key for name in known for key in options_of(slot, name).model_fields}
        assert set(complete.options(slot)) == taken


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("workbench cost cmt_t", "cmt_ti"),
        ("workbench cost cmt_s mixer.ker", "mixer.kernel="),
        ("workbench scale cmt_s mixer=l", "mixer=levit mixer=lmhsa"),
        ("workbench cost cmt_s heads=3 lpu =", "dwconv none"),  # as bash splits lpu=
        ("workbench cost cmt_s lpu = no", "none"),
        ("workbench study scal", "scaling_study"),
    ],
)
def test_the_shell_is_told_the_completions(typed: str, offered: str) -> None:
    words = {
        "_WORKBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from workbench.cli import app; app(prog_name='workbench')"],
        env=os.environ | words, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == offered.split()


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_screen_and_has_an_example(run, command: str, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    ran = run(*command.split(), "--help")
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert f"workbench {command}".strip() in ran.out.split("xample: " if command else "here: ")[1]


def test_every_example_in_a_help_is_a_command_that_parses(run) -> None:  # type: ignore[no-untyped-def]
    for command in COMMANDS:
        text = " ".join(run(command, "--help").out.split("Example: ")[1].split())
        words = shlex.split(text)[1:]
        assert words[0] == command
        assert "unknown" not in run(*words, "--help").err


def test_version_lists_what_matters(run) -> None:  # type: ignore[no-untyped-def]
    out = run("--version").out.splitlines()
    assert out[0] == f"workbench {__version__}"
    assert {line.split()[0] for line in out} >= {"python", "torch", "pytorch-lightning", "timm"}


def test_no_command_is_the_help_and_no_error(run) -> None:  # type: ignore[no-untyped-def]
    assert run().code == 0
    assert "Commands:" in run().out
    assert "Exit codes: 0 done, 1 runs failed, 2 bad input, 130" in run("--help").out


def test_no_color_is_respected(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-9]")
    assert coloured.search(run("doctor").out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured.search(run("doctor").out)


@pytest.mark.parametrize("words", ["cost cmt_digits", "models --family small", "doctor", "--help"])
def test_narrow_terminals_get_narrow_lines(run, words: str, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COLUMNS", "50")
    ran = run(*words.split())
    assert ran.code == 0
    assert max(len(line.rstrip()) for line in ran.out.splitlines()) <= 50


def test_a_pipe_that_closes_early_is_no_traceback(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['workbench', '--help']; from workbench.cli import main; main()"
    done = subprocess.run(
        f"{sys.executable} -c {shlex.quote(code)} | true", shell=True, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


def test_a_new_plan_is_written_once_and_printed(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("new-plan").code == 0
    assert (tmp_path / "my_plan.yaml").read_text() == run("ablate", "--template").out
    again = run("new-plan")
    assert again.code == 2
    assert "my_plan.yaml is there already" in again.err


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


HERE = ("--jobs", "1", "--engine", "inline")


@pytest.mark.slow
def test_ablate_trains_prints_a_table_and_is_done_the_second_time(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("workbench.report.write._draw", lambda *_: [])  # it takes longest
    plan = write_plan(tmp_path, PLAN)
    with with_inline():
        first = run("ablate", plan, *HERE)
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
    with monkeypatch.context() as nothing_left:
        nothing_left.delattr("workbench.report.commands.ablate")
        second = run("ablate", plan, *HERE)
        data = json.loads(run("ablate", plan, *HERE, "--json").out)
    assert second.code == 0
    assert second.out.startswith("All 2 runs are done; nothing to train.\n")
    table = second.out.partition("\n")[2]
    assert first.out.endswith(table)
    assert "no LPU" in table
    assert len(data["rows"]) == 2
    (folder / "table.md").unlink()
    with with_inline():
        assert run("ablate", plan, *HERE).out == second.out
    assert (folder / "table.md").exists()


def test_a_plan_for_images_that_are_not_here_still_shows_its_costs(run) -> None:  # type: ignore[no-untyped-def]
    ran = run("ablate", "levit_ablation", "--dry-run", "--json")
    assert ran.code == 0
    rows = json.loads(ran.out)["rows"]
    assert [row["run_seconds"] for row in rows] == [None] * 8
    assert {row["variant"]: round(row["params"] / 1e6, 1) for row in rows}["A4 no teacher"] == 7.4
    assert "no time without images" in run("ablate", "levit_ablation", "--dry-run").out


REFUSED = {
    "ablat quickstart": ("command", "ablat", "nearest: 'ablate"),
    "ablate": ("plan: missing", "quickstart"),
    "cost": ("name: missing", "workbench cost --help"),
    "cost timm:resnet18 lpu=none --task retinanet": ("lpu=none: timm:resnet18 takes none",),
    "cost cmt_s --resolutoin 192": ("--resolutoin", "nearest: '--resolution"),
    "cost cmt_s --resolution big": ("resolution", "'big'", "a side such as 224, or 800x1280"),
    "cost cmt_s --resolution": ("--resolution", "requires an argument"),
    "report one two": ("unexpected", "two"),
    "ablate quickstart --logger tensorbord": ("logger", "tensorbord", "tensorboard"),
    "ablate quickstart --import my_mixr": ("import", "my_mixr"),
    "fetch cifar": ("cifar", "nearest: 'cifar10"),
    "cost cmt_s lppu=none": ("lppu", "lpu"),
    "cost cmt_s lpu=nono": ("lpu", "nono", "nearest: 'none'"),
    "cost cmt_s mixer=wide": ("mixer: unknown 'wide'; choose from: ", "lmhsa", "--import MODULE"),
    "cost cmt_digits --batch 0": ("--batch", "0", "it must be at least 1;"),
    "cost cmt_digits --speed --device cudaa": ("device", "'cudaa'", "cpu"),
    "cost cmt_x": ("cmt_x", "cmt_xs"),
    "cost cmt_s depth=three": ("depth", "three"),
    "cost cmt_s mixer.k=0": ("mixer.k", "0"),
    "cost cmt_s heads=[1,2,3,8]": ("heads[2]", "3", "nearest: 2, 4"),
    "scale cmt_s --phi big": ("--phi: 'big' is refused: it must be a number;",),
    "cost cmt_s --resolution 225": ("resolution", "225", "fit: 224, 256"),
    "cost cmt_s --resolution 200": ("mixer.k[0]: 8 does", "10; resolutions that fit: 192, 224"),
    "cost cmt_s mixer.k=[3,4,2,1]": ("mixer.k[0]", "3", "nearest"),
    "cost timm:efficientnet_b22": ("efficientnet_b22", "efficientnet_b2"),
    "models --family cmtt": ("family", "cmtt", "cmt"),
    "study quickstart": ("is a plan of kind additive; run it with: workbench ablate quickstart",),
    "ablate quickstartt": ("quickstartt", "quickstart"),
    "report nowhere --width column": ("--width: is for figures; give --figures too",),
    "report nowhere --figures --columns top1": ("--columns: is for tables",),
    "report nowhere --figures --width wide": ("--width", "'wide'", "column"),
    "report nowhere --figures --format pfd": ("--format", "'pfd'", "pdf"),
    "ablate quickstart --seeds 0,0": ("seeds", "0"),
    "ablate quickstart --seeds zero": ("seeds", "zero"),
    f"report {'x' * 5000}": ("'xxx", "File name too long"),
    "runs http://[::1": ("ledger: 'http://[::1' is not a database URL",),
    "ablate quickstart --dry-run --logger tensorbord": ("logger", "tensorbord", "tensorboard"),
    "ablate quickstart --dry-run --ledger sqlite://": ("ledger: ", "in memory"),
    "ablate quickstart --dry-run --ledger nosuch://x": ("ledger: ", "driver is not installed"),
    "ablate quickstart --set recipe.data.name=folder --set recipe.data.path=~nobody-is/x": (
        "'~nobody-is/x' does not exist",
    ),
    "ablate quickstart --shard 3/2": ("--shard: '3/2' is refused",),
    "ablate quickstart --no-reuse --reuse-any": ("--no-reuse: it contradicts",),
    "slurm quickstart --slurm partitoin=gpu": ("--slurm: unknown 'partitoin'", "'partition'"),
    "merge nowhere --into all": ("nowhere", "does not exist"),
    "ablate quickstart --set recipe.epoch=3": ("epoch", "epochs"),
    "ablate quickstart --set epochs=3": ("--set: unknown 'epochs'; nearest: 'recipe.epochs'",),
    "ablate quickstart --set lr=3": ("--set: unknown 'lr'; nearest: 'recipe.optimiser.lr'",),
    "ablate quickstart --set optimiser.l=3": ("--set", "nearest: 'recipe.optimiser.l'"),
    "ablate quickstart --set recipe=digits": ("--set: 'recipe=digits'", "recipe.KEY=VALUE"),
    "ablate quickstart --set recipe.data.name=imagenet": ("'imagenet'", "'folder'", "val/CLASS"),
    "ablate quickstart --set recipe.epochs=three": ("epochs", "three"),
    "ablate quickstart --set recipe.data.name=digit": ("digit", "digits"),
    "ablate quickstart --set lpu.shortcutt=false": ("shortcutt", "shortcut"),
    "probe cmt_digits": ("--weights: missing; cmt_digits has none of its own",),
    "ablate quickstart --only cmt": ("only", "cmt"),
    "ablate quickstart --engine rai": ("engine", "rai", "nearest: 'ray'"),
    "ablate quickstart --dry-run --ray-address head:6379": ("head:6379", "--engine ray"),
    "ablate quickstart --engine slurm --slurm partitoin=gpu": ("--slurm: unknown", "'partition'"),
    "ablate quickstart --engine slurm --slurm ntasks=2": ("--slurm: 'ntasks'", "--jobs says"),
    "ablate quickstart --slurm partition=gpu": ("--slurm: it is for --engine slurm",),
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


# ---------------------------------------------------------------- slots


def test_slots_as_text_and_as_json_name_every_component(run) -> None:  # type: ignore[no-untyped-def]
    text, found = run("slots"), json.loads(run("slots", "--json").out)
    assert [each["slot"] for each in found] == list(complete.slots())
    for each in found:
        assert {choice["name"] for choice in each["choices"]} == set(SLOTS[each["slot"]])
        assert all(choice["name"] in text.out for choice in each["choices"])


@pytest.mark.parametrize(
    "words", ["cost cmt_ti lpu=?", "ablate quickstart --set lpu=?", "cost cmt_ti lpu.shortcut=?"]
)
def test_a_question_mark_lists_the_choices_of_a_slot(run, words: str) -> None:  # type: ignore[no-untyped-def]
    assert run(*words.split()).out == run("slots", "lpu").out


@pytest.mark.parametrize("words", ["slots mixr", "cost cmt_ti mixr=?"])
def test_a_question_about_no_slot_names_the_nearest(run, words: str) -> None:  # type: ignore[no-untyped-def]
    ran = run(*words.split())
    assert (ran.code, ran.err) == (2, "error: slot: unknown 'mixr'; nearest: 'mixer'\n")


def test_a_key_of_the_recipe_is_found_one_level_below(run) -> None:  # type: ignore[no-untyped-def]
    ran = run("ablate", "quickstart", "--dry-run", "--set", "recipe.lr=0.1")
    assert ran.code == 2
    assert "unknown 'lr'; nearest: 'recipe.optimiser.lr'" in ran.err


def test_models_keeps_published_macs_and_top1_in_80_columns(run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("models", "--family", "levit").out.splitlines()
    assert {"G", "top-1"} <= set(lines[0].split())
    assert len(lines) <= 24


def test_a_resolution_holds_for_the_networks_beside(run) -> None:  # type: ignore[no-untyped-def]
    words = ("cost", "cmt_ti", "--beside", "cmt_s", "--resolution", "192", "--json")
    found = json.loads(run(*words).out)["networks"]
    assert {each["resolution"] for each in found} == {192}


INTERRUPTED_TWICE = """
import atexit, os, signal, sys
import workbench.cli as cli
atexit.register(os.kill, os.getpid(), signal.SIGINT)
def app(**_):
    raise KeyboardInterrupt
cli.app = app
cli.main()
"""


def test_ctrl_c_on_the_way_out_of_ctrl_c_prints_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_TWICE], capture_output=True, text=True)
    assert done.returncode == -signal.SIGINT  # which a shell calls 130
    assert done.stderr == ""
