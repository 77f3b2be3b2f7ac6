"""Studies of a real space, with a fit that says at once what a network is worth."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar, Self

from rich.console import Console

from workbench.config import EpochRecord, Outcome, Progress, Result, RunConfig, Scalar
from workbench.engine import Ended, EngineChoice, Resources, Started, Task
from workbench.engine.base import OnEvent, never
from workbench.engine.choice import ThisMachine
from workbench.study.file import parse_study
from workbench.study.run import StudyOptions, StudyResult, run_study
from workbench.study.space import Study, resolve_study

NAME = __name__  # as the workers must import it
FILE: dict[str, Any] = {
    "name": "digits",
    "base": "cmt_digits",
    "set": {
        "resolution": 24, "depth": [2, 4], "dim": [16, 32], "heads": [1, 2], "stride": [2, 2],
        "mixer.k": [2, 1], "stem.dim": 8, "stem.stride": 2,
    },
    "rounding": {"depth": "total"},
    "recipe": {"base": "digits", "epochs": 4},
    "seeds": [0, 1],
    "trials": 6,
    "sampler": {"name": "tpe", "startup": 3},
}  # fmt: skip

Emit = Callable[[Progress], None]
ShouldStop = Callable[[], bool] | None


def study(**changes: Any) -> Study:
    return resolve_study(parse_study({**FILE, **changes}))


def options(fit: str = "quick", **fields: Any) -> StudyOptions:
    given = {"jobs": 1, "device": "cpu", "where": INLINE, **fields, "fit": f"{NAME}:{fit}"}
    return StudyOptions(**given)


INLINE = EngineChoice("inline")


class InlineSite(ThisMachine):
    """This machine, without processes. `tests/study/conftest.py` makes it an engine."""

    def engine(self, shares: Resources, fit: str = "", *_: object, **__: object) -> "Inline":  # type: ignore[override]
        return Inline(fit)


class Inline:
    """An engine without processes: one run after the other, in this one."""

    host: ClassVar[Mapping[str, Scalar]] = {}

    def __init__(self, fit: str) -> None:
        self._fit = globals()[fit.partition(":")[2]]
        self._queue: deque[Task] = deque()
        self._pruned: dict[str, str] = {}

    def run(
        self, tasks: Iterable[Task], on_event: OnEvent, should_stop: Callable[[], bool] = never
    ) -> None:
        self._queue.extend(tasks)
        while self._queue and not should_stop():
            task = self._queue.popleft()
            task.folder.mkdir(parents=True, exist_ok=True)
            on_event(Started(task.run.id, 1, self.host))
            on_event(Ended(self._result(task, on_event)))

    def _result(self, task: Task, on_event: OnEvent) -> Result:
        run = task.run
        try:
            result: Result = self._fit(
                run, task.folder, on_event, "cpu", lambda: run.id in self._pruned
            )
        except RuntimeError as error:
            return Result(run=run.id, outcome=Outcome.FAILED, reason=str(error))
        if run.id in self._pruned and result.outcome is Outcome.INTERRUPTED:
            update = {"outcome": Outcome.PRUNED, "reason": self._pruned[run.id]}
            return result.model_copy(update=update)
        return result

    def submit(self, task: Task) -> None:
        self._queue.append(task)

    def prune(self, run: str, reason: str) -> None:
        self._pruned[run] = reason

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def quiet() -> Console:
    return Console(file=StringIO(), width=200)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def run(
    folder: Path, fit: str = "quick", study_: Study | None = None, **fields: Any
) -> StudyResult:
    return run_study(study_ or study(), folder, options(fit, **fields), quiet())


def worth(run: RunConfig) -> float:
    """Percent: best for deep networks, with a little for the seed."""
    depth = sum(stage.depth for stage in run.spec.stages)
    return 60.0 + 2 * depth - abs(run.spec.resolution - 28) + 0.25 * run.seed


def quick(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """A line in `epochs.txt` for each epoch it trains; `last.ckpt` holds how many there were.

    `WB_EPOCH_SECONDS` makes an epoch last.
    """
    checkpoint = folder / "last.ckpt"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(first):  # told again, as `fit` does
        emit(_epoch(run, epoch))
    for epoch in range(first, run.recipe.epochs):
        time.sleep(float(os.environ.get("WB_EPOCH_SECONDS", "0")))
        if should_stop is not None and should_stop():
            return Result(run=run.id, outcome=Outcome.INTERRUPTED, reason="stopped", step=epoch)
        with (folder / "epochs.txt").open("a") as log:
            log.write(f"{epoch}\n")
        checkpoint.write_text(str(epoch + 1))
        emit(_epoch(run, epoch))
    return Result(
        run=run.id, outcome=Outcome.COMPLETED, step=1, top1=worth(run), test_loss=0.4,
        seconds=0.01, images_per_second=1e9 / sum(s.dim for s in run.spec.stages),
    )  # fmt: skip


def validated(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`quick` on validation images; the test images, read at the end, would say the opposite."""

    def moved(progress: Progress) -> None:
        assert progress.record is not None
        seen = {"validation_top1": progress.record.top1, "validation_loss": 0.5, "top1": None}
        emit(progress.model_copy(update={"record": progress.record.model_copy(update=seen)}))

    result = quick(run, folder, moved, device, should_stop)
    update = {"validation_top1": result.top1, "validation_loss": 0.4, "top1": 100 - worth(run)}
    return result.model_copy(update=update)


def _epoch(run: RunConfig, epoch: int) -> Progress:
    top1 = worth(run) - 10 / (epoch + 1)
    record = EpochRecord(
        epoch=epoch, train_loss=1.0, test_loss=0.5, top1=top1, lr=1e-3, seconds=0.01
    )
    epochs = run.recipe.epochs
    return Progress(
        run=run.id, epoch=epoch, epochs=epochs, step=5, steps=5, loss=0.5, record=record
    )


def mixed(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Wide networks diverge; deep ones raise unless `mended` lies beside the folders."""
    if run.spec.stages[0].dim >= 24 and run.seed == 1:
        return Result(run=run.id, outcome=Outcome.DIVERGED, reason="loss is nan", step=7)
    deep = sum(stage.depth for stage in run.spec.stages) >= 9
    if deep and not (folder.parent / "mended").exists():
        raise RuntimeError("out of luck")
    return quick(run, folder, emit, device, should_stop)
