"""Rooms without networks: a spec whose `dim` is what an override says, and data of ten classes."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from workbench.config import (
    Augment,
    DataConfig,
    EpochRecord,
    Frozen,
    Outcome,
    Part,
    Progress,
    Recipe,
    Result,
    RunConfig,
    Spec,
    Stage,
    parse,
)
from workbench.errors import InputError, unknown
from workbench.plain_yaml import read_value
from workbench.plans.changes import Changes
from workbench.plans.collaborators import Rooms
from workbench.plans.file import parse_plan
from workbench.plans.kinds import PlanFile
from workbench.plans.resolution import Plan, resolve
from workbench.runs.sweep import SweepOptions

NAME = __name__  # as the workers must import it
ZOO = {"small": 8, "large": 16}
SLOTS = {"lpu": ("none", "conv", "conv_plain")}


class Facts(Frozen):
    classes: int = 10
    train_size: int = 100
    test_size: int = 50
    validation_size: int = 0


class Cost(Frozen):
    params: int
    macs: int


def spec(base: str, *overrides: str, classes: int | None = None) -> Spec:
    """`dim=N`, `lpu=NAME`, and what the cost does not see: `depth=N`.

    `alias=NAME` is in the spec but not in the network.
    """
    if base not in ZOO:
        raise unknown("model", base, ZOO)
    values: dict[str, Any] = {"dim": ZOO[base], "depth": 1, "lpu": "conv", "alias": "none"}
    for text in overrides:
        key, _, value = text.partition("=")
        if key not in values:
            raise unknown("override", key, values)
        found = read_value(value, key)
        values[key] = found[0] if isinstance(found, list) else found  # it has one stage
    none, lpu, alias = Part(name="none"), Part(name=values["lpu"]), Part(name=values["alias"])
    stage = Stage(
        depth=values["depth"], dim=values["dim"], heads=1, stride=2, downsample=none,
        position=alias, lpu=lpu, mixer=none, ffn=none,
    )  # fmt: skip
    return Spec(
        name=" ".join([base, *overrides]), resolution=8, channels=1, classes=classes or 10,
        drop_path=0.0, dropout=0.0, stem=none, norm=none, conv_norm=none, act=none, head=none,
        stages=(stage,),
    )  # fmt: skip


def fingerprint(spec: Spec) -> str:
    return f"{spec.stages[0].dim} {spec.stages[0].depth} {spec.stages[0].lpu}"


def cost(spec: Spec) -> Cost:
    return Cost(params=spec.stages[0].dim * 100, macs=spec.stages[0].dim * 1000)


def recipe(base: str | Mapping[str, Any], *overrides: str) -> Recipe:
    data = {} if isinstance(base, str) else dict(base)
    for text in overrides:
        key, _, value = text.partition("=")
        data[key] = read_value(value, key)
    return parse(Recipe, {"epochs": 3, "batch_size": 10, **data}, "recipe")


def components(slot: str) -> tuple[str, ...]:
    if slot not in SLOTS:
        raise unknown("factor", slot, SLOTS)
    return SLOTS[slot]


def check_augment(augment: Augment, side: int) -> None:
    if augment.crop_padding >= side:
        raise InputError(f"augment.crop_padding: {augment.crop_padding} is too much")


def describe(config: DataConfig) -> Facts:
    return Facts()


def latency(spec: Spec) -> float:
    """Of a network that is slower without its LPU, to have something to adjust."""
    return spec.stages[0].dim * (1.5 if spec.stages[0].lpu.name == "none" else 1.0)


def rooms(fit: str = "quick") -> Rooms:
    return Rooms(
        spec, fingerprint, cost, components, recipe, describe, check_augment, latency,
        f"{NAME}:{fit}",
    )  # fmt: skip


PATH: dict[str, Any] = {
    "kind": "additive",
    "name": "path",
    "seeds": 2,
    "recipe": {"epochs": 3},
    "rows": [
        {"name": "small", "base": "small"},
        {"name": "large", "base": "large", "set": ["lpu=none"]},
        {"name": "+ LPU", "set": {"lpu": "conv"}},
    ],
}


def plan_file(**changes: Any) -> PlanFile:
    return parse_plan({**PATH, **changes})


def plan(changes: Changes | None = None, **fields: Any) -> Plan:
    return resolve(plan_file(**fields), rooms(), changes)


def options(fit: str = "quick", **fields: Any) -> SweepOptions:
    return SweepOptions(**{"jobs": 2, "device": "cpu", **fields, "fit": f"{NAME}:{fit}"})


def quiet() -> Console:
    """A console that is not a terminal; what it got is in `.file`."""
    return Console(file=StringIO(), width=200)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


# ---------------------------------------------------------------- fits

Emit = Callable[[Progress], None]
ShouldStop = Callable[[], bool] | None


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
            reason = f"stopped at step {epoch}"
            return Result(run=run.id, outcome=Outcome.INTERRUPTED, reason=reason, step=epoch)
        with (folder / "epochs.txt").open("a") as log:
            log.write(f"{epoch}\n")
        half = folder / "last.ckpt.tmp"
        half.write_text(str(epoch + 1))
        os.replace(half, checkpoint)
        emit(_epoch(run, epoch))
    top1 = 50.0 + run.spec.stages[0].dim + run.seed
    return Result(
        run=run.id, outcome=Outcome.COMPLETED, step=5 * run.recipe.epochs, top1=top1,
        test_loss=0.4, seconds=0.03, images_per_second=1000.0,
    )  # fmt: skip


def _epoch(run: RunConfig, epoch: int) -> Progress:
    record = EpochRecord(
        epoch=epoch, train_loss=1 / (epoch + 1), test_loss=0.5, top1=50.0 + epoch, lr=1e-3,
        seconds=0.25,
    )  # fmt: skip
    epochs = run.recipe.epochs
    return Progress(
        run=run.id, epoch=epoch, epochs=epochs, step=5, steps=5, loss=0.5, record=record
    )


def mixed(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """In seed 1 `large` diverges, and `+ LPU` raises unless `mended` lies beside the folders."""
    if run.seed == 1 and run.variant == "large":
        details = (("quantity", "training loss"), ("last_finite_loss", None))
        return Result(
            run=run.id, outcome=Outcome.DIVERGED, reason="loss is nan at step 7", step=7,
            test_loss=float("nan"), details=details,
        )  # fmt: skip
    if run.seed == 1 and run.variant == "+ LPU" and not (folder.parent / "mended").exists():
        raise RuntimeError("out of luck")
    return quick(run, folder, emit, device, should_stop)


def raising(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """Never works."""
    raise RuntimeError("out of memory")


def noisy(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """`quick`, with a top-1 that moves with the seed; without an LPU it is 25 points less.

    Each end adds a line to `ends.txt` beside the folders. `WB_STOP_AFTER` ends the parent's sweep,
    as if by Ctrl-C, once there are so many.
    """
    result = quick(run, folder, emit, device, should_stop)
    lost = 25.0 if run.spec.stages[0].lpu.name == "none" else 0.0
    noise = Random(f"{run.variant} {run.seed}").gauss(0, 0.3)
    with (folder.parent / "ends.txt").open("a") as ends:
        ends.write(f"{run.variant} {run.seed}\n")
    if len((folder.parent / "ends.txt").read_text().splitlines()) == int(
        os.environ.get("WB_STOP_AFTER", "-1")
    ):
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(0.3)
    return result.model_copy(update={"top1": 80.0 - lost + noise})


def every_end(
    run: RunConfig, folder: Path, emit: Emit, device: str = "auto", should_stop: ShouldStop = None
) -> Result:
    """How the run ends stands in the name of its variant."""
    outcome = run.variant.split()[0]
    if outcome == "failed":
        raise RuntimeError("out of luck")
    result = quick(run, folder, emit, device, should_stop)
    if outcome == "diverged":
        reason = f"training loss is nan at step {7 + run.seed}; the last finite training loss was 2"
        return result.model_copy(
            update={"outcome": Outcome.DIVERGED, "reason": reason, "step": 7 + run.seed}
        )
    if outcome in ("pruned", "interrupted"):
        return result.model_copy(update={"outcome": Outcome(outcome), "reason": "no hope left"})
    return result
