"""What is Ray's own; what holds for every engine is in test_engine.py."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.inline import INLINE
from tests.support.studies import options as study_options
from tests.support.studies import study
from tests.support.sweeps import RECIPE, options, plan, quiet, said, small_zoo  # noqa: F401
from workbench.config import Outcome, Progress
from workbench.engine import (
    LOCAL,
    Ended,
    EngineChoice,
    Event,
    Requeued,
    Resources,
    Setup,
    Started,
    open_machines,
)
from workbench.errors import InputError
from workbench.models import build, spec
from workbench.runs.sweep import SweepOptions, run_sweep
from workbench.study.run import StudyResult, run_study
from workbench.train.saved import save

from .listening import Listener, begin_elsewhere, gone, tasks
from .standins import NAME

ray = pytest.importorskip("ray")

from workbench.engine import ray_cluster, ray_engine  # noqa: E402
from workbench.engine.ray_engine import RayEngine  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]


OWN = """
import signal
from workbench.engine import EngineChoice, open_machines

with open_machines(EngineChoice("ray", "local")):
    print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""


def engine(fit: str, jobs: int = 1, *, gpu: bool = False, threads: int = 1) -> RayEngine:
    return RayEngine(Resources(jobs, threads), Setup(f"{NAME}:{fit}", "cpu"), gpu=gpu)


def test_tasks_wait_where_the_cluster_is_smaller_than_asked(tmp_path: Path) -> None:
    running: set[str] = set()
    most = 0

    def count(event: Event) -> None:
        nonlocal most
        if isinstance(event, Started):
            running.add(event.run)
        elif isinstance(event, Ended):
            running.discard(event.result.run)
        most = max(most, len(running))

    listener = Listener(count)
    with engine("slow", jobs=3, threads=2) as remote_engine:
        remote_engine.run(tasks(tmp_path, 3), listener)
    assert [result.outcome for result in listener.results.values()] == [Outcome.COMPLETED] * 3
    assert most == 1


def test_each_actor_has_a_gpu_of_its_own_and_the_driver_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listener = Listener()
    with engine("facts", jobs=2, gpu=True) as remote_engine:
        remote_engine.run(tasks(Path("runs"), 4), listener)
    found = [dict(result.details) for result in listener.results.values()]
    assert {facts["gpus"] for facts in found} <= {"0", "1"}
    assert len({(facts["pid"], facts["gpus"]) for facts in found}) <= 2
    assert {facts["folder"] for facts in found} == {str(tmp_path)}
    assert len(list((tmp_path / "runs").glob("*/log.txt"))) == 4


def test_started_says_on_which_machine(tmp_path: Path) -> None:
    listener = Listener()
    with engine("quick") as remote_engine:
        remote_engine.run(tasks(tmp_path, 1), listener)
    (started,) = listener.of(Started)
    assert isinstance(started, Started)
    assert started.host["host"] == os.uname().nodename


def test_killed_actor_s_run_goes_on_and_leaving_ends_the_others(tmp_path: Path) -> None:
    pids: set[int] = set()

    def kill(event: Event) -> None:
        pids.update(remote_engine.processes)
        if isinstance(event, Progress) and not listener.of(Requeued):
            os.kill(remote_engine.processes[0], signal.SIGKILL)

    listener = Listener(kill)
    work = tasks(tmp_path, 1, epochs=5)
    with engine("slow") as remote_engine:
        remote_engine.run(work, listener)
    assert len(listener.of(Requeued)) == 1
    assert listener.results[work[0].run.id].outcome is Outcome.COMPLETED
    assert (tmp_path / "0" / "epochs.txt").read_text().split() == list("01234")
    assert len(pids) == 2
    assert gone(pids)
    assert list(tmp_path.iterdir()) == [tmp_path / "0"]  # the token is gone too


def test_folder_that_a_node_does_not_see_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "_write_token", lambda folder: folder / "never written")
    with engine("quick") as remote_engine, pytest.raises(InputError) as caught:
        remote_engine.run(tasks(tmp_path, 1), Listener())
    text = str(caught.value)
    assert f"ray: node {os.uname().nodename} does not see {tmp_path}: results must be" in text
    assert "\n" not in text


def test_worker_that_can_never_start_is_one_line_and_no_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __init__(self, setup: object) -> None:
            raise ValueError("it is\nof no use")

        def shake_hands(self, handshake: object) -> None: ...

    monkeypatch.setattr(ray_engine, "Actor", Broken)
    expected = r"^ray: no worker can start on [\d.]+: of no use$"
    with engine("quick") as remote_engine, pytest.raises(InputError, match=expected):
        remote_engine.run(tasks(tmp_path, 1), Listener())


