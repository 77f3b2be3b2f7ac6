"""Block, stage, network."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.fx import Proxy
from torch.utils.checkpoint import checkpoint

from workbench.config import NetworkSpec, Spec
from workbench.errors import InputError
from workbench.models.components.base import Component, size_of
from workbench.models.components.head.base import Head
from workbench.models.components.norm import make_norm
from workbench.models.init import initialise
from workbench.models.layout import Layout, StageLayout, layout, map_sizes
from workbench.models.ops import Size


class Box(NamedTuple):
    """Rows from `top` to `bottom`, columns from `left` to `right`, without the latter."""

    top: int
    left: int
    bottom: int
    right: int

    def times(self, scale: int) -> "Box":
        """The same box on a map so many times finer."""
        return Box(*(scale * edge for edge in self))

    @property
    def area(self) -> int:
        """Positions within."""
        return (self.bottom - self.top) * (self.right - self.left)


def exchange(maps: Tensor, box: Box) -> Tensor:
    """Maps (B, C, H, W) whose positions in `box` are those of their mirror in the batch."""
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    mixed = maps.clone()
    mixed[:, :, rows, columns] = maps.flip(0)[:, :, rows, columns]
    return mixed


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
    """Downsample, then blocks on a map (B, dim, H, W)."""

    def __init__(self, stage: StageLayout, drop_paths: list[float]) -> None:
        super().__init__()
        self.downsample = stage.downsample.build()
        self.position = stage.position.build()
        self.blocks = nn.ModuleList(Block(stage, rate) for rate in drop_paths)
        self.checkpointing = False  # blocks are run again in the backward pass, to save memory

    def forward(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Tokens (1, C, T, 1) turn the map into a sequence (B, C, T + H * W, 1) on entry."""
        x = self.downsample(x)
        size = size_of(x)
        if tokens is not None:
            x = _sequence(tokens, x)
        x = self.position.enter(x, size)
        for index, block in enumerate(self.blocks):
            bias = self.position.bias(index, size)
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, bias, use_reentrant=False)
            else:
                x = block(x, bias)
        return x


def _sequence(tokens: Tensor, x: Tensor) -> Tensor:
    batch = x.shape[0]
    rows = [tokens.expand(batch, -1, -1, -1), x.flatten(2)[..., None]]
    return torch.cat(rows, 2).contiguous(memory_format=torch.channels_last)


class FeatureInfo(NamedTuple):
    """One map of `Network.features`."""

    channels: int
    stride: int  # of the image over the map
    module: str  # that gives it


