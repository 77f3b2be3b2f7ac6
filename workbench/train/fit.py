"""Bring one run to its outcome."""

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment

from workbench.config import EpochRecord, Outcome, Progress, Recipe, Result, RunConfig, Scalar
from workbench.errors import InputError
from workbench.machine import choose_device, device_name
from workbench.train.checkpoint import NAME, Notes, Saved, load_checkpoint, refuse, take_up
from workbench.train.evaluation import Examiner
from workbench.train.evidence import holds_evidence
from workbench.train.module import Batch, RunModule
from workbench.train.monitor import Emit, Halt, Monitor
from workbench.train.parts import Batches, Parts, build_parts
from workbench.train.precision import half_precision
from workbench.train.score import ALSO
from workbench.train.speed.compiling import check_decided, compile_steps
from workbench.whole_file import writing

LONE = "Expected more than 1 value per channel"  # a batch norm of torch, on one image pooled


def fit(
    run: RunConfig,
    folder: Path,
    emit: Emit,
    device: str = "auto",
    should_stop: Callable[[], bool] | None = None,
    *,
    parts: Callable[[RunConfig, torch.device], Parts] | None = None,
) -> Result:
    """Trains `run` to its outcome, resuming from `folder`/last.ckpt where there is one.

    `emit` gets a `Progress` about twice a second and one with an `EpochRecord` at the end of each
    epoch, epochs counted from 0; those that the checkpoint holds first, again: whoever listened may
    have been killed before it could keep them. `should_stop` is asked after each step: when it
    says so the run ends as `interrupted`, and the same call takes it up at its last checkpoint, bit
    for bit on a CPU. A loss that is not finite ends it as `diverged`.

    A checkpoint that can't be read or restored, or is another run's, is moved to
    last.ckpt.refused with a warning, and the run starts from the beginning: a damaged file costs
    time, not the sweep.

    `device`: auto, cpu, cuda or cuda:N. `parts` makes the network and the batches; by default the
    models and data rooms do. Raises `InputError` for a folder that can't be written, an unknown
    device or optimiser, and for data without one whole batch.
    """
    place = choose_device(device)
    check_decided(run.recipe)
    with writing(folder, "folder"):
        folder.mkdir(parents=True, exist_ok=True)
    saved, notes = take_up(folder / NAME, run.id)
    _tell_again(run, saved, emit)
    make = partial(parts or task_parts, run, place)
    if saved and len(saved.records) >= run.recipe.epochs:
        if run.recipe.task.name == "classify" and not holds_evidence(folder, run.id):
            _examine(run, folder, make(), place)
        return _result(run, saved, None, place, notes)
    torch.manual_seed(run.seed)
    made = make()
    steps = len(made.train)
    if steps == 0:
        raise InputError(
            f"{run.recipe.batch_size} is more than the training images", key="recipe.batch_size"
        )
    spent = float(saved.evaluation.get("seconds") or 0.0) if saved else 0.0
    examiner = Examiner(run, folder, made, spent)
    monitor = Monitor(run, folder, steps, place, emit, should_stop, saved, examiner)
    module = RunModule(made.network, run.recipe, steps, made.objective)
    if run.recipe.compile is True:
        compile_steps(made.network)
    try:
        halt = _train(module, made, monitor, folder, place, resume=saved is not None)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        device_fault = isinstance(error, torch.OutOfMemoryError | torch.AcceleratorError)
        if saved is None or monitor.began or device_fault:
            raise
        notes = refuse(folder / NAME, f"checkpoint: {folder / NAME} can't be restored: {error}")
        again = fit(run, folder, emit, device, should_stop, parts=parts)
        return again.model_copy(update={"details": again.details + notes})
    return _result(run, monitor.saved(), halt, place, notes)


def task_parts(run: RunConfig, device: torch.device) -> Parts:
    """The network and the batches of the task that the recipe names."""
    if run.recipe.task.name == "classify":
        return build_parts(run, device)
    from workbench.train.tasks import build_task_parts  # imports torchvision's detectors

    return build_task_parts(run)


def _tell_again(run: RunConfig, saved: Saved | None, emit: Emit) -> None:
    """The epochs that a checkpoint holds. They were told before it was written, perhaps in vain."""
    records = saved.records if saved else ()
    for record in records:
        steps = saved.step // len(records) if saved else 1  # a checkpoint is of whole epochs
        emit(
            Progress(
                run=run.id,
                epoch=record.epoch,
                epochs=run.recipe.epochs,
                step=steps,
                steps=steps,
                loss=record.train_loss,
                record=record,
            )
        )


def _examine(run: RunConfig, folder: Path, made: Parts, device: torch.device) -> None:
    """The evidence of a finished run that lacks it, from its last checkpoint."""
    module = RunModule(made.network, run.recipe, len(made.train))
    checkpoint = load_checkpoint(folder / NAME)
    module.on_load_checkpoint(checkpoint)
    module.load_state_dict(checkpoint["state_dict"])
    examiner = Examiner(run, folder, made)
    examiner.keep(examiner.read(module.to(device), run.recipe.epochs, lambda: None))


