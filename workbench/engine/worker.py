"""What runs inside a worker process: one fit after the other, warm, until the parent is gone.

The parent sends `RunTask` and `Stop` down the pipe; the worker sends `Progress` and one `Result`
for each task up. Nothing here imports torch; the fit function does when it is first needed.
"""

import faulthandler
import importlib
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol, cast

from workbench.config import Outcome, Progress, Result, RunConfig
from workbench.engine.base import RunTask
from workbench.engine.load import as_detail, cpu_times
from workbench.errors import InputError, warn_in_one_line
from workbench.train.loggers import with_loggers

FIT = "workbench.train.fit:fit"


class Fit(Protocol):
    """The function that trains one run, `workbench.train.fit.fit` unless a test stands in.

    It tells every epoch, those of the checkpoint that it goes on from too.
    """

    def __call__(
        self,
        run: RunConfig,
        folder: Path,
        emit: Callable[[Progress], None],
        device: str = "auto",
        should_stop: Callable[[], bool] | None = None,
    ) -> Result: ...


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask the run of this id to end."""

    run: str


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker is told when it starts. `fit` is "module:function", named by code only."""

    fit: str = FIT
    device: str = "auto"
    loggers: tuple[str, ...] = ()  # names of workbench.train.loggers, told of each epoch
    modules: tuple[str, ...] = ()  # the user's, imported before the first run
    ignored: tuple[signal.Signals, ...] = ()  # which are for the parent alone
    threads: int = 1  # those of its share; an engine fills it in


class Inbox:
    """Reads the pipe in a thread of its own, so that a stop arrives in the middle of a run.

    The end of the pipe means that the parent is gone, by whatever death: the worker exits at
    once, lest it train for nobody or write into the folder of the sweep that follows.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._tasks: queue.SimpleQueue[RunTask] = queue.SimpleQueue()
        self._stopped: set[str] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            while True:
                message = self._pipe.recv()
                if isinstance(message, Stop):
                    self._stopped.add(message.run)
                else:
                    self._stopped.discard(message.run.id)
                    self._tasks.put(message)
        except BaseException:
            os._exit(1)

    def next(self) -> RunTask:
        """The next task, waiting for it."""
        return self._tasks.get()

    def stopped(self, run: str) -> bool:
        """Whether the parent asked this run to end."""
        return run in self._stopped


def main(pipe: Connection, setup: Setup) -> None:
    """The worker's life."""
    warn_in_one_line()
    for each in (signal.SIGINT, *setup.ignored):  # Ctrl-C is for the parent, which sends Stop
        signal.signal(each, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, setup.ignored)
    inbox = Inbox(pipe)
    while True:
        task = inbox.next()
        stopped = partial(inbox.stopped, task.run.id)
        pipe.send(execute(task, setup, pipe.send, stopped))


def execute(
    task: RunTask, setup: Setup, emit: Callable[[Progress], None], should_stop: Callable[[], bool]
) -> Result:
    """Fit one task. An exception becomes a `failed` result; its traceback stays in the folder."""
    begin = time.monotonic()
    try:
        task.folder.mkdir(parents=True, exist_ok=True)
        _redirect(task.folder / "log.txt")
        fit = load(setup.fit, setup.threads, setup.modules)
        with with_loggers(setup.loggers, task.run, task.folder, emit) as listener:
            before = cpu_times()
            result = fit(task.run, task.folder, listener, setup.device, should_stop)
            load_beside = tuple(as_detail(before, cpu_times()))
            result = result.model_copy(update={"details": result.details + load_beside})
            listener.outcome = result.outcome
        if task.keep_weights and result.outcome is Outcome.COMPLETED:
            _keep_weights(task, result)
        return result
    except Exception as error:
        reason = f"{_one_line(error)} ({_keep_traceback(task.folder)})"
        seconds = time.monotonic() - begin
        return Result(run=task.run.id, outcome=Outcome.FAILED, reason=reason, seconds=seconds)


def load(path: str, threads: int, modules: Sequence[str] = ()) -> Fit:
    """The function at "module:function", with PyTorch held to `threads` if it came along.

    The user's `modules` are on `sys.path`, which a worker has from its parent.
    """
    for each in modules:
        importlib.import_module(each)
    module, name = path.split(":")
    function = cast(Fit, getattr(importlib.import_module(module), name))
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
    return function


def _keep_weights(task: RunTask, result: Result) -> None:
    from workbench.train.saved import keep_weights

    keep_weights(task.run, task.folder, result)


def _redirect(path: Path) -> None:
    """Send all that this process prints, native code and crashes included, to the run's log."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    faulthandler.enable(2)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("workbench").setLevel(logging.INFO)  # what a run says of its weights


def _keep_traceback(folder: Path) -> str:
    path = folder / "traceback.txt"
    try:
        path.write_text(traceback.format_exc())
    except OSError as error:  # a full disk may well be why the run failed
        return f"its traceback could not be written: {error.strerror}"
    return f"traceback: {path}"


def _one_line(error: Exception, most: int = 300) -> str:
    lines = str(error).strip().splitlines()
    if isinstance(error, InputError):
        return str(error)
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= most else text[: most - 3] + "..."
