"""Specs counted per second in closed form, against traces, in one run.

    python -m benchmarks.cost_speed

Asks whether the closed form is fast enough to search with: a scaling study enumerates hundreds of
thousands of specs, and a trace of a network like CMT-S takes about a second. Expected on one core:
thousands of specs per second in closed form, one or two per second traced. Every spec that is
traced is held against its closed form, entry by entry.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from workbench.config import Spec
from workbench.cost import closed_form
from workbench.cost.check import confirm
from workbench.cost.trace import trace
from workbench.models.spec import Settings, base_settings, merge, resolve

Case = TypeVar("Case")


def variants() -> Iterator[Settings]:
    """Settings over those of CMT-S, all different: widths, depths, components, resolutions."""
    for width, depth, lpu, ffn, norm, side in itertools.product(
        range(40, 104, 8),
        range(8, 24),
        ("dwconv", "none"),
        ("irffn", "mlp"),
        ("ln", "bn"),
        (192, 224, 256),
    ):
        yield {
            "dim": [width, 2 * width, 4 * width, 8 * width],
            "depth": [3, 3, depth, 3],
            "lpu": lpu,
            "ffn": ffn,
            "norm": norm,
            "resolution": side,
        }


def rate(call: Callable[[Case], object], cases: Iterable[Case], seconds: float) -> float:
    """Calls per second over at least `seconds` and one call."""
    start, done = time.perf_counter(), 0
    for case in cases:
        call(case)
        done += 1
        if time.perf_counter() - start >= seconds:
            break
    return done / (time.perf_counter() - start)


def make(settings: Settings) -> Spec:
    """The spec of one variant, resolved and checked."""
    return resolve(merge(base_settings("cmt_s"), settings), "variant")


def traced(settings: Settings) -> None:
    """Traces one variant and holds it against its closed form."""
    made = make(settings)
    confirm(closed_form(made), trace(made))


def measure(seconds: float) -> dict[str, float]:
    """Specs per second: closed form of made specs, the same with making them, and traces."""
    made = [make(case) for case in itertools.islice(variants(), 1000)]
    return {
        "closed_form": rate(closed_form, itertools.cycle(made), seconds),
        "from_settings": rate(lambda case: closed_form(make(case)), variants(), seconds),
        "trace": rate(traced, variants(), seconds),
    }


def main() -> None:
    """Prints the three rates and how many closed forms one trace is worth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each of the three parts")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rates = measure(options.seconds)
    if options.json:
        print(json.dumps(rates, indent=2))
        return
    print(f"closed form                 {rates['closed_form']:8.0f} specs/s")
    print(f"settings to closed form     {rates['from_settings']:8.0f} specs/s")
    print(f"fvcore trace                {rates['trace']:8.2f} specs/s")
    print(f"one trace is worth          {rates['closed_form'] / rates['trace']:8.0f} closed forms")


if __name__ == "__main__":
    main()
