"""Latency and throughput of a network on this device, in eval mode."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import nn

from workbench.config import NetworkSpec, Spec
from workbench.machine import choose_device, processor_name
from workbench.models import build, fuse

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
GAIN = 1.05  # what a larger batch must win to be taken
PATIENCE = 2  # doublings in a row that may win nothing before the search ends
WARM_UP = 2  # calls


@dataclass(frozen=True)
class Speed:
    """What one measurement found; the middle and the spread are over its repetitions."""

    name: str
    resolution: int
    batch: int  # of the throughput
    images_per_second: float  # median
    spread: float  # half the interquartile range over the median
    latency_ms: float  # median, of one image
    latency_spread: float
    repeats: int
    device: str
    threads: int
    precision: str

    def to_json(self) -> dict[str, object]:
        """Plain data, unrounded."""
        return asdict(self)


@torch.inference_mode()
def measure_speed(
    model: nn.Module,
    name: str,
    channels: int,
    resolution: int,
    batch: int | None = None,
    device: str | None = None,
    seconds: float = 2.0,
    least: int = 5,
    memory_format: torch.memory_format = torch.channels_last,
) -> Speed:
    """Runs `model` for about `seconds` on single images and as long on batches.

    Float32 on a CPU, bfloat16 autocast on a GPU. Without `batch`, batches are
    doubled until that wins nothing. `least` is the number of repetitions at least. Raises
    `InputError` for a device that is not here.
    """
    where = choose_device(device or "auto")
    model = model.eval().to(where).to(memory_format=memory_format)

    def seconds_of(size: int, budget: float, repeats: int = least) -> list[float]:
        image = torch.zeros(size, channels, resolution, resolution, device=where)
        image = image.to(memory_format=memory_format)
        with torch.autocast(where.type, torch.bfloat16, enabled=where.type == "cuda"):
            return time_repeatedly(lambda: model(image), where, budget, repeats)

    single = seconds_of(1, seconds)
    chosen = batch or _best_batch(lambda size: min(seconds_of(size, 0.0, 3)))
    times = single if chosen == 1 else seconds_of(chosen, seconds)
    return Speed(
        name=name,
        resolution=resolution,
        batch=chosen,
        images_per_second=chosen / statistics.median(times),
        spread=spread(times),
        latency_ms=1e3 * statistics.median(single),
        latency_spread=spread(single),
        repeats=len(times),
        device=processor_name(where),
        threads=torch.get_num_threads(),
        precision="bf16" if where.type == "cuda" else "32",
    )


def inference_latency(spec: NetworkSpec) -> float:
    """Milliseconds of one image, with norms folded; the least of three medians, for what else the
    machine does can only make a network slower.
    """
    model = fuse(build(spec)) if isinstance(spec, Spec) else build(spec).eval()
    rounds = (
        measure_speed(
            model, spec.name, spec.channels, spec.resolution, batch=1, seconds=0.2, least=10
        )
        for _ in range(3)
    )
    return min(found.latency_ms for found in rounds)


def time_repeatedly(
    call: Callable[[], object], device: torch.device, budget: float, least: int
) -> list[float]:
    """Seconds of each call, warmed up, until `budget` seconds and `least` calls are done."""
    for _ in range(WARM_UP):
        call()
    times: list[float] = []
    while len(times) < least or sum(times) < budget:
        _wait(device)
        start = time.perf_counter()
        call()
        _wait(device)
        times.append(time.perf_counter() - start)
    return times


def spread(times: list[float]) -> float:
    """Half the interquartile range over the median: 0 where all are equal."""
    if len(times) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return (high - low) / 2 / middle


def _best_batch(seconds_of: Callable[[int], float]) -> int:
    """The smallest batch whose throughput larger ones do not beat by `GAIN`."""
    best, rate, idle = BATCHES[0], BATCHES[0] / seconds_of(BATCHES[0]), 0
    for size in BATCHES[1:]:
        try:
            found = size / seconds_of(size)
        except torch.OutOfMemoryError:
            break
        if found >= rate * GAIN:
            best, rate, idle = size, found, 0
        else:
            idle += 1
        if idle == PATIENCE:
            break
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
