"""Training throughput inside a sweep's run against a bare PyTorch loop.

    python -m benchmarks.sweep_overhead [--model cmt_cifar] [--batch 64] [--blocks 12] [--json]

The run is `workbench.train.fit.fit` as a sweep's worker calls it: progress sent down a pipe, a stop
asked for after every step, losses checked. The bare loop has the same network, initial weights,
batches and optimiser and nothing else: forward, backward, step. The two take turns every few steps
(bare loop, run, bare loop, ...) within one process, so that a change of the machine's speed meets
both; fetching batches is in neither. Printed are the medians over the blocks, and the median of
the ratios of neighbouring blocks: 1 means that the run costs nothing, and 0.95 is what we ask for.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.config import Recipe, RunConfig, Spec
from workbench.models import build, spec
from workbench.train import optimiser
from workbench.train.fit import Parts, fit
from workbench.train.precision import half_precision

Batch = tuple[Tensor, Tensor]


class Turns:
    """The run's training batches. When a block of them is through, the bare loop has its turn."""

    def __init__(
        self, batches: list[Batch], blocks: int, steps: int, bare: Callable[[list[Batch]], None]
    ) -> None:
        self._batches = batches
        self._blocks = blocks
        self._steps = steps
        self._bare = bare
        self.seconds: list[tuple[float, float]] = []  # of a block: bare loop, run

    def __len__(self) -> int:
        return self._blocks * self._steps

    def set_epoch(self, epoch: int) -> None:
        """The batches are the same in every epoch."""

    def __iter__(self) -> Iterator[Batch]:
        for block in range(self._blocks):
            batches = [self._pick(block * self._steps + step) for step in range(self._steps)]
            begin = time.perf_counter()
            self._bare(batches)
            middle = time.perf_counter()
            yield from batches  # back here when the run asks for the next: the last step is over
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.seconds.append((middle - begin, time.perf_counter() - middle))

    def _pick(self, step: int) -> Batch:
        return self._batches[step % len(self._batches)]


class OneBatch:
    """A test set of one batch. (Lightning takes a list for several test sets.)"""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Batch]:
        yield self._batch


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="cmt_cifar")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=12)
    parser.add_argument("--steps", type=int, default=5, help="in a block")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = measure(spec(options.model), options.batch, options.blocks, options.steps)
    if options.json:
        print(json.dumps(measured, indent=2))
        return
    print(f"{options.model}, batch {options.batch}, {torch.get_num_threads()} threads on the CPU")
    print(f"bare loop       {measured['bare_images_per_second']:8.1f} images/s")
    print(f"inside a sweep  {measured['sweep_images_per_second']:8.1f} images/s")
    print(f"ratio           {measured['ratio']:8.3f}  (to be at least 0.95)")


def measure(
    network: Spec, batch: int, blocks: int, steps: int, device: str = "cpu"
) -> dict[str, float]:
    """Images per second of both, and the run's throughput over the bare loop's."""
    recipe = Recipe(epochs=1, batch_size=batch)
    run = RunConfig(variant="benchmark", spec=network, recipe=recipe, seed=0)
    batches = random_batches(network, batch, 8, device)
    turns = Turns(batches, blocks + 2, steps, bare_loop(network, recipe, device))
    receiver, sender = Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder, receiver, sender:
        fit(
            run,
            Path(folder),
            sender.send,
            device,
            should_stop=lambda: False,
            parts=lambda run, device: Parts(build(run.spec, run.seed), turns, OneBatch(batches[0])),
        )
    timed = turns.seconds[1:]  # the first warms both up; the last is cut off by the epoch's end
    images = batch * steps
    return {
        "bare_images_per_second": images / statistics.median(bare for bare, _ in timed),
        "sweep_images_per_second": images / statistics.median(inside for _, inside in timed),
        "ratio": statistics.median(bare / inside for bare, inside in timed),
    }


def bare_loop(network: Spec, recipe: Recipe, device: str = "cpu") -> Callable[[list[Batch]], None]:
    """A function that trains on the batches it is given, as plainly as PyTorch allows."""
    model = build(network, seed=0).to(device).train()
    adamw = optimiser.create(model, recipe.optimiser, recipe.optimiser.lr)

    half = half_precision(recipe, torch.device(device))

    def train(batches: list[Batch]) -> None:
        for images, labels in batches:
            adamw.zero_grad()
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=half):
                loss = F.cross_entropy(model(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            adamw.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return train


def random_batches(network: Spec, batch: int, count: int, device: str = "cpu") -> list[Batch]:
    """Images (B, 3, H, W) in channels_last memory, and labels (B,), on `device`."""
    generator = torch.Generator().manual_seed(0)
    side = network.resolution
    return [
        (
            torch.randn(batch, 3, side, side, generator=generator)
            .contiguous(memory_format=torch.channels_last)
            .to(device),
            torch.randint(network.classes, (batch,), generator=generator).to(device),
        )
        for _ in range(count)
    ]


if __name__ == "__main__":
    main()
