"""Stand-ins for training a run of a study, as `fits.py` has them for sweeps."""

import os
import signal
from pathlib import Path

from tests.support.fits import Emit, ShouldStop, progress, train
from workbench.config import EpochRecord, Outcome, Progress, Result, RunConfig


def worth(run: RunConfig) -> float:
    """Percent: best for deep networks, with a little for the seed."""
    depth = sum(stage.depth for stage in run.spec.stages)
    return 60.0 + 2 * depth - abs(run.spec.resolution - 28) + 0.25 * run.seed


def quick(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """It is worth what its sizes and its seed say."""

    def tell(epoch: int) -> None:
        top1 = worth(run) - 10 / (epoch + 1)
        record = EpochRecord(
            epoch=epoch, train_loss=1.0, test_loss=0.5, top1=top1, lr=1e-3, seconds=0.01
        )
        emit(progress(run, record))

    return train(run, folder, tell, should_stop) or Result(
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


def killed(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`quick`, whose process is killed within the third network."""
    return quick(run, folder, _signalling(emit, folder, signal.SIGKILL), device, should_stop)


def interrupted(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`quick`, with Ctrl-C within the third network."""
    return quick(run, folder, _signalling(emit, folder, signal.SIGINT), device, should_stop)


def _signalling(emit: Emit, folder: Path, number: signal.Signals) -> Emit:
    """`emit`, which sends this process a signal after the second epoch of the sixth run."""

    def told(progress: Progress) -> None:
        emit(progress)
        if progress.epoch == 1 and len(list(folder.parent.glob("*/epochs.txt"))) == 6:
            os.kill(os.getpid(), number)

    return told
