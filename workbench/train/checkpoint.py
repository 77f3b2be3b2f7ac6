"""Checkpoints: written whole or not at all, read without running anything that is in them.

A checkpoint is a zip file of torch's, with a CRC-32 of each tensor. torch does not look at these;
`load_checkpoint` does, since flipped bytes are weights, too, and a run that goes on from them may
diverge.
"""

import logging
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from workbench.config import EpochRecord, Scalar
from workbench.errors import InputError
from workbench.models.weights import CHECKPOINT, intact, trained_weights

if TYPE_CHECKING:  # plans and tables read checkpoints, and do not wait for Lightning
    from pytorch_lightning import Trainer

KEY = CHECKPOINT  # our own part of a Lightning checkpoint
FORMAT = 1
NAME = "last.ckpt"

Notes = tuple[tuple[str, Scalar], ...]  # among the details of a result

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Saved:
    """What a checkpoint says about its run, beside the tensors that Lightning restores."""

    run: str
    records: tuple[EpochRecord, ...]
    step: int
    seconds: float
    images_per_second: float | None
    random: Mapping[str, Tensor]
    evaluation: Mapping[str, Scalar] = field(default_factory=dict)  # seconds of it, and the curve

    def state(self) -> dict[str, object]:
        """Plain data, as it goes into the checkpoint."""
        return {
            "format": FORMAT,
            "run": self.run,
            "records": [record.model_dump() for record in self.records],
            "step": self.step,
            "seconds": self.seconds,
            "images_per_second": self.images_per_second,
            "random": dict(self.random),
            "evaluation": dict(self.evaluation),
        }


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The checkpoint at `path`, on the CPU. Only tensors and plain data are ever unpickled.

    Raises `InputError`, naming the file, if it does not exist, is truncated, has other bytes than
    were written, holds anything but data, or was not written by `fit`.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist", key="checkpoint")
    if _is_zip(path) and not intact(path):
        raise InputError(
            f"{path} is damaged: its checksums are not those of its bytes", key="checkpoint"
        )
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path} is refused: it is damaged or holds code, not only data", key="checkpoint"
        ) from None
    except Exception as error:  # the reader raises whatever the damaged bytes lead it to
        raise InputError(
            f"{path} can't be read, it is truncated or no checkpoint ({type(error).__name__})",
            key="checkpoint",
        ) from None
    if not isinstance(loaded, dict) or not isinstance(loaded.get(KEY), dict):
        raise InputError(f"{path} was not written by this workbench", key="checkpoint")
    return loaded


def _is_zip(path: Path) -> bool:
    """A file that is none has no checksums; torch will refuse it."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def read_saved(path: Path) -> Saved:
    """The run, its epochs' records and its random state, from the checkpoint at `path`.

    Raises `InputError` as `load_checkpoint` does, and for a format that this version can't read.
    """
    own = load_checkpoint(path)[KEY]
    if own.get("format") != FORMAT:
        raise InputError(
            f"{path} has format {own.get('format')!r}, this version reads {FORMAT}",
            key="checkpoint",
        )
    try:
        records = tuple(EpochRecord.model_validate(record) for record in own["records"])
        pace = own["images_per_second"]
        return Saved(
            run=str(own["run"]),
            records=records,
            step=int(own["step"]),
            seconds=float(own["seconds"]),
            images_per_second=None if pace is None else float(pace),
            random=dict(own["random"]),
            evaluation=dict(own.get("evaluation", {})),  # an earlier version wrote none
        )
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{path} is damaged: its records can't be read", key="checkpoint"
        ) from None


def network_weights(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The network's state dict, without prefixes: the averaged weights where there are any."""
    state: dict[str, Tensor] = checkpoint["state_dict"]
    return trained_weights(state)


def check_restored(trainer: "Trainer", epochs: int) -> None:
    """Raises `ValueError` unless the trainer, as restored, can go on after `epochs` epochs."""
    if trainer.current_epoch != epochs:
        raise ValueError(f"it is of epoch {trainer.current_epoch}, and its records are of {epochs}")
    for optimiser in trainer.optimizers:
        for parameter, state in optimiser.state.items():
            for key in ("exp_avg", "exp_avg_sq", "momentum_buffer"):  # shaped as their parameters
                moment = state.get(key)
                if isinstance(moment, Tensor) and moment.shape != parameter.shape:
                    raise ValueError(
                        f"{key} is {[*moment.shape]} for a parameter of {[*parameter.shape]}"
                    )


def write_checkpoint(trainer: "Trainer", folder: Path) -> None:
    """`last.ckpt` in `folder`; at every moment the file there is the old one or the new one."""
    half = folder / f"{NAME}.tmp"
    try:
        trainer.save_checkpoint(half)
        os.replace(half, folder / NAME)
    except BaseException:  # a full disk: what is half written must not keep it full
        half.unlink(missing_ok=True)
        raise


def take_up(path: Path, run: str) -> tuple[Saved | None, Notes]:
    """What the checkpoint at `path` says, and notes for the result if it had to be refused."""
    if not path.exists():
        return None, ()
    try:
        saved = read_saved(path)
        if saved.run != run:
            raise InputError(f"{path} belongs to another run, {saved.run[:12]}", key="checkpoint")
    except InputError as error:
        return None, refuse(path, str(error))
    return saved, ()


def refuse(path: Path, why: str) -> Notes:
    """Moves the checkpoint out of the way, keeping it, and notes for the result why."""
    why, aside = why.strip().splitlines()[0], path.with_name(f"{path.name}.refused")
    os.replace(path, aside)
    logger.warning("%s; moved to %s, the run starts from the beginning", why, aside.name)
    return (("refused_checkpoint", why),)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of torch's generators that training draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Undoes whatever was drawn since `random_state`."""
    if "cpu" in state:
        torch.set_rng_state(state["cpu"].cpu())
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
