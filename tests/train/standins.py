"""A small network and small batches that behave like the real ones: random, and repeatable."""

from collections.abc import Iterator
from pathlib import Path

import torch
from timm.layers import DropPath
from torch import Tensor, nn

from workbench import models
from workbench.config import (
    Augment,
    DataConfig,
    EpochRecord,
    Optimiser,
    Part,
    Progress,
    Recipe,
    Result,
    RunConfig,
    Schedule,
    Spec,
    Stage,
)
from workbench.train.checkpoint import NAME, load_checkpoint
from workbench.train.fit import Parts, fit

SIDE, CLASSES, BATCH, STEPS = 8, 4, 8, 6
FAST = Recipe(epochs=3, batch_size=BATCH)


def spec() -> Spec:
    part = Part(name="any")
    stage = Stage(
        depth=1,
        dim=8,
        heads=1,
        stride=2,
        downsample=part,
        position=part,
        lpu=part,
        mixer=part,
        ffn=part,
    )
    return Spec(
        name="tiny",
        resolution=SIDE,
        channels=3,
        classes=CLASSES,
        drop_path=0.1,
        dropout=0.1,
        stem=part,
        norm=part,
        conv_norm=part,
        act=part,
        head=part,
        stages=(stage,),
    )


def run_config(recipe: Recipe = FAST, seed: int = 3) -> RunConfig:
    return RunConfig(variant="tiny", spec=spec(), recipe=recipe, seed=seed)


class Tiny(nn.Module):
    """A convolution, BN, drop path, dropout and a position table."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.norm = nn.BatchNorm2d(8)
            self.table = nn.Parameter(torch.randn(1, 8, SIDE, SIDE) * 0.02)
            self.mix = nn.Conv2d(8, 8, 1)
            self.path = DropPath(0.3)
            self.drop = nn.Dropout(0.2)
            self.head = nn.Linear(8, CLASSES)

    def no_weight_decay(self) -> set[str]:
        return {"table", "not_in_this_variant"}

    def forward(self, images: Tensor) -> Tensor:
        x = self.norm(self.conv(images)).relu() + self.table
        x = x + self.path(self.mix(x))
        logits: Tensor = self.head(self.drop(x.mean(dim=(2, 3))))
        return logits


class Stream:
    """Batches from (seed, epoch, step); odd steps come with soft targets. `spoil` makes one bad."""

    def __init__(self, seed: int, spoil: int | None = None, steps: int = STEPS) -> None:
        self.seed, self.spoil, self.steps, self.epoch = seed, spoil, steps, 0
        self.served = 0

    def __len__(self) -> int:
        return self.steps

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for step in range(self.steps):
            generator = torch.Generator().manual_seed(hash((self.seed, self.epoch, step)))
            images = torch.randn(BATCH, 3, SIDE, SIDE, generator=generator)
            labels = torch.randint(CLASSES, (BATCH,), generator=generator)
            targets = labels
            if step % 2:
                targets = 0.7 * nn.functional.one_hot(labels, CLASSES) + 0.3 / CLASSES
            if self.spoil == self.epoch * self.steps + step:
                images = images * torch.inf
            self.served += 1
            yield images, targets


class HeldOut:
    """A fixed test set whose last batch is not full."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(19, 3, SIDE, SIDE, generator=generator)
        self.labels = torch.randint(CLASSES, (19,), generator=generator)

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        yield from zip(self.images.split(8), self.labels.split(8), strict=True)


def parts(run: RunConfig, device: torch.device) -> Parts:
    return Parts(Tiny(run.seed), Stream(run.seed), HeldOut())


class StopAfter:
    """Says stop once it was asked `steps` times."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


def fit_tiny(
    folder: Path,
    recipe: Recipe = FAST,
    stop: StopAfter | None = None,
    told: list[Progress] | None = None,
) -> Result:
    """`fit` on the stand-ins; what it emits goes to `told`."""
    seen = [] if told is None else told
    return fit(run_config(recipe), folder, seen.append, "cpu", stop, parts=parts)


# ---------------------------------------------------------------- runs to fit and to compare

ASKED = STEPS + 3  # how often an epoch asks whether to stop: each step, each batch of the test
# Everything that has a state: dropout and drop path (in the network), EMA, clipping, warm-up.
FULL = Recipe(
    epochs=5,
    batch_size=BATCH,
    optimiser=Optimiser(lr=0.01, clip_grad=1.0),
    schedule=Schedule(warmup_epochs=1),
    label_smoothing=0.1,
    ema_decay=0.9,
)


def epochs_told(told: list[Progress]) -> list[EpochRecord]:
    return [progress.record for progress in told if progress.record]


def _same(one: object, other: object, path: str = "") -> None:
    """Every tensor bit for bit, every number equal; only the clock may differ."""
    if isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        assert torch.equal(one, other), path
    elif isinstance(one, dict):
        assert isinstance(other, dict)
        assert one.keys() == other.keys(), path
        for key in one.keys() - {"seconds", "images_per_second"}:
            _same(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple):
        assert isinstance(other, list | tuple)
        assert len(one) == len(other), path
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            _same(mine, theirs, f"{path}.{index}")
    else:
        assert one == other, path


def compare(one: Path, other: Path) -> None:
    mine, theirs = load_checkpoint(one / NAME), load_checkpoint(other / NAME)
    for key in ("state_dict", "optimizer_states", "workbench", "epoch", "global_step"):
        _same(mine[key], theirs[key], key)


def small_run(*overrides: str) -> RunConfig:
    recipe = FULL.model_copy(
        update={
            "epochs": 3,
            "batch_size": 16,
            "data": DataConfig(name="digits", train_size=40, test_size=30),
            "augment": Augment(crop_padding=1, hflip=0.5, random_erasing=0.25, mixup=0.8, cutmix=1),
        }
    )
    small = ["depth=[1,1]", "dim=[8,16]", "heads=[1,2]", "stride=[2,2]", "mixer.k=[2,1]"]
    network = models.spec("cmt_digits", *small, *overrides)
    return RunConfig(variant="small", spec=network, recipe=recipe, seed=0)
