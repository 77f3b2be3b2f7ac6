"""A run, described: what it is, what it says while it runs, and how it ended."""

from collections.abc import Iterable
from enum import StrEnum

from workbench.config.fields import Count, Frozen, Natural, Scalar, digest
from workbench.config.network import NetworkSpec
from workbench.config.recipe import Recipe

SCORES = {"classify": "top1", "detect": "ap", "segment": "miou"}  # what `top1` stands for, by task


def named(columns: Iterable[str], task: str) -> list[str]:
    """Columns of runs under their names for people: `ap` where the score of `top1` is AP."""
    score = SCORES[task]
    names = {"top1": score, "validation_top1": f"validation_{score}"}
    return [names.get(column, column) for column in columns]


class Outcome(StrEnum):
    """How a run ended. All but the first carry a reason."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    INFEASIBLE = "infeasible"
    PRUNED = "pruned"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        """Whether the same command leaves such a run alone."""
        return self not in (Outcome.FAILED, Outcome.INTERRUPTED)


class RunConfig(Frozen):
    """One run: a network, a recipe and a seed."""

    variant: str
    spec: NetworkSpec
    recipe: Recipe
    seed: Natural

    @property
    def id(self) -> str:
        """SHA-256 of the resolved configuration, without the names of variant, spec and recipe."""
        return digest(
            {"spec": self.spec.identity, "recipe": self.recipe.document(), "seed": self.seed}
        )


class EpochRecord(Frozen):
    """What one epoch of one run measured.

    Of the test images, or of the validation images where the recipe has some: then the test
    images are read at the last epoch alone.
    """

    epoch: Natural
    train_loss: float
    test_loss: float | None = None
    top1: float | None = None  # percent
    lr: float
    seconds: float
    validation_loss: float | None = None
    validation_top1: float | None = None  # percent

    @property
    def judged(self) -> float | None:
        """The top-1 that choices are made by: on validation images where there are some."""
        return self.top1 if self.validation_top1 is None else self.validation_top1


class Progress(Frozen):
    """Where a run is. `record` stands on the last message of each epoch."""

    run: str
    epoch: Natural
    epochs: Count
    step: Natural
    steps: Count  # of one epoch
    loss: float | None
    record: EpochRecord | None = None


class Result(Frozen):
    """How one run ended."""

    run: str
    outcome: Outcome
    reason: str | None = None
    step: Natural | None = None  # the global step it ended at
    # On all test images after the last epoch, of the averaged weights where there are any.
    top1: float | None = None  # percent; of a detector AP, of a segmenter mIoU
    test_loss: float | None = None
    validation_loss: float | None = None  # likewise, on all validation images
    validation_top1: float | None = None
    seconds: float = 0.0
    images_per_second: float | None = None  # training
    device: str = "cpu"
    details: tuple[tuple[str, Scalar], ...] = ()

    @property
    def judged(self) -> float | None:
        """The top-1 that choices are made by: on validation images where there are some."""
        return self.top1 if self.validation_top1 is None else self.validation_top1
