"""RetinaNet over our CMT-S against torchvision's over ResNet-50, and maps against a timm peer's.

    python -m benchmarks.backbones [--side 640] [--rounds 5] [--threads 2] [--json]
    python -m benchmarks.backbones --profile

All networks have random weights and eval mode, and run in turns on one image on this machine's
CPU, so that a change of speed meets all. Two comparisons, with MACs by the project's own count:

- detectors at `--side` pixels, with 91 classes: one forward pass from image to boxes. Boxes of
  random weights are few or many by chance, so that scores are asked to be 0.99: what comes after
  the heads is the same for both, and nearly nothing.
- maps: `model.features` against `timm.create_model(PEER, features_only=True)` at 224 pixels.

Take two threads or more: on one, torch sends some convolutions of a single image through a slow
implementation (`_slow_conv2d_forward` in the profile).

MACs predict a ratio of times; printed is how far the measured one is from it. Beyond 10 % the
profile says why: `--profile` prints the operators that take the most time in each network.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torchvision.models.detection import retinanet_resnet50_fpn

from workbench.cost import closed_form, network_cost
from workbench.cost.dense import detector_parts
from workbench.cost.record import collect
from workbench.cost.trace import trace_module
from workbench.cost.turns import Call, in_turns
from workbench.models import build, spec
from workbench.models.ops import Size
from workbench.tasks import detector

MODEL, PEER = "cmt_s", "resnet50"  # 4.04 and 4.09 G at 224 pixels
SIDE = 224  # of the images for maps
SURE = 0.99  # the least score of a box that is kept
WITHIN = 0.10


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    pairs = {"detectors": _detectors(given.side), "maps": _maps()}
    if given.profile:
        for runs, _ in pairs.values():
            for name, run in runs.items():
                print(name, _profiled(run), sep="\n")
        return
    found = {name: _compared(*pair, given.rounds) for name, pair in pairs.items()}
    facts = {"side": given.side, "threads": given.threads, "torch": torch.__version__, **found}
    print(json.dumps(facts, indent=2) if given.json else _text(found))


class _Raw(argparse.RawDescriptionHelpFormatter):
    """The text above as it stands."""


Pair = tuple[dict[str, Call], dict[str, int]]  # by name: one forward pass, and its MACs


def _detectors(side: int) -> Pair:
    ours = detector(MODEL, resize=None).eval()
    theirs = retinanet_resnet50_fpn(
        weights=None, weights_backbone=None, min_size=side, max_size=side
    ).eval()
    image, size = torch.rand(3, side, side), Size(side, side)
    names = {f"RetinaNet over {MODEL}": ours, "RetinaNet over ResNet-50": theirs}
    for model in names.values():
        model.score_thresh = SURE
    head = closed_form(spec(MODEL), size).by_stage["head"].macs
    bodies = [
        closed_form(spec(MODEL), size).macs - head,
        trace_module(theirs.backbone.body, "body", 3, size).macs,
    ]
    macs = {
        name: body + _rest(model, image, size)
        for (name, model), body in zip(names.items(), bodies, strict=True)
    }
    return {name: _of([image], model) for name, model in names.items()}, macs


def _rest(model: nn.Module, image: Tensor, size: Size) -> int:
    """MACs of pyramid and heads."""
    with torch.no_grad():
        maps = list(model.backbone.body(image[None]).values())  # type: ignore[operator, union-attr]
    return collect("", size, detector_parts(model, maps)).macs  # type: ignore[arg-type]


def _maps() -> Pair:
    ours = build(spec(MODEL)).eval()
    theirs = timm.create_model(PEER, features_only=True).eval()
    image, size = torch.rand(1, 3, SIDE, SIDE), Size(SIDE, SIDE)
    whole = closed_form(spec(MODEL))
    macs = {
        f"maps of {MODEL}": whole.macs - whole.by_stage["head"].macs,
        f"maps of timm:{PEER}": trace_module(theirs, PEER, 3, size).macs,
    }
    assert (
        abs(network_cost(f"timm:{PEER}").macs / whole.macs - 1) < 0.05
    )  # of equal cost, as a whole
    runs = (_of(image, ours.features), _of(image, theirs))
    return dict(zip(macs, runs, strict=True)), macs


def _of(given: object, model: Callable[[Any], object]) -> Call:
    @torch.inference_mode()
    def run() -> object:
        return model(given)

    return run


def _compared(runs: Mapping[str, Call], macs: Mapping[str, int], rounds: int) -> dict[str, Any]:
    """Images per second of each, and how far the ratio of times is from that of MACs."""
    found = in_turns(runs, rounds)
    medians = {name: each.median for name, each in found.items()}
    (ours, theirs), (our_macs, their_macs) = medians.values(), macs.values()
    predicted, measured = our_macs / their_macs, ours / theirs
    return {
        "images_per_second": {name: 1 / median for name, median in medians.items()},
        "seconds": {name: each.wall for name, each in found.items()},
        "macs": dict(macs),
        "time_ratio_by_macs": predicted,
        "time_ratio_measured": measured,
        "off": measured / predicted - 1,
        "within": abs(measured / predicted - 1) <= WITHIN,
    }


def _text(found: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name, each in found.items():
        lines.append(f"{name}:")
        for network, pace in each["images_per_second"].items():
            lines.append(
                f"  {network}: {pace:.2f} images/s, {each['macs'][network] / 1e9:.2f} GMACs"
            )
        lines.append(
            f"  time of the first over that of the second: {each['time_ratio_measured']:.2f}; by"
            f" MACs {each['time_ratio_by_macs']:.2f} ({each['off']:+.0%})"
        )
    return "\n".join(lines)


def _profiled(run: Call) -> str:
    run()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        run()
    table: str = found.key_averages().table(sort_by="self_cpu_time_total", row_limit=12)
    return table


if __name__ == "__main__":
    main()