def test_site_of_the_cluster_divides_it(cluster: str) -> None:
    with open_machines(EngineChoice("ray")) as machines:
        assert machines.text == "Ray on this machine: 1 node, 2 cores, 2 GPUs."
        assert machines.divide(None, 100, "cpu") == Resources(2, 1)
        assert machines.divide(1, 100, "auto") == Resources(1, 2, gpu_each=True)
    assert ray.is_initialized()  # it was not ours to end


def test_ray_begins_where_it_can_take_no_signal_and_a_head_that_is_slow_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[bool]()

    def init(address: str, **_: object) -> None:
        asked.append(threading.current_thread() is threading.main_thread())
        if len(asked) == 1:
            raise ConnectionError("no answer")

    monkeypatch.setattr(ray_cluster.ray, "init", init)
    ray_cluster._connect("10.0.0.1:6379")
    assert asked == [False, False]


def test_a_cluster_of_our_own_leaves_sigterm_as_it_was(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OWN], capture_output=True, text=True, cwd=tmp_path
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_sweep_on_the_cluster_fills_the_same_ledger_and_is_done_the_second_time(
    tmp_path: Path,
) -> None:
    given = options(where=EngineChoice("ray"), device="auto", command="workbench ablate path")
    console = quiet()
    done = run_sweep(plan(), tmp_path / "cluster", given, console)
    here = run_sweep(plan(), tmp_path / "here", options(), quiet())
    assert done.exit_code == 0
    assert {run.id: run.top1 for run in done.runs} == {run.id: run.top1 for run in here.runs}
    assert "Ray on this machine: 1 node, 2 cores, 2 GPUs." in said(console)
    assert {run.host["engine"] for run in done.runs} == {"ray"}
    assert {run.host["host"] for run in done.runs} == {os.uname().nodename}
    again = run_sweep(plan(), tmp_path / "cluster", given, quiet())
    assert again.trained == 0


def test_a_teacher_reaches_the_actor_with_its_file_and_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trained for real: a file that the plan names from where the command is, soft, in bf16."""
    monkeypatch.chdir(tmp_path)
    save(build(spec("small", classes=10, resolution=32), seed=5), "teacher")
    teacher = {"weights": "teacher", "kind": "soft", "tau": 3.0, "alpha": 0.7}
    recipe = {**RECIPE, "epochs": 1, "precision": "bf16"}
    taught, alone = (
        plan(kind="list", seeds=[0], set={"resolution": 32}, rows=[{"name": "a", "base": "small"}],
             recipe={**recipe, **more})
        for more in ({"teacher": teacher}, {})
    )  # fmt: skip
    there, here, without = (
        run_sweep(found, Path(name), SweepOptions(jobs=1, device="cpu", where=where), quiet())
        for found, name, where in (
            (taught, "there", EngineChoice("ray")), (taught, "here", INLINE),
            (alone, "without", INLINE),
        )
    )  # fmt: skip
    losses = [done.runs[0].test_loss for done in (there, here, without)]
    assert [done.exit_code for done in (there, here, without)] == [0] * 3
    assert losses[0] == losses[1] != losses[2]


def test_study_on_the_cluster_finds_what_it_finds_here(tmp_path: Path) -> None:
    def facts(done: StudyResult) -> list[tuple[object, ...]]:
        return [(trial.network, trial.outcome, trial.top1) for trial in done.trials]

    given = study_options(where=EngineChoice("ray"))
    there = run_study(study(trials=2), tmp_path / "cluster", given, quiet())
    here = run_study(study(trials=2), tmp_path / "here", study_options(where=LOCAL), quiet())
    assert facts(there) == facts(here)
    assert len(there.trials) >= 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_actors_end_with_their_driver_and_print_nothing_of_ray(
    tmp_path: Path, cluster: str, number: int
) -> None:
    machines = f"open_machines(EngineChoice('ray', {cluster!r})) as machines"
    engine = f"{machines}, machines.engine(Resources(1, 1), Setup({NAME + ':deaf'!r}, 'cpu'))"
    driver, pids = begin_elsewhere(tmp_path, engine)
    driver.send_signal(number)
    rest, _ = driver.communicate(timeout=120)
    assert gone(pids, 30)
    assert "ray" not in rest.replace("/ray", "").lower() or number == signal.SIGINT