# ---------------------------------------------------------------- Lightning


class _EpochStream:
    """Gives a loader the epoch when its first batch is asked for.

    Lightning makes the first iterator before it knows the epoch it resumes at; a generator body
    runs later, when it does.
    """

    def __init__(self, batches: Batches, epoch: Callable[[], int]) -> None:
        self._batches = batches
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        self._batches.set_epoch(self._epoch())
        yield from self._batches


def _train(
    module: RunModule,
    made: Parts,
    monitor: Monitor,
    folder: Path,
    device: torch.device,
    resume: bool,
) -> Halt | None:
    with _quiet(), _interruptible():
        trainer = _trainer(module.recipe, folder, device, monitor)
        try:
            trainer.fit(
                module,
                _EpochStream(made.train, lambda: trainer.current_epoch),
                ckpt_path=folder / NAME if resume else None,
                weights_only=True,
            )
        except Halt as halt:
            return halt
        except ValueError as error:
            if LONE not in str(error):
                raise
            raise InputError(
                f"{module.recipe.batch_size} is too few: a batch norm of this"
                " network sees one value per channel for each image, and needs at least 2",
                key="recipe.batch_size",
            ) from None
    return None


def _trainer(recipe: Recipe, folder: Path, device: torch.device, monitor: Monitor) -> pl.Trainer:
    """A trainer that only trains: whatever Lightning would print, log or draw is off.

    The environment is named lest Lightning take a cluster's job for its own and requeue it.
    """
    gpu = device.type == "cuda"
    return pl.Trainer(
        accelerator="gpu" if gpu else "cpu",
        devices=[device.index or 0] if gpu else 1,
        max_epochs=recipe.epochs,
        precision="bf16-mixed" if half_precision(recipe, device) else "32-true",
        gradient_clip_val=recipe.optimiser.clip_grad,
        gradient_clip_algorithm="norm",
        callbacks=[monitor],
        plugins=[LightningEnvironment()],
        default_root_dir=folder,
        benchmark=gpu,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_autolog_hparams=False,
        num_sanity_val_steps=0,
        log_every_n_steps=0,
        use_distributed_sampler=False,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's advice off: about workers, loggers and devices, none of it for our user."""
    chatty = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [chat.level for chat in chatty]
    with warnings.catch_warnings():
        for advice in (
            ".*does not have many workers.*",
            ".*`isinstance.treespec.*",
            "GPU available",
            "The `srun` command is available",
        ):
            warnings.filterwarnings("ignore", advice)
        for chat in chatty:
            chat.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for chat, level in zip(chatty, levels, strict=True):
                chat.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C stays a `KeyboardInterrupt`: Lightning turns it into exit and stays deaf to SIGINT."""
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as ending:
        if isinstance(ending.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        if main and handler is not None:
            signal.signal(signal.SIGINT, handler)


# ---------------------------------------------------------------- results


def _result(
    run: RunConfig, saved: Saved, halt: Halt | None, device: torch.device, notes: Notes
) -> Result:
    """Of a run that has come as far as `saved`: to its end, unless there is a halt."""
    last = saved.records[-1] if saved.records else None
    told = halt.details if halt else _evaluation(saved.records, saved.evaluation)
    return Result(
        run=run.id,
        outcome=halt.outcome if halt else Outcome.COMPLETED,
        reason=halt.reason if halt else None,
        step=halt.step if halt else saved.step,
        seconds=saved.seconds,
        images_per_second=saved.images_per_second,
        device=device_name(device),
        details=told + _computed(run.recipe, device) + notes,
        **_scores(last),
    )


def _computed(recipe: Recipe, device: torch.device) -> Notes:
    """How its steps were computed, where that was not plainly in 32 bits."""
    half = (("precision", "bf16"),) if half_precision(recipe, device) else ()
    return half + ((("compiled", True),) if recipe.compile is True else ())


def _scores(last: EpochRecord | None) -> dict[str, Any]:
    keys = ("top1", "test_loss", "validation_loss", "validation_top1")
    return {key: getattr(last, key) for key in keys} if last else {}


def _evaluation(records: tuple[EpochRecord, ...], facts: Mapping[str, Scalar]) -> Notes:
    """The share of a run's time that evaluation took, what its curve was drawn from, and the
    metrics beside the one that counts."""
    also = tuple(
        (name.removeprefix(ALSO), value) for name, value in facts.items() if name.startswith(ALSO)
    )
    seconds, whole = facts.get("seconds"), sum(record.seconds for record in records)
    if not seconds or not whole:  # the checkpoint is of an earlier version
        return also
    share = ("evaluation_share", round(float(seconds) / whole, 4))
    curve = ((f"curve_{key}", facts[key]) for key in ("every", "images") if key in facts)
    return share, *curve, *also
