"""Block, stage, network."""

import torch
from torch import Tensor, nn

from workbench.config import Spec
from workbench.models.components.base import Component
from workbench.models.components.norm import make_norm
from workbench.models.init import initialise
from workbench.models.layout import Layout, StageLayout, layout


class DropPath(nn.Module):
    """Drops the whole branch of an image with probability `rate` (stochastic depth)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0.0:
            return x
        keep = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(1 - self.rate)
        return x * keep.div_(1 - self.rate)

    def extra_repr(self) -> str:
        return f"rate={self.rate:g}"


class Block(nn.Module):
    """y = LPU(x); y = y + mixer(norm(y)); y + FFN(norm(y)). Source: section 3.2 of the paper."""

    def __init__(self, stage: StageLayout, drop_path: float) -> None:
        super().__init__()
        self.lpu = stage.lpu.build()
        self.norm1 = make_norm(stage.site.norm, stage.site.dim)
        self.mixer = stage.mixer.build()
        self.norm2 = make_norm(stage.site.norm, stage.site.dim)
        self.ffn = stage.ffn.build()
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        x = self.lpu(x)
        y: Tensor = x + self.drop_path(self.mixer(self.norm1(x), bias))
        y = y + self.drop_path(self.ffn(self.norm2(y)))
        return y


class StageModule(nn.Module):
    """Downsample, then blocks on a map (B, dim, side, side)."""

    def __init__(self, stage: StageLayout, drop_paths: list[float]) -> None:
        super().__init__()
        self.downsample = stage.downsample.build()
        self.position = stage.position.build()
        self.blocks = nn.ModuleList(Block(stage, rate) for rate in drop_paths)

    def forward(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Tokens (1, C, T, 1) turn the map into a sequence (B, C, T + H * W, 1) on entry."""
        x = self.downsample(x)
        side = x.shape[2]
        if tokens is not None:
            x = _sequence(tokens, x)
        x = self.position.enter(x)  # type: ignore[operator]
        for index, block in enumerate(self.blocks):
            x = block(x, self.position.bias(index, side))  # type: ignore[operator]
        return x


def _sequence(tokens: Tensor, x: Tensor) -> Tensor:
    batch = x.shape[0]
    rows = [tokens.expand(batch, -1, -1, -1), x.flatten(2)[..., None]]
    return torch.cat(rows, 2).contiguous(memory_format=torch.channels_last)


class Network(nn.Module):
    """Images (B, channels, R, R) -> logits (B, classes)."""

    def __init__(self, plan: Layout) -> None:
        super().__init__()
        self.spec = plan.spec
        self.stem = plan.stem.build()
        total = sum(stage.depth for stage in plan.stages)
        ramp = torch.linspace(0, plan.spec.drop_path, total, device="cpu").tolist()  # by block
        self.stages = nn.ModuleList()
        for stage in plan.stages:
            self.stages.append(StageModule(stage, ramp[: stage.depth]))
            ramp = ramp[stage.depth :]
        first = plan.stages[0].site
        self.token = (
            nn.Parameter(torch.empty(1, first.dim, first.tokens, 1)) if first.tokens else None
        )
        self.head = plan.head.build()

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self._stages(x)[-1])
        return logits

    def features(self, x: Tensor) -> list[Tensor]:
        """One map per stage: [(B, C1, H1, W1), (B, C2, H2, W2), ...], class tokens left out."""
        tokens = self.token.shape[2] if self.token is not None else 0
        maps = list(self._stages(x))
        return [_to_map(x, tokens) if tokens else x for x in maps]

    def parts(self, x: Tensor) -> tuple[Tensor, ...]:
        """The logits before the head combines them: for distillation and token labelling.

        One tensor (B, classes) for most heads; see those of `distilled` and `class_attention`.
        """
        parts: tuple[Tensor, ...] = self.head.parts(self._stages(x)[-1])  # type: ignore[operator]
        return parts

    def _stages(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        maps = []
        for index, stage in enumerate(self.stages):
            x = stage(x, self.token if index == 0 else None)
            maps.append(x)
        return maps

    def tables(self) -> dict[str, float]:
        """The class token, drawn as DeiT draws it; components have tables of their own."""
        return {"token": 0.02} if self.token is not None else {}

    def no_weight_decay(self) -> set[str]:
        """Names of the tables and tokens, which weight decay leaves alone like norms and biases."""
        names = set(self.tables())
        for path, module in self.named_modules():
            if isinstance(module, Component):
                names |= {f"{path}.{name}" for name in module.tables()}
        return names


def _to_map(x: Tensor, tokens: int) -> Tensor:
    """A sequence (B, C, T + H * H, 1) as the map (B, C, H, H)."""
    rows = x[:, :, tokens:, 0]
    side = round(rows.shape[2] ** 0.5)
    return rows.reshape(*rows.shape[:2], side, side)


def build(spec: Spec, seed: int = 0) -> Network:
    """The network of `spec`, initialised from `seed`; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        model = Network(layout(spec))
    initialise(model, seed)
    return model.to(memory_format=torch.channels_last)


def fingerprint(spec: Spec) -> str:
    """A text that is equal for two specs whose networks are the same modules and parameters."""
    with torch.device("meta"):
        model = Network(layout(spec))
    shapes = [f"{name} {tuple(p.shape)}" for name, p in model.named_parameters()]
    return "\n".join([f"input {spec.channels} x {spec.resolution}", repr(model), *shapes])