class Network(nn.Module):
    """Images (B, channels, H, W) -> logits (B, classes).

    Built for the square images of its spec, it runs on any height and width that its strides
    divide, and refuses others with an `InputError` that names the nearest. There, position tables
    are resized, and kept while size and weights stay; a map of keys that its reduction k does not
    divide is padded (see `Reduce` of the mixer lmhsa).
    """

    def __init__(self, plan: Layout) -> None:
        super().__init__()
        self.spec = plan.spec
        self.axis = plan.axis()
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

    def features(self, x: Tensor, out_indices: Sequence[int] | None = None) -> list[Tensor]:
        """One map per stage: [(B, C1, H1, W1), (B, C2, H2, W2), ...], class tokens left out.

        `out_indices` chooses stages, from the end where negative; those after the last chosen one
        do not run. `InputError` for one out of range.
        """
        chosen = self.stage_indices(out_indices)
        sizes = map_sizes(self.axis, size_of(x))[1:]
        maps = self._stages(x, max(chosen) + 1)
        return [self.to_map(maps[index], sizes[index]) for index in chosen]

    @property
    def feature_info(self) -> tuple[FeatureInfo, ...]:
        """What `features` gives, stage by stage."""
        stride, found = 1, []
        for index, stage in enumerate(self.spec.stages):
            stride *= stage.stride
            found.append(FeatureInfo(stage.dim, stride, f"stages.{index}"))
        return tuple(found)

    def stage_indices(self, out_indices: Sequence[int] | None) -> list[int]:
        """`out_indices` counted from the first stage; None: all of them."""
        count = len(self.spec.stages)
        given = range(count) if out_indices is None else out_indices
        for index in given:
            if not -count <= index < count:
                raise InputError(
                    f"{index} is out of range; choose from {-count} to {count - 1}",
                    key="out_indices",
                )
        if not given:
            raise InputError(f"it is empty; choose from {-count} to {count - 1}", key="out_indices")
        return [index % count for index in given]

    def to_map(self, x: Tensor, size: Size) -> Tensor:
        """What leaves a stage as a map (B, C, *size): a sequence (B, C, T + n, 1), or one as is."""
        tokens = self.token.shape[2] if self.token is not None else 0
        return x[:, :, tokens:].reshape(*x.shape[:2], *size) if tokens else x

    def parts(self, x: Tensor, exchanged: Box | None = None) -> tuple[Tensor, ...]:
        """The logits before the head combines them: for distillation and token labelling.

        One tensor (B, classes) for most heads; see those of `distilled` and `class_attention`.
        The positions of the last map in `exchanged` are exchanged behind the stem, each image's
        for those of its mirror in the batch (VOLO's mix-token).
        """
        return self.head.parts(self._stages(x, exchanged=exchanged)[-1])

    def pooled(self, x: Tensor) -> Tensor:
        """What the classifier reads of images: (B, features)."""
        return self.head.pooled(self._stages(x)[-1])

    def map_size(self, x: Tensor) -> Size:
        """Height and width of the last map that images `x` lead to."""
        return map_sizes(self.axis, size_of(x))[-1]

    def classifiers(self) -> tuple[str, ...]:
        """Paths of the linear layers that give the logits."""
        return tuple(f"head.{path}" for path in self.head.classifiers(self.head.options))

    @property
    def taught(self) -> bool:
        """Whether the second of its `parts` is for a teacher."""
        return isinstance(self.head, Head) and self.head.taught

    @property
    def dense(self) -> bool:
        """Whether the second of its `parts` has logits (B, classes, H, W), for each position."""
        return getattr(self.head, "dense", None) is not None

    def _stages(
        self, x: Tensor, count: int | None = None, exchanged: Box | None = None
    ) -> list[Tensor]:
        """What leaves each of the first `count` stages."""
        if not isinstance(x, Proxy):  # torch.fx traces without sizes
            last = self.map_size(x)  # refuses what strides do not divide
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        if exchanged is not None:
            x = exchange(x, exchanged.times(x.shape[2] // last.height))
        maps = []
        for index, stage in enumerate(self.stages[:count]):
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

    def group_matcher(self, coarse: bool = False) -> dict[str, object]:
        """How parameters fall into layers, by name; as timm asks for it."""
        blocks = [
            (r"^stages\.(\d+)\.(?:downsample|position)", (0,)),
            (r"^stages\.(\d+)\.blocks\.(\d+)", None),
        ]
        return {"stem": r"^(?:stem|token)", "blocks": r"^stages\.(\d+)" if coarse else blocks}


def build(spec: Spec, seed: int = 0) -> Network:
    """The network of `spec`, initialised from `seed`; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        model = Network(layout(spec))
    initialise(model, seed)
    return model.to(memory_format=torch.channels_last)


def fingerprint(spec: Spec, head: bool = True) -> str:
    """A text that is equal for two specs whose networks are the same modules and parameters.

    Without its head a network is what gives maps to a detector or a segmenter.
    """
    with torch.device("meta"):
        model = Network(layout(spec))
    if not head:
        model.add_module("head", nn.Identity())
    return module_text(spec, model)


def module_text(spec: NetworkSpec, model: nn.Module) -> str:
    """What `model`, the network of `spec`, is made of: its input, modules and parameters."""
    shapes = [f"{name} {tuple(p.shape)}" for name, p in model.named_parameters()]
    return "\n".join([f"input {spec.channels} x {spec.resolution}", repr(model), *shapes])
