"""A real Slurm on this machine: jobs that are cancelled, queued again, preempted and orphaned.

Needs root and Debian's packages slurmctld, slurmd, slurm-client and munge.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .sweeps import ABLATE, Sweep, numbers, until

SCRIPT = Path(__file__).with_name("slurm.sh")
ENGINE = ("--engine", "slurm", "--jobs", "2", "--slurm", "partition=main,time=60,mem=2G")

pytestmark = pytest.mark.slow
if not shutil.which("slurmctld") or os.geteuid() != 0:
    pytest.skip("no slurmctld here, or not root", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def slurm() -> Iterator[Path]:
    """Its folder. Short, for a socket's path may not be long."""
    pytest.importorskip("submitit")
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    subprocess.run([SCRIPT, "start", folder], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        yield folder
    subprocess.run([SCRIPT, "stop", folder], check=True)
    shutil.rmtree(folder)


@pytest.fixture
def by_jobs(sweep: Callable[..., Sweep], request: pytest.FixtureRequest) -> Sweep:
    """In two jobs, into a results folder of this test."""
    made: Sweep = sweep(request.node.name, *ENGINE)
    return made


def jobs() -> list[tuple[str, str]]:
    """The ids and states of those that Slurm has not done with."""
    words = ["squeue", "--noheader", "--array", "--format=%i %T"]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return [(line.split()[0], line.split()[1]) for line in told.splitlines()]


def test_a_worker_cancelled_and_one_queued_again_change_nothing(by_jobs: Sweep) -> None:
    driver = by_jobs.start_and_wait()
    first, second = (each for each, _ in jobs())
    assert first.endswith("_0")
    assert second == first.replace("_0", "_1")  # one array
    subprocess.run(["scancel", first], check=True)
    subprocess.run(["scontrol", "requeue", second], check=True)
    by_jobs.finish(driver)
    assert f"job {first} on " in by_jobs.said()
    assert f"job {second} on " in by_jobs.said()
    until(lambda: not jobs())


def test_preempted_jobs_come_back(by_jobs: Sweep) -> None:
    driver = by_jobs.start_and_wait()
    urgent = ["sbatch", "--partition=urgent", "--ntasks=2", "--output=/dev/null", "--wrap=sleep 3"]
    subprocess.run(urgent, check=True, capture_output=True)
    until(lambda: "PENDING" in {state for _, state in jobs()})
    by_jobs.finish(driver)
    assert "was preempted" in by_jobs.said()


def test_the_signal_before_the_time_limit_queues_the_job_again(by_jobs: Sweep) -> None:
    driver = by_jobs.start_and_wait()
    first = jobs()[0][0]
    subprocess.run(["scancel", "--signal=USR2", first], check=True)
    until(lambda: dict(jobs()).get(first) == "PENDING")
    by_jobs.finish(driver)
    assert "met its time limit" in by_jobs.said()


def test_a_killed_sweep_goes_on_with_the_same_command(by_jobs: Sweep) -> None:
    driver = by_jobs.start_and_wait()
    orphans = {each for each, _ in jobs()}
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    again = by_jobs.start()
    until(lambda: not orphans & {each for each, _ in jobs()})
    by_jobs.finish(again)


def test_a_stopped_sweep_leaves_no_job(by_jobs: Sweep) -> None:
    driver = by_jobs.start_and_wait()
    driver.send_signal(signal.SIGINT)
    assert driver.wait(90) == 130
    assert {state for _, state in jobs()} <= {"COMPLETING"}  # ended; Slurm tidies up after them
    until(lambda: not jobs(), 30)
    by_jobs.finish(by_jobs.start())


def test_slurm_itself_may_be_started_again_meanwhile(slurm: Path, by_jobs: Sweep) -> None:
    driver = by_jobs.start_and_wait()
    os.kill(int((slurm / "slurmctld.pid").read_text()), signal.SIGTERM)
    time.sleep(15)  # longer than between two questions
    subprocess.run(["slurmctld", "-f", slurm / "slurm.conf"], check=True)
    by_jobs.finish(driver)


def test_options_that_slurm_refuses_are_one_line(place: Path) -> None:
    words = [*ABLATE, "--engine", "slurm", "--slurm", "partition=none", "--results", "refused"]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --slurm: sbatch refuses: ")
    assert "Invalid partition" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_script_of_shares_and_their_merge(place: Path) -> None:
    words = [sys.executable, "-m", "workbench", "slurm", "tiny.yaml", "--shards", "3", "--jobs"]
    words += [str(len(os.sched_getaffinity(0))), "--device", "cpu", "--results", "shares"]
    words += ["--slurm", "partition=main,time=60"]
    script = subprocess.run(words, cwd=place, check=True, capture_output=True, text=True).stdout
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["bash", "-c", script], cwd=place, check=True, env={**os.environ, "PATH": path})
    until(lambda: not jobs(), 400)
    log = (place / "shares" / "tiny-merge.log").read_text()
    assert (place / "shares" / "tiny" / "report.html").exists(), log
    assert numbers(place / "shares" / "tiny") == numbers(place / "here" / "tiny")
