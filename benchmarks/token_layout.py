"""CMT-S against the same network in token layout with an explicit softmax.

    python -m benchmarks.token_layout [--model cmt_s] [--batch 4] [--rounds 5] [--json]

The other implementation keeps tokens (B, N, C) between the parts of a block, reshapes to a map
for every convolution and back (copies both ways), and computes softmax(q k^T) as a matrix: the
layout in which such networks are usually published. Both hold the same weights, their outputs
are compared first, and they run in turns, so that a change of speed meets both. Printed are the
medians of the ratios: forward in eval mode, and training step (forward, backward, no optimiser).
"""

import argparse
import json
from collections.abc import Callable

import torch
from torch import Tensor, nn

from workbench.cost.turns import in_turns
from workbench.models import Network, build, spec
from workbench.models.components.base import size_of
from workbench.models.network import Block


class TokenBlock(nn.Module):
    """The arithmetic of a `Block` on tokens (B, N, C)."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor, bias: Tensor, side: int) -> Tensor:
        block = self.block
        x = _tokens(block.lpu(_map(x, side)))
        x = x + self._attention(_layer_norm(block.norm1, x), bias, side)
        return x + _tokens(block.ffn(_map(_layer_norm(block.norm2, x), side)))

    def _attention(self, x: Tensor, bias: Tensor, side: int) -> Tensor:
        mixer = self.block.mixer
        heads, (batch, n, dim) = mixer.site.heads, x.shape
        q = mixer.q(x).reshape(batch, n, heads, -1).permute(0, 2, 1, 3)
        source = x if mixer.options.k == 1 else _tokens(mixer.reduce(_map(x, side)))
        kv = mixer.kv(source).reshape(batch, -1, 2, heads, dim // heads).permute(2, 0, 3, 1, 4)
        scores = (q @ kv[0].transpose(-2, -1)) * (dim // heads) ** -0.5 + bias
        y = (scores.softmax(-1) @ kv[1]).transpose(1, 2).reshape(batch, n, dim)
        return mixer.proj(y)


class TokenNetwork(nn.Module):
    """A CMT in token layout over the modules of a `Network` in contiguous memory."""

    def __init__(self, model: Network) -> None:
        super().__init__()
        self.model = model.to(memory_format=torch.contiguous_format)
        self.blocks = nn.ModuleList(
            nn.ModuleList(TokenBlock(block) for block in stage.blocks) for stage in model.stages
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.model.stem(x)
        for stage, blocks in zip(self.model.stages, self.blocks, strict=True):
            x = stage.downsample.conv(x)
            side = x.shape[2]
            t = _layer_norm(stage.downsample.norm, _tokens(x))
            for index, block in enumerate(blocks):
                t = block(t, stage.position.bias(index, size_of(x)), side)
            x = _map(t, side)
        return self.model.head(x)


def _map(t: Tensor, side: int) -> Tensor:
    return t.permute(0, 2, 1).reshape(t.shape[0], -1, side, side).contiguous()


def _tokens(x: Tensor) -> Tensor:
    return x.flatten(2).permute(0, 2, 1).contiguous()


def _layer_norm(norm: nn.LayerNorm, t: Tensor) -> Tensor:
    return nn.functional.layer_norm(t, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def _forward(model: nn.Module, images: Tensor) -> Callable[[], None]:
    def once() -> None:
        model.eval()
        with torch.no_grad():
            model(images)

    return once


def _step(model: nn.Module, images: Tensor) -> Callable[[], None]:
    def once() -> None:
        model.train()
        model.zero_grad(set_to_none=True)
        model(images).sum().backward()

    return once


def measure(name: str, batch: int, rounds: int) -> dict[str, float]:
    """Seconds per call of both, and how many times faster the workbench's network is."""
    ours = build(spec(name, "drop_path=0.0", "head.dropout=0.0"))
    other = TokenNetwork(build(ours.spec))
    images = torch.randn(batch, 3, ours.spec.resolution, ours.spec.resolution)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), other.eval()(images), atol=1e-3, rtol=1e-3)
    result: dict[str, float] = {}
    for kind, call in (("forward", _forward), ("training_step", _step)):
        calls = {"ours": call(ours, images), "tokens": call(other, images)}
        found = in_turns(calls, rounds)
        result[f"{kind}_seconds"] = found["ours"].median
        result[f"{kind}_token_layout_seconds"] = found["tokens"].median
        result[f"{kind}_ratio"], _ = found["ours"].faster(found["tokens"])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="cmt_s")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = measure(args.model, args.batch, args.rounds)
    if args.json:
        print(json.dumps({"model": args.model, "batch": args.batch, **result}))
        return
    threads = torch.get_num_threads()
    print(f"{args.model}, batch {args.batch}, {threads} threads, torch {torch.__version__}")
    for kind in ("forward", "training_step"):
        print(
            f"{kind:14} {result[f'{kind}_seconds']:.3f} s, "
            f"token layout {result[f'{kind}_token_layout_seconds']:.3f} s, "
            f"ratio {result[f'{kind}_ratio']:.2f}"
        )


if __name__ == "__main__":
    main()
