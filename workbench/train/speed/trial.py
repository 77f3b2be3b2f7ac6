"""Which way of computing a training step is the fastest here: steps of each, in turns.

The functions `try_...` are run by a worker in place of `fit`, so that the trial has the threads,
the device and the imports of the runs that it decides for.
"""

import copy
import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric.utilities import move_data_to_device
from torch import nn

from workbench.config import Outcome, Progress, Result, RunConfig
from workbench.cost.turns import in_turns
from workbench.errors import InputError, first_line
from workbench.machine import choose_device
from workbench.train import optimiser
from workbench.train.fit import task_parts
from workbench.train.module import Batch
from workbench.train.parts import Parts
from workbench.train.precision import half_precision
from workbench.train.speed.compiling import compile_steps, lacking
from workbench.train.speed.ways import STEPS, Key, Way, ways_of
from workbench.train.teaching.objective import Labels

WARM_UP = 2  # rounds
BATCHES = 4  # that the steps take in turns
WAYS = "ways"  # the detail of the result that holds them


def found_ways(result: Result) -> tuple[Way, ...]:
    """What a trial found. Raises `InputError` where its plain way failed."""
    found = dict(result.details).get(WAYS)
    if found is None:
        raise InputError(f"the trial of speed failed: {result.reason}", key="recipe.precision")
    return tuple(Way.model_validate(each) for each in json.loads(str(found)))


def _tried(
    run: RunConfig,
    folder: Path,
    emit: Callable[[Progress], None],
    device: str = "auto",
    should_stop: Callable[[], bool] | None = None,
    *,
    keys: Sequence[Key],
) -> Result:
    place = choose_device(device)
    torch.manual_seed(run.seed)
    made = task_parts(run, place)
    made.train.set_epoch(0)
    batches = [move_data_to_device(each, place) for each in islice(made.train, BATCHES)]
    if not batches:
        raise InputError("no whole batch is in the training images", key="recipe.batch_size")
    ways = measured(
        run, made, batches, ways_of(keys, run.recipe, half_precision(run.recipe, place))
    )
    text = json.dumps([way.model_dump() for way in ways])
    return Result(run=run.id, outcome=Outcome.COMPLETED, device=place.type, details=((WAYS, text),))


try_precision = partial(_tried, keys=("precision",))
try_compile = partial(_tried, keys=("compile",))
try_precision_compile = partial(_tried, keys=("precision", "compile"))


def measured(
    run: RunConfig, made: Parts, batches: Sequence[Batch], ways: Sequence[Way]
) -> tuple[Way, ...]:
    """The ways with what they took. One that fails says why, unless it is the first."""
    firsts: dict[Way, float] = {}
    steps: dict[Way, Callable[[], None]] = {}
    faults: dict[Way, str] = {}
    for way in ways:
        if way.compile and (fault := lacking()):
            faults[way] = fault
            continue
        try:
            step = _step(run, made, batches, way)
            firsts[way] = in_turns({"": step}, 1, warm_up=0)[""].median
            steps[way] = step
        except Exception as error:  # of many kinds, and of the compiler's own
            if way is ways[0]:
                raise
            faults[way] = first_line(error)[:200]
    names = {way.text: way for way in steps}
    found = in_turns({name: steps[way] for name, way in names.items()}, STEPS, WARM_UP)
    images = len(batches[0][0])
    return tuple(
        way.model_copy(update={"fault": faults[way]})
        if way in faults
        else way.model_copy(
            update={
                "seconds": found[way.text].median / images,
                "before": max(0.0, firsts[way] - found[way.text].median) if way.compile else 0.0,
            }
        )
        for way in ways
    )


def _step(run: RunConfig, made: Parts, batches: Sequence[Batch], way: Way) -> Callable[[], None]:
    """A training step of a network and an optimiser of its own."""
    device = _device_of(batches[0])
    network: nn.Module = copy.deepcopy(made.network).to(device).train()
    if way.compile:
        compile_steps(network)
    settings = run.recipe.optimiser
    optimise = optimiser.create(network, settings, settings.lr)
    objective = made.objective or Labels(run.recipe)
    turns = cycle(batches)

    def step() -> None:
        images, targets = next(turns)
        optimise.zero_grad()
        half = way.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16, enabled=half, cache_enabled=False):
            loss = objective(network, images, targets, 0, 0)
        loss.backward()  # type: ignore[no-untyped-call]
        optimise.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def _device_of(batch: Batch) -> torch.device:
    images = cast(Any, batch[0])
    return cast(torch.device, (images if isinstance(images, torch.Tensor) else images[0]).device)
