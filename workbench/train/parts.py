"""What a run is made of: its network, and the batches that it trains on and is evaluated on."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import nn

from workbench.config import RunConfig
from workbench.errors import InputError
from workbench.train.curve import Curve, choose_curve
from workbench.train.module import Batch, RunModule
from workbench.train.score import Answered
from workbench.train.teaching.objective import Objective


class Batches(Protocol):
    """Batches of images (B, 3, H, W) and targets whose order depends on the epoch alone."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch]: ...

    def set_epoch(self, epoch: int) -> None: ...


class FixedBatches(Protocol):
    """Held-out images (B, 3, H, W) and targets, in batches that are always the same."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch]: ...


class Points(NamedTuple):
    """What a run's curve is drawn from before its end."""

    batches: FixedBatches
    curve: Curve


Evaluate = Callable[[RunModule, FixedBatches, Callable[[], None]], Answered]


class Parts(NamedTuple):
    """What a run is made of. `test_set` is the digest of the test images and of their order.

    Without `points` the curve is drawn at every epoch, from all validation images where there are
    some, else from all test images.
    """

    network: nn.Module
    train: Batches
    test: FixedBatches
    validation: FixedBatches | None = None
    points: Points | None = None
    test_set: str = ""
    objective: Objective | None = None  # None: the labels'
    evaluate: Evaluate | None = None  # None: by the classes of whole images


def build_parts(run: RunConfig, device: torch.device) -> Parts:
    """The network and the batches that `run` names."""
    from workbench.data import loaders
    from workbench.models import build
    from workbench.train.teaching.make import make_objective
    from workbench.train.teaching.start import begin

    recipe, spec = run.recipe, run.spec
    network = build(spec, seed=run.seed)
    data = loaders(
        recipe.data, recipe.augment, recipe.batch_size, spec.resolution, run.seed, device
    )
    _refuse_classes(run, data.info.name, data.info.classes)
    judges = data.validation or data.test
    trained = len(data.train) * data.train.batch_size
    final = len(data.test.labels) + (len(data.validation.labels) if data.validation else 0)
    curve = choose_curve(recipe, trained, len(judges.labels), final)
    points = Points(judges.subset(curve.images, recipe.data.subset_seed), curve)
    begin(network, recipe, data.info)
    objective = make_objective(run, data, device)
    return Parts(network, data.train, data.test, data.validation, points, data.test_set, objective)


def _refuse_classes(run: RunConfig, name: str, classes: int) -> None:
    augment, outputs = run.recipe.augment, run.spec.classes
    if classes > outputs:
        raise InputError(
            f"{outputs} is less than the {classes} classes of data set {name!r}", key="spec.classes"
        )
    if classes < outputs and (augment.mixup or augment.cutmix):
        raise InputError(
            f"{outputs} is more than the {classes} classes of data set"
            f" {name!r}, which mixup and cutmix can't do; use {classes}",
            key="spec.classes",
        )
