"""What is done to a sweep. Each returns whether its driver has to end by it."""

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from benchmarks.soak.disk import Disk
from benchmarks.soak.process import Sweep, waits

START_SECONDS = 30.0  # until an actor is there


@dataclass(frozen=True, slots=True)
class Scene:
    """A sweep that runs, and what there is to disturb it with."""

    sweep: Sweep
    random: Random
    disk: Disk | None


def kill_driver(scene: Scene) -> bool:
    """kill -9 of the driver."""
    scene.sweep.signal(signal.SIGKILL)
    return True


def kill_worker(scene: Scene) -> bool:
    """kill -9 of one worker."""
    _to_worker(scene, signal.SIGKILL)
    return False


def kill_actor(scene: Scene) -> bool:
    """kill -9 of a Ray actor."""
    assert scene.sweep.actors is not None
    waits(lambda: bool(scene.sweep.workers()) or scene.sweep.code is not None, START_SECONDS)
    time.sleep(scene.random.uniform(0, 0.5))
    _to_worker(scene, signal.SIGKILL)
    return False


def term(scene: Scene) -> bool:
    """SIGTERM, as a scheduler sends it."""
    scene.sweep.signal(signal.SIGTERM)
    return True


def term_worker(scene: Scene) -> bool:
    """SIGTERM of one worker."""
    _to_worker(scene, signal.SIGTERM)
    return False


def hang_up(scene: Scene) -> bool:
    """SIGHUP."""
    scene.sweep.signal(signal.SIGHUP)
    return True


def two_interrupts(scene: Scene) -> bool:
    """Ctrl-C twice."""
    scene.sweep.signal(signal.SIGINT)
    time.sleep(scene.random.uniform(0, 0.3))
    scene.sweep.signal(signal.SIGINT)
    return True


def stop(scene: Scene) -> bool:
    """SIGSTOP of the driver or a worker, and SIGCONT a moment later."""
    pids = [scene.sweep.pid, *scene.sweep.workers()]
    pid = scene.random.choice(pids)
    scene.sweep.signal(signal.SIGSTOP, pid)
    time.sleep(scene.random.uniform(0.05, 0.5))
    scene.sweep.signal(signal.SIGCONT, pid)
    return False


def lose_terminal(scene: Scene) -> bool:
    """The terminal goes away."""
    scene.sweep.hang_up()
    return True


def fill_disk(scene: Scene) -> bool:
    """The disk is full for a moment."""
    assert scene.disk is not None
    with scene.disk.full():
        time.sleep(scene.random.uniform(0.1, 0.8))
    return False


def _to_worker(scene: Scene, number: int) -> None:
    workers = scene.sweep.workers()
    if workers:
        scene.sweep.signal(number, scene.random.choice(workers))


DISTURBANCES: Mapping[str, Callable[[Scene], bool]] = {
    "kill -9 of the driver": kill_driver,
    "kill -9 of a worker": kill_worker,
    "kill -9 of a Ray actor": kill_actor,
    "SIGTERM": term,
    "SIGTERM of a worker": term_worker,
    "SIGHUP": hang_up,
    "Ctrl-C twice": two_interrupts,
    "SIGSTOP, SIGCONT": stop,
    "terminal gone": lose_terminal,
    "disk full": fill_disk,
    "folder read-only": term,  # between two sweeps; what is tried then is in the loop
}
ON_A_DISK = ("disk full", "folder read-only")
ON_A_TERMINAL = ("terminal gone",)
ON_RAY = ("kill -9 of a Ray actor",)  # which takes seconds to begin, hence rarer than the others
RARE = 0.2
