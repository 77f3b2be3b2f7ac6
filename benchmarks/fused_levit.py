"""Fused LeViT-192 against EfficientNet-B2: the LeViT paper's claim of speed on a CPU.

    python -m benchmarks.fused_levit [--batch 16] [--threads 1] [--rounds 5] [--json]

The claim: at 80 % top-1 on ImageNet, LeViT is 5 times faster than EfficientNet on a CPU. Protocol
as in facebookresearch/LeViT speed_test.py: one thread, batches of 16, weights without meaning, CPU
seconds rather than those of the clock. The networks run in turns, so that a change of the machine's
speed meets all. Printed are images per second by the median round: LeViT-192 at 224 pixels as it is
built and after `wb.fuse`, and timm's EfficientNet-B2 at 260 pixels as timm builds it (contiguous
memory), in channels_last, and in channels_last without its norms, which is what folding them would
give at best (LeViT's own test takes them away). The ratio is the fused LeViT to EfficientNet as
timm builds it, and beside it to the fastest of the three. A ratio of 5 or more is the claim.
"""

import argparse
import json
import statistics
from collections.abc import Mapping
from functools import partial

import timm
import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

from workbench.cost.turns import in_turns
from workbench.models import build, fuse, spec

LEVIT, FUSED = "levit_192", "levit_192 fused"
TIMM = "efficientnet_b2"
TIMM_LAST = f"{TIMM} channels_last"
TIMM_BARE = f"{TIMM_LAST}, no norms"


def networks(batch: int) -> Mapping[str, tuple[nn.Module, Tensor]]:
    """Each network with a batch of its resolution."""
    levit = build(spec("levit_192")).eval()
    small, large = torch.randn(batch, 3, 224, 224), torch.randn(batch, 3, 260, 260)
    last = large.to(memory_format=torch.channels_last)
    other, other_last, bare = (timm.create_model(TIMM).eval() for _ in range(3))
    other_last.to(memory_format=torch.channels_last)
    _drop_norms(bare.to(memory_format=torch.channels_last))
    fused = fuse(levit)
    with torch.inference_mode():
        torch.testing.assert_close(fused(small[:2]), levit(small[:2]), atol=1e-5, rtol=1e-5)
    return {
        LEVIT: (levit, small),
        FUSED: (fused, small),
        TIMM: (other, large),
        TIMM_LAST: (other_last, last),
        TIMM_BARE: (bare, last),
    }


def _drop_norms(network: nn.Module) -> None:
    """Leaves the activation that timm keeps within a norm."""
    for path, module in list(network.named_modules()):
        if isinstance(module, BatchNormAct2d):
            network.set_submodule(path, module.act)


def measure(batch: int, threads: int, rounds: int) -> dict[str, float]:
    """Images per second of each network; of CPU seconds where there is one thread."""
    torch.set_num_threads(threads)
    runs = networks(batch)
    with torch.inference_mode():
        calls = {name: partial(network, images) for name, (network, images) in runs.items()}
        found = in_turns(calls, rounds)
    seconds = {name: each.cpu if threads == 1 else each.wall for name, each in found.items()}
    return {name: batch / statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    speed = measure(args.batch, args.threads, args.rounds)
    ratio = speed[FUSED] / speed[TIMM]
    strict = speed[FUSED] / max(speed[name] for name in (TIMM, TIMM_LAST, TIMM_BARE))
    if args.json:
        print(json.dumps({"images_per_second": speed, "ratio": ratio, "ratio_to_fastest": strict}))
        return
    print(f"batch {args.batch}, {args.threads} threads, torch {torch.__version__}")
    for name, value in speed.items():
        print(f"{name:40} {value:8.1f} images/s")
    print(f"fused LeViT-192 / EfficientNet-B2: {ratio:.2f} as timm builds it, {strict:.2f} at best")


if __name__ == "__main__":
    main()
