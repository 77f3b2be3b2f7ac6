"""From a spec to what stands where: one walk that both the network and the closed form follow."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Generic

from typing_extensions import TypeVar

from workbench.config import Part, Spec, Stage
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.base import NEEDS_MAP, Component, Options, Site
from workbench.models.components.downsample import Downsample
from workbench.models.components.head import Head
from workbench.models.components.mixer import Mixer
from workbench.models.components.norm import norm_ops
from workbench.models.components.position import Position
from workbench.models.components.stem import Stem
from workbench.models.ops import Op, Size, square
from workbench.models.registry import lookup, options_of

C = TypeVar("C", bound=Component, covariant=True, default=Component)


@dataclass(frozen=True, slots=True)
class Placed(Generic[C]):
    """A component at its site."""

    slot: str
    name: str
    component: type[C]
    site: Site
    options: Options

    def build(self) -> C:
        """A new module."""
        return self.component(self.site, self.options)

    def ops(self) -> Iterator[Op]:
        """Its operators for one image."""
        return self.component.ops(self.site, self.options)


@dataclass(frozen=True, slots=True)
class StageLayout:
    """One stage: what stands on entry, and what stands in each of its `depth` blocks."""

    depth: int
    site: Site
    downsample: Placed[Downsample]
    position: Placed[Position]
    lpu: Placed
    mixer: Placed[Mixer]
    ffn: Placed

    def norm_ops(self) -> Iterator[Op]:
        """The two norms of one block."""
        for _ in range(2):
            yield from norm_ops(self.site.norm, self.site.dim, self.site.length)

    def token_ops(self) -> Iterator[Op]:
        """The tokens that run beside the map, which start in the first stage."""
        if self.site.stage == 0 and self.site.tokens:
            yield ops.table(self.site.tokens * self.site.dim)


@dataclass(frozen=True, slots=True)
class Axis:
    """How the height, or the width, of an image becomes those of the maps."""

    first: int  # the stride of the first stage, which must divide the image
    stem: int  # the stem's part of it
    steps: tuple[tuple[int, Callable[[int, int], int]], ...]  # by stage: stride, what leaves

    def sides(self, side: int) -> list[int] | None:
        """Of the map that leaves the stem and of each stage's; None if a stride does not divide."""
        if side < 1 or side % self.first:
            return None
        found = [side // self.stem]
        for stride, leaves in self.steps:
            last = found[-1]
            found.append(leaves(last, stride))
            if last % stride and found[-1] == last // stride:  # neither divided nor rounded up
                return None
        return found

    def nearest(self, side: int) -> list[int]:
        """The nearest sides that the strides divide."""
        below = (n for n in range(side - 1, 0, -1) if self.sides(n))
        above = (n for n in range(max(side + 1, 1), side + FAR) if self.sides(n))
        return [n for n in (next(below, None), next(above, None)) if n is not None]


FAR = 1024  # pixels within which sides that fit are looked for


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole network."""

    spec: Spec
    stem: Placed[Stem]
    stages: tuple[StageLayout, ...]
    head: Placed[Head]

    def axis(self) -> Axis:
        """How one side of an image shrinks."""
        entry = self.stages[0].downsample.site.side_in
        steps = []
        for stage in self.stages:
            entered = stage.downsample
            steps.append((entered.site.stride, entered.component.out_side))
        return Axis(self.spec.stages[0].stride, self.spec.resolution // entry, tuple(steps))

    def at(self, image: Size) -> "Layout":
        """The same network as it runs on images of another size; its tables are resized there."""
        maps = map_sizes(self.axis(), image)
        stem = replace(self.stem.site, size_in=image, size=_first(image, self.stem.site))
        stages = tuple(
            _stage_at(stage, *pair) for stage, pair in zip(self.stages, pairwise(maps), strict=True)
        )
        head = replace(self.head.site, size=maps[-1])
        return replace(self, stem=_at(self.stem, stem), stages=stages, head=_at(self.head, head))


def map_sizes(axis: Axis, image: Size) -> list[Size]:
    """Of the map that leaves the stem and of each stage's; `InputError` where strides refuse."""
    heights, widths = axis.sides(image.height), axis.sides(image.width)
    if heights is None or widths is None:
        wrong = image.height if heights is None else image.width
        near = ", ".join(str(side) for side in axis.nearest(wrong))
        raise InputError(
            f"the network's strides do not divide the side {wrong} of an image of {image}; "
            f"nearest: {near}",
            key="resolution",
        )
    return [Size(*pair) for pair in zip(heights, widths, strict=True)]


def _stage_at(stage: StageLayout, entry: Size, size: Size) -> StageLayout:
    mixer = stage.mixer
    keys = Size(*(mixer.component.key_side(side, mixer.options) for side in size))
    site = replace(mixer.site, size_in=size, size=size, key_size=keys)
    return replace(
        stage,
        site=site,
        downsample=_at(stage.downsample, replace(stage.downsample.site, size_in=entry, size=size)),
        position=_at(stage.position, site),
        lpu=_at(stage.lpu, site),
        mixer=_at(mixer, site),
        ffn=_at(stage.ffn, site),
    )


def _at(placed: Placed[C], site: Site) -> Placed[C]:
    return replace(placed, site=site)


def _first(image: Size, stem: Site) -> Size:
    """The map of the first stage, which a stem that embeds leaves."""
    return Size(*(max(1, side // stem.stride) for side in image))


def layout(spec: Spec) -> Layout:
    """Places every component of `spec`; an `InputError` says which one can't work and why."""
    head_class: type[Head] = lookup("head", spec.head.name)
    stem = _stem(spec)
    stages: list[StageLayout] = []
    dim, side = _leaves(stem, spec)
    for index, stage in enumerate(spec.stages):
        entry = _entry(spec, stem, stage, index, dim, side, head_class.extra_tokens)
        stages.append(_stage(stage, entry))
        dim, side = stage.dim, entry.side
    head = _place(Head, "head", spec.head, replace(stages[-1].site, classes=spec.classes))
    return Layout(spec, stem, tuple(stages), head)


def _stem(spec: Spec) -> Placed[Stem]:
    first = spec.stages[0]
    site = Site(
        dim_in=spec.channels,
        dim=first.dim,
        size_in=square(spec.resolution),
        size=square(max(1, spec.resolution // first.stride)),
        stride=first.stride,
        heads=first.heads,
        depth=first.depth,
        stage=0,
        key_size=square(0),
        tokens=0,
        classes=spec.classes,
        dropout=spec.dropout,
        norm=spec.norm,
        conv_norm=spec.conv_norm,
        act=spec.act,
    )
    if spec.resolution % first.stride:
        raise InputError(
            f"the stride {first.stride} of stage 0 does not divide {spec.resolution}; "
            f"{_nearest_multiples(spec.resolution, first.stride)}",
            key="resolution",
        )
    return _place(Stem, "stem", spec.stem, site)


def _nearest_multiples(value: int, stride: int) -> str:
    below = value // stride * stride
    nearest = [str(side) for side in (below, below + stride) if side > 0]
    return f"nearest: {', '.join(nearest)}"


def _leaves(stem: Placed[Stem], spec: Spec) -> tuple[int, int]:
    """Channels and side that leave the stem."""
    reduction = stem.component.reduction(stem.site, stem.options)
    return stem.component.width(stem.site, stem.options), spec.resolution // reduction


def _entry(
    spec: Spec, stem: Placed[Stem], stage: Stage, index: int, dim: int, side: int, tokens: int
) -> Site:
    """The site of a stage's downsample."""
    done = stem.component.reduction(stem.site, stem.options) if index == 0 else 1
    stride = stage.stride // done
    if index and side % stride and spec.stages[index].downsample.name == "conv":
        total = spec.resolution // side * stride
        raise InputError(
            f"{spec.resolution} leaves stage {index} a map of side {side}, which its "
            f"stride {stride} does not divide; {_nearest_multiples(spec.resolution, total)}",
            key="resolution",
        )
    kind: type[Downsample] = lookup("downsample", stage.downsample.name)
    return replace(
        stem.site,
        dim_in=dim,
        dim=stage.dim,
        size_in=square(side),
        size=square(kind.out_side(side, stride)),
        stride=stride,
        heads=stage.heads,
        depth=stage.depth,
        stage=index,
        tokens=tokens,
    )


def _stage(stage: Stage, entry: Site) -> StageLayout:
    inside = replace(entry, dim_in=stage.dim, size_in=entry.size, stride=1)
    mixer_class: type[Mixer] = lookup("mixer", stage.mixer.name)
    keys = mixer_class.key_side(entry.side, _options("mixer", stage.mixer))
    site = replace(inside, key_size=square(keys))
    placed = StageLayout(
        depth=stage.depth,
        site=site,
        # The mixer comes first, for positions take its map of keys.
        mixer=_place(Mixer, "mixer", stage.mixer, site),
        downsample=_place(Downsample, "downsample", stage.downsample, entry),
        position=_place(Position, "position", stage.position, site),
        lpu=_place(Component, "lpu", stage.lpu, site),
        ffn=_place(Component, "ffn", stage.ffn, site),
    )
    _check_bias(placed)
    return placed


def _check_bias(stage: StageLayout) -> None:
    if stage.position.component.biases and not stage.mixer.component.takes_bias:
        raise InputError(
            f"{stage.position.name!r} gives a bias that mixer={stage.mixer.name} of "
            f"stage {stage.site.stage} can't take; use 'none' or 'absolute' there",
            key="position",
        )


def _place(kind: type[C], slot: str, part: Part, site: Site) -> Placed[C]:
    """`kind` is what the components of the slot have in common."""
    component: type[C] = lookup(slot, part.name)
    options = _options(slot, part)
    if (error := component.refuse(site, options)) is not None:
        raise error
    if component.spatial and site.tokens:
        raise InputError(f"{part.name!r} {NEEDS_MAP}", key=slot)
    return Placed(slot, part.name, component, site, options)


@lru_cache(maxsize=4096)
def _options(slot: str, part: Part) -> Options:
    return options_of(slot, part.name).model_validate(dict(part.options))
