"""The command line as a whole: its help, its exit codes, what it loads."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import Run
from workbench.cli import app
from workbench.version import __version__

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


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_screen_and_has_an_example(
    run: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    ran = run(*command.split(), "--help")
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert f"workbench {command}".strip() in ran.out.split("xample: " if command else "here: ")[1]


def test_every_example_in_a_help_is_a_command_that_parses(run: Run) -> None:
    for command in COMMANDS:
        text = " ".join(run(command, "--help").out.split("Example: ")[1].split())
        words = shlex.split(text)[1:]
        assert words[0] == command
        assert "unknown" not in run(*words, "--help").err


def test_version_lists_what_matters(run: Run) -> None:
    out = run("--version").out.splitlines()
    assert out[0] == f"workbench {__version__}"
    assert {line.split()[0] for line in out} >= {"python", "torch", "pytorch-lightning", "timm"}


def test_no_command_is_the_help_and_no_error(run: Run) -> None:
    assert run().code == 0
    assert "Commands:" in run().out
    assert "Exit codes: 0 done, 1 runs failed, 2 bad input, 130" in run("--help").out


def test_no_color_is_respected(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-9]")
    assert coloured.search(run("doctor").out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured.search(run("doctor").out)


@pytest.mark.parametrize("words", ["cost cmt_digits", "models --family small", "doctor", "--help"])
def test_narrow_terminals_get_narrow_lines(
    run: Run, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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
