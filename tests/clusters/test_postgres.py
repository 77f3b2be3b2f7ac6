"""A real PostgreSQL as ledger and as Optuna's storage: kills, two sweeps, a server that restarts.

Needs Debian's package postgresql, and psycopg: `WORKBENCH_CLUSTERS=1 pytest -n 0 tests/clusters`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.support import fits, studies
from tests.support.checks import start
from tests.support.inline import with_inline
from tests.support.sweeps import options, plan, quiet, with_small
from workbench.cli import app
from workbench.errors import InputError
from workbench.plans.resolution import Plan
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep

SCRIPT = Path(__file__).with_name("postgres.sh")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not [*Path("/usr/lib/postgresql").glob("*/bin")], reason="no PostgreSQL"),
]
DRIVER = """
import sys
from pathlib import Path
from workbench.errors import InputError, warn_in_one_line
from workbench.plans.resolution import Plan
from workbench.runs.sweep import SweepOptions, run_sweep

if __name__ == "__main__":
    warn_in_one_line()
    options = SweepOptions(jobs=2, device="cpu", reuse=None, fit={fit!r}, ledger={url!r})
    try:
        plan = Plan.model_validate_json(Path({plan!r}).read_text())
        sys.exit(run_sweep(plan, Path({folder!r}), options).exit_code)
    except InputError as error:
        print(error)
        sys.exit(2)
"""
Sweep = Callable[..., "subprocess.Popen[str]"]


def server(action: str, folder: Path) -> str:
    told = subprocess.run([SCRIPT, action, folder], check=True, stdout=subprocess.PIPE, text=True)
    return told.stdout.strip()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Path]:
    """The folder of a server. Short, for a socket's path may not be long."""
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    server("start", folder)
    with with_small(), with_inline():
        yield folder
    server("stop", folder)
    shutil.rmtree(folder)


@pytest.fixture
def url(postgres: Path) -> str:
    """Of a server that holds nothing yet."""
    where = server("url", postgres)
    engine = sa.create_engine(where.replace("://", "+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return where


@pytest.fixture
def sweep(url: str, tmp_path: Path) -> Iterator[Sweep]:
    """Begins a sweep of a plan in a process, its results in folder `name`."""
    begun = []

    def begin(name: str, what: Plan, epoch_seconds: float = 0.2) -> "subprocess.Popen[str]":
        beside = tmp_path / name / "results"
        beside.parent.mkdir(exist_ok=True)
        (beside.parent / "plan.json").write_text(what.model_dump_json())
        fit = f"{fits.__name__}:quick"
        places = {"plan": str(beside.parent / "plan.json"), "folder": str(beside)}
        begun.append(start(DRIVER.format(url=url, fit=fit, **places), beside, epoch_seconds))
        return begun[-1]

    yield begin
    for each in begun:
        each.kill()


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory, postgres: Path) -> dict[str, object]:
    """The numbers of the plan without a server."""
    folder = tmp_path_factory.mktemp("right")
    run_sweep(plan(), folder, options(), quiet())
    return numbers(folder)


def numbers(where: str | Path) -> dict[str, object]:
    runs = load_sweep(where, "path").runs
    return {run.id: (run.outcome, run.top1, run.test_loss, run.curve) for run in runs}


def until(url: str, name: str, runs: int) -> None:
    """Until so many runs of plan `name` are final."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if sum(run.final for run in load_sweep(url, name).runs) >= runs:
                return
        except InputError:  # no plan yet
            pass
        time.sleep(0.1)
    pytest.fail("it never came")


def test_a_sweep_is_killed_and_resumed_and_read_meanwhile(
    url: str, sweep: Sweep, tmp_path: Path, right: dict[str, object]
) -> None:
    killed = sweep("a", plan())
    until(url, "path", 2)
    listed = CliRunner().invoke(app, ["runs", url, "--plan", "path", "--status", "completed"])
    assert "of 6 runs" in listed.output, listed.output
    os.killpg(killed.pid, signal.SIGKILL)
    again = sweep("a", plan(), 0.0)
    told, _ = again.communicate(timeout=60)
    assert again.returncode == 0, told
    assert "waiting" not in told  # the same folder: its sweep before is dead
    assert numbers(url) == right
    folder = tmp_path / "a" / "results"
    assert numbers(folder) == right  # its export
    for exported in ("runs.jsonl", "runs.csv"):
        (folder / exported).unlink()
    reported = CliRunner().invoke(app, ["report", str(folder), "--ledger", url])
    assert reported.exit_code == 0, reported.output
    assert (folder / "report.html").exists()


def test_two_sweeps_at_once(url: str, sweep: Sweep, right: dict[str, object]) -> None:
    first = sweep("a", plan(), 2.0)  # longer than the others take to begin
    until(url, "path", 1)
    same, other = sweep("b", plan(), 0.0), sweep("c", plan(name="other"), 0.0)
    refused, _ = same.communicate(timeout=60)
    assert same.returncode == 2
    assert "plan 'path' is being run by another sweep (process" in refused
    told, _ = other.communicate(timeout=60)
    assert other.returncode == 0, told
    assert first.wait(60) == 0
    assert numbers(url) == right
    assert len(load_sweep(url, "other").runs) == 6


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_a_server_that_restarts_is_waited_for(
    how: str, url: str, postgres: Path, sweep: Sweep, right: dict[str, object]
) -> None:
    under_way = sweep("a", plan())
    until(url, "path", 1)
    server(how, postgres)
    time.sleep(4)
    server("start", postgres)
    told, _ = under_way.communicate(timeout=60)
    assert under_way.returncode == 0, told
    assert "waiting up to 5 min for it" in told
    assert numbers(url) == right


def test_a_server_that_is_not_there_is_one_line(postgres: Path, tmp_path: Path) -> None:
    nowhere = "postgresql://me:secret@127.0.0.1:1/none"
    with pytest.raises(InputError, match="refused") as caught:
        run_sweep(plan(), tmp_path, options(ledger=nowhere), quiet())
    assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="refused") as caught:
        studies.run(tmp_path, storage=nowhere)
    assert "secret" not in str(caught.value)


def test_a_study_in_postgresql_goes_through_restarts(
    url: str, postgres: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def restart() -> None:
        server("crash", postgres)
        time.sleep(1)
        server("start", postgres)

    monkeypatch.setenv("WB_EPOCH_SECONDS", "0.1")
    again = threading.Timer(3, restart)
    again.start()
    done = studies.run(tmp_path / "here", storage=url, ledger=url)
    again.join()
    monkeypatch.setenv("WB_EPOCH_SECONDS", "0")
    plain = studies.run(tmp_path / "plain")
    assert [trial.top1 for trial in done.trials] == [trial.top1 for trial in plain.trials]
    assert studies.run(tmp_path / "here", storage=url, ledger=url).trials == done.trials
