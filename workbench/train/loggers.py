"""Where the metrics of a run go beside the ledger: one name a logger, all of them here.

A logger hears of the epochs of a run as the ledger does, in the worker that trains it, so that it
has no part in the training or in the run's identity. Those of Lightning are imported on use.
"""

import csv
import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from workbench.config import EpochRecord, Outcome, Progress, RunConfig, flatten, named
from workbench.errors import InputError, unknown
from workbench.show.formats import csv_text
from workbench.whole_file import written_whole

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger as LightningLogger
    from pytorch_lightning.loggers import MLFlowLogger

PROJECT = "cmt-workbench"
METRICS = "metrics.csv"


class Logger(Protocol):
    """Hears of a run's epochs, and of its end."""

    def epoch(self, record: EpochRecord, step: int) -> None:
        """One more epoch is through, at the global `step`; after a resume it may be told again."""

    def close(self, outcome: Outcome) -> None:
        """The run is over."""


class Csv:
    """`metrics.csv` in the run's folder: a line per epoch, whole at any time."""

    def __init__(self, run: RunConfig, folder: Path) -> None:
        self._path, self._task = folder / METRICS, run.recipe.task.name
        self._rows: dict[str, list[str]] = {}
        if self._path.exists():
            # One that is damaged is begun anew: the ledger has its epochs.
            with (
                suppress(UnicodeDecodeError, csv.Error),
                self._path.open(encoding="utf-8", newline="") as file,
            ):
                self._rows = {row[0]: row for row in list(csv.reader(file))[1:] if row}

    def epoch(self, record: EpochRecord, step: int) -> None:
        """See `Logger.epoch`."""
        values = {"epoch": record.epoch, "step": step, **record.model_dump()}
        self._rows[str(record.epoch)] = ["" if v is None else str(v) for v in values.values()]
        with written_whole(self._path) as half:
            half.write_text(
                csv_text(named(values, self._task), self._rows.values()), encoding="utf-8"
            )

    def close(self, outcome: Outcome) -> None:
        """See `Logger.close`."""


class Lightning:
    """One of Lightning's loggers, told of the run's configuration at the start."""

    def __init__(self, logger: "LightningLogger", run: RunConfig) -> None:
        self._logger, self._task = logger, run.recipe.task.name
        logger.log_hyperparams(hyperparameters(run))

    def epoch(self, record: EpochRecord, step: int) -> None:
        """See `Logger.epoch`."""
        self._logger.log_metrics({"epoch": record.epoch, **_metrics(record, self._task)}, step=step)

    def close(self, outcome: Outcome) -> None:
        """See `Logger.close`."""
        self._logger.save()
        self._logger.finalize("success" if outcome is Outcome.COMPLETED else "failed")


class Wandb(Lightning):
    """Its process-wide session has to end before the worker's next run begins."""

    def close(self, outcome: Outcome) -> None:
        """See `Logger.close`."""
        import wandb

        super().close(outcome)
        wandb.finish(exit_code=0 if outcome is Outcome.COMPLETED else 1)


def _tensorboard(run: RunConfig, folder: Path) -> Logger:
    from pytorch_lightning.loggers import TensorBoardLogger

    return Lightning(TensorBoardLogger(folder, name="", version="", default_hp_metric=False), run)


def _wandb(run: RunConfig, folder: Path) -> Logger:
    for name, value in {"WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}.items():
        os.environ.setdefault(name, value)
    from pytorch_lightning.loggers import WandbLogger

    logger = WandbLogger(
        name=folder.name, project=PROJECT, save_dir=folder, offline=True, group=run.variant
    )
    return Wandb(logger, run)


def _mlflow(run: RunConfig, folder: Path) -> Logger:
    # A file store has to be asked for since MLflow 3.7; telemetry would need the network.
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY"):
        os.environ.setdefault(name, "true")
    from filelock import FileLock
    from pytorch_lightning.loggers import MLFlowLogger

    folder = folder.resolve()
    logger = MLFlowLogger(
        experiment_name=PROJECT,
        run_name=folder.name,
        tracking_uri=(folder.parent / "mlruns").as_uri(),
        tags={"workbench.run": run.id},
    )
    with FileLock(folder.parent / ".mlruns.lock"):  # else two workers make the experiment twice
        _take_up(logger, run)
    return Lightning(logger, run)


def _take_up(logger: "MLFlowLogger", run: RunConfig) -> None:
    """Go on with the MLflow run of a run that is resumed, else begin one."""
    client = logger._mlflow_client  # without making a run, as `experiment` does
    found = client.get_experiment_by_name(PROJECT)
    if found is not None:
        asked = f"tags.`workbench.run` = '{run.id}'"
        for earlier in client.search_runs([found.experiment_id], asked, max_results=1):
            logger._run_id = earlier.info.run_id
    assert logger.experiment is not None


LOGGERS: Mapping[str, Callable[[RunConfig, Path], Logger]] = {
    "csv": Csv,
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
NEEDS = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}


def check_loggers(names: Iterable[str]) -> None:
    """Raises `InputError` for a logger that is unknown, or whose package is not installed."""
    for name in names:
        if name not in LOGGERS:
            raise unknown("logger", name, LOGGERS)
        if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
            raise InputError(
                f"{name!r} needs the package {NEEDS[name]}: pip install 'cmt-workbench[loggers]'",
                key="logger",
            )


class LoggedProgress:
    """An `emit` that tells the loggers of each epoch, then whoever listened before."""

    def __init__(self, loggers: Sequence[Logger], emit: Callable[[Progress], None]) -> None:
        self.outcome = Outcome.FAILED  # until the run has a result
        self._loggers = loggers
        self._emit = emit

    def __call__(self, progress: Progress) -> None:
        """The ledger's side hears it first: a logger that fails costs no epoch."""
        self._emit(progress)
        if progress.record is not None:
            step = (progress.record.epoch + 1) * progress.steps
            for logger in self._loggers:
                logger.epoch(progress.record, step)


@contextmanager
def with_loggers(
    names: Iterable[str], run: RunConfig, folder: Path, emit: Callable[[Progress], None]
) -> Iterator[LoggedProgress]:
    """`emit`, which from now on tells the loggers `names` too; they are closed at the end.

    They write into `folder`, the run's; MLflow into `mlruns` beside it, one store for all runs.
    """
    with ExitStack() as stack:
        loggers: list[Logger] = []
        listener = LoggedProgress(loggers, emit)
        for name in names:
            logger = LOGGERS[name](run, folder)
            stack.callback(_close, logger, listener)
            loggers.append(logger)
        yield listener


def _close(logger: Logger, listener: LoggedProgress) -> None:
    logger.close(listener.outcome)


def hyperparameters(run: RunConfig) -> dict[str, object]:
    """What a run is made of, as dotted keys: variant, seed, `spec.KEY`, `recipe.KEY`."""
    made = {"spec": run.spec.flat(), "recipe": run.recipe.model_dump(mode="json")}
    return {"run": run.id, "variant": run.variant, "seed": run.seed, **flatten(made)}


def _metrics(record: EpochRecord, task: str) -> dict[str, float]:
    values = record.model_dump(exclude={"epoch"})
    pairs = zip(named(values, task), values.values(), strict=True)
    return {key: value for key, value in pairs if value is not None}
