"""RetinaNet over our CMT-S against torchvision's over ResNet-50, and maps against a timm peer's.

    python -m benchmarks.backbones --side 640 --rounds 7 --threads 2
    python -m benchmarks.backbones --operators

All networks have random weights and eval mode, and run in turns on one image on this machine's
CPU, so that a change of speed meets all. Two comparisons, with MACs by the project's own count:

- detectors at `--side` pixels, with 91 classes: one forward pass from image to boxes. Boxes of
  random weights are few or many by chance, so that scores are asked to be 0.99: what comes after
  the heads is the same for both, and nearly nothing.
- maps: `model.features` against `timm.create_model(PEER, features_only=True)` at `--map-side`.

Take two threads or more: on one, torch sends some convolutions of a single image through a slow
implementation (`_slow_conv2d_forward` among the operators).

MACs predict a ratio of times; printed is how far the measured one is from it, and, part by part,
what takes the time: milliseconds, and milliseconds a GMAC. `--operators` prints the operators that
take the most time in each network.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torchvision.models.detection import RetinaNet, retinanet_resnet50_fpn

from workbench.cost import closed_form
from workbench.cost.dense import detector_parts
from workbench.cost.record import collect
from workbench.cost.trace import count_operators
from workbench.cost.turns import Call, in_turns
from workbench.models import build, spec
from workbench.models.ops import Size, square
from workbench.tasks import detector

MODEL, PEER = "cmt_s", "resnet50"  # 4.04 and 4.09 G at 224 pixels
SURE = 0.99  # the least score of a box that is kept
WITHIN = 0.10


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--map-side", type=int, default=224)
    parser.add_argument("--model", default=MODEL, help="ours, of the zoo")
    parser.add_argument("--peer", default=PEER, help="of timm")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--operators", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    pairs = subjects(given.model, given.peer, given.side, given.map_side)
    if given.operators:
        for pair in pairs.values():
            for name, subject in pair.items():
                print(name, _operators(subject.run), sep="\n")
        return
    found = {name: compared(pair, given.rounds) for name, pair in pairs.items()}
    facts = {**vars(given), "torch": torch.__version__, **found}
    print(json.dumps(facts, indent=2) if given.json else text(found))


class _Raw(argparse.RawDescriptionHelpFormatter):
    """The text above as it stands."""


@dataclass(frozen=True)
class Subject:
    """One network at work: a forward pass, its parts, and the MACs of each."""

    run: Call
    parts: Mapping[str, nn.Module]
    macs: Mapping[str, int]


Pair = dict[str, Subject]  # ours, then theirs, by name


def subjects(model: str, peer: str, side: int, map_side: int) -> dict[str, Pair]:
    """What is compared."""
    return {"detectors": _detectors(model, side), "maps": _maps(model, peer, map_side)}


def _detectors(name: str, side: int) -> Pair:
    ours = detector(name, resize=None).eval()
    theirs = retinanet_resnet50_fpn(
        weights=None, weights_backbone=None, min_size=side, max_size=side
    ).eval()
    assert isinstance(ours, RetinaNet)
    size = square(side)
    counts = closed_form(spec(name), size)
    bodies = (
        counts.macs - counts.by_stage["head"].macs,
        _traced(theirs.backbone.body, size)[""],
    )
    named = {f"RetinaNet over {name}": ours, "RetinaNet over ResNet-50": theirs}
    return {
        each: _detector(model, body, size)
        for (each, model), body in zip(named.items(), bodies, strict=True)
    }


def _detector(model: RetinaNet, body: int, size: Size) -> Subject:
    model.score_thresh = SURE
    image = torch.rand(3, *size)
    with torch.no_grad():
        maps = list(model.backbone.body(image[None]).values())
    rest = collect("", size, detector_parts(model, maps)).by_stage
    parts = {
        "backbone": model.backbone.body, "fpn": model.backbone.fpn, "head": model.head,
    }  # fmt: skip
    return Subject(
        _of([image], model), parts, {"backbone": body, **{key: rest[key].macs for key in rest}}
    )


def _maps(name: str, peer: str, side: int) -> Pair:
    ours = build(spec(name)).eval()
    theirs = timm.create_model(peer, features_only=True).eval()
    image, size = torch.rand(1, 3, side, side), square(side)
    counts = closed_form(spec(name), size).by_stage
    stages = {f"stage {index}": stage for index, stage in enumerate(ours.stages)}
    children, traced = dict(theirs.named_children()), _traced(theirs, size)
    return {
        f"maps of {name}": Subject(
            _of(image, ours.features),
            {"stem": ours.stem, **stages},
            {key: counts[key.removeprefix("stage ")].macs for key in ("stem", *stages)},
        ),
        f"maps of timm:{peer}": Subject(
            _of(image, theirs), children, {key: traced[key] for key in children}
        ),
    }


def _traced(model: nn.Module, size: Size) -> Mapping[str, int]:
    """MACs by the path of a module; "" is all of it."""
    counts = count_operators(model, 3, size)
    return {
        path: sum(count for name, count in found.items() if name.endswith(".macs"))
        for path, found in counts.items()
    }


def _of(given: object, model: Callable[[Any], object]) -> Call:
    @torch.inference_mode()
    def run() -> object:
        return model(given)

    return run


# ---------------------------------------------------------------- measuring


class Watch:
    """The seconds of modules, call by call."""

    def __init__(self, parts: Mapping[str, nn.Module]) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in parts}
        self._begun = 0.0
        for name, module in parts.items():
            module.register_forward_pre_hook(self._begin)
            module.register_forward_hook(self._ending(name))

    def _begin(self, *_: object) -> None:
        self._begun = time.perf_counter()

    def _ending(self, name: str) -> Callable[..., None]:
        def end(*_: object) -> None:
            self.seconds[name].append(time.perf_counter() - self._begun)

        return end


def compared(pair: Pair, rounds: int) -> dict[str, Any]:
    """Images per second of each, how far the ratio of times is from that of MACs, and each part."""
    watches = {name: Watch(subject.parts) for name, subject in pair.items()}
    found = in_turns({name: subject.run for name, subject in pair.items()}, rounds)
    medians = {name: each.median for name, each in found.items()}
    macs = {name: sum(subject.macs.values()) for name, subject in pair.items()}
    (ours, theirs), (our_macs, their_macs) = medians.values(), macs.values()
    predicted, measured = our_macs / their_macs, ours / theirs
    return {
        "images_per_second": {name: 1 / median for name, median in medians.items()},
        "seconds": {name: each.wall for name, each in found.items()},
        "macs": macs,
        "parts": {
            name: _parts(subject, watches[name], medians[name], rounds)
            for name, subject in pair.items()
        },
        "time_ratio_by_macs": predicted,
        "time_ratio_measured": measured,
        "off": measured / predicted - 1,
        "within": abs(measured / predicted - 1) <= WITHIN,
    }


def _parts(
    subject: Subject, watch: Watch, whole: float, rounds: int
) -> dict[str, dict[str, float]]:
    """Median seconds and MACs of each part, and of what is in none."""
    seconds = {
        name: statistics.median(taken[-rounds:]) for name, taken in watch.seconds.items() if taken
    }
    seconds["the rest"] = max(0.0, whole - sum(seconds.values()))
    return {
        name: {"seconds": taken, "macs": subject.macs.get(name, 0)}
        for name, taken in seconds.items()
    }


def text(found: Mapping[str, Mapping[str, Any]]) -> str:
    """For people."""
    lines = []
    for name, each in found.items():
        lines.append(f"{name}:")
        for network, pace in each["images_per_second"].items():
            gmacs = each["macs"][network] / 1e9
            lines.append(f"  {network}: {pace:.2f} images/s, {gmacs:.2f} GMACs")
            lines += [_part(part, taken) for part, taken in each["parts"][network].items()]
        lines.append(
            f"  time of the first over that of the second: {each['time_ratio_measured']:.2f}; by"
            f" MACs {each['time_ratio_by_macs']:.2f} ({each['off']:+.0%})"
        )
    return "\n".join(lines)


def _part(name: str, taken: Mapping[str, float]) -> str:
    milliseconds, gmacs = 1e3 * taken["seconds"], taken["macs"] / 1e9
    pace = f", {milliseconds / gmacs:.1f} ms/GMAC" if gmacs else ""
    return f"    {name}: {milliseconds:.1f} ms, {gmacs:.2f} GMACs{pace}"


def _operators(run: Call) -> str:
    run()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        run()
    table: str = found.key_averages().table(sort_by="self_cpu_time_total", row_limit=12)
    return table


if __name__ == "__main__":
    main()
