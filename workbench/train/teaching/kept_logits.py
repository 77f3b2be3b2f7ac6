"""A teacher's logits on disk, so that runs which see the same images ask it once.

What a batch shows is keyed by seed, epoch and step, and not by the network in training: rows of a
plan that share data, augmentation, batch size and seed have the same batches. Logits are kept epoch
by epoch, in files that say all that they depend on. A file that says anything else, or is damaged,
is not used: the teacher is asked again.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from workbench.config import Recipe, digest
from workbench.data.batches import TrainLoader
from workbench.data.fetch import MemoryFetch
from workbench.errors import InputError
from workbench.machine import cache_folder, processor_name
from workbench.models.tensor_file import read_tensors, write_tensors
from workbench.train.precision import half_precision
from workbench.version import SAME_NUMBERS_SINCE

log = logging.getLogger(__name__)
LOGITS = "logits"
Facts = Mapping[str, object]  # all that logits depend on


class KeptLogits:
    """A teacher that is asked once for each batch of (seed, epoch, step)."""

    def __init__(
        self, teacher: Callable[[Tensor], Tensor], depends: Facts, steps: int, folder: Path
    ) -> None:
        self._teacher, self._steps = teacher, steps
        self._depends: Facts = json.loads(json.dumps(depends))  # as it is read again
        self._folder = folder / digest(depends)[:16]
        self._epoch = -1  # that is under way
        self._known: Tensor | None = None  # its logits
        self._asked = list[Tensor]()

    def __call__(self, images: Tensor, epoch: int, step: int) -> Tensor:
        """Logits (B, classes) of the images (B, 3, H, W) of a batch."""
        if epoch != self._epoch:
            self._epoch, self._asked, self._known = epoch, [], self._read(epoch)
        if self._known is not None:
            return self._known[step].to(images.device)
        logits = self._teacher(images)
        if step == len(self._asked):  # who goes through an epoch otherwise leaves nothing of it
            self._asked.append(logits.cpu())
            if len(self._asked) == self._steps:
                self._write(epoch)
        return logits

    def _file(self, epoch: int) -> Path:
        return self._folder / f"epoch{epoch}.safetensors"

    def _read(self, epoch: int) -> Tensor | None:
        """Of all steps (S, B, classes); None where they are not there, or not these."""
        file = self._file(epoch)
        if not file.exists():
            return None
        try:
            state, facts = read_tensors(file)
        except InputError as error:
            log.warning("%s; the teacher is asked again", error)
            return None
        if facts != {**self._depends, "epoch": epoch} or LOGITS not in state:
            log.warning("%s depends on something else; the teacher is asked again", file)
            return None
        return state[LOGITS]

    def _write(self, epoch: int) -> None:
        """What can't be written costs time alone."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            depends = {**self._depends, "epoch": epoch}
            write_tensors(self._file(epoch), {LOGITS: torch.stack(self._asked)}, depends)
        except (InputError, OSError) as error:
            log.warning("logits are not kept: %s", error)


def keep_logits(
    teacher: Callable[[Tensor], Tensor],
    recipe: Recipe,
    about: Facts,
    train: TrainLoader,
    device: torch.device,
) -> KeptLogits:
    """`teacher`, asked once; `about` says what it is.

    Raises `InputError` for images that are not in memory: what they are is not looked at as a
    whole, so that it would not be seen that they change.
    """
    if not isinstance(train.fetch, MemoryFetch):
        raise InputError(
            "logits are kept for images that are held in memory, and these are not; leave it out",
            key="recipe.teacher.keep_logits",
        )
    pixels = train.fetch.pixels.cpu().numpy()
    depends = {
        **about,
        "images": [hashlib.sha256(pixels.data).hexdigest(), *pixels.shape],
        "augment": recipe.augment.model_dump(mode="json"),
        "seed": train.transform.seed,
        "batch_size": train.batch_size,
        "precision": "bf16" if half_precision(recipe, device) else "32",
        "computed_by": [processor_name(device), torch.get_num_threads(), torch.__version__],
        "workbench": SAME_NUMBERS_SINCE,
    }
    return KeptLogits(teacher, depends, len(train), cache_folder() / "teachers")
