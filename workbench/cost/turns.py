"""Several calls timed in turns, so that a change of the machine's speed meets all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Of one call, by round: of the clock, and of this process on all its cores."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of the clock."""
        return statistics.median(self.wall)

    def faster(self, than: "Seconds") -> tuple[float, float]:
        """How many times faster than another: medians of the rounds' ratios, clock and process."""
        return _ratio(than.wall, self.wall), _ratio(than.cpu, self.cpu)


def _ratio(over: Sequence[float], under: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(over, under, strict=True))


def in_turns(calls: Mapping[str, Call], rounds: int, warm_up: int = 1) -> dict[str, Seconds]:
    """Seconds of each call in each round, after rounds that do not count.

    The order turns round from one round to the next, so that no call always follows the same one.
    """
    seconds = {name: Seconds() for name in calls}
    names = list(calls)
    for turn in range(-warm_up, rounds):
        gc.collect()
        for name in names if turn % 2 else reversed(names):
            wall, cpu = time.perf_counter(), time.process_time()
            calls[name]()
            if turn >= 0:
                seconds[name].wall.append(time.perf_counter() - wall)
                seconds[name].cpu.append(time.process_time() - cpu)
    return seconds
