"""The sizes of a network that scaling changes, and how ideal sizes become whole ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, gcd, lcm
from typing import Literal

from workbench.config import Frozen, Part, Spec
from workbench.errors import InputError
from workbench.models.layout import layout

Way = Literal["nearest", "up", "down"]
Size = int | tuple[int, ...] | None
SLACK = 1e-9  # 3 * 1.2 is 3.5999...96: a size this near to a whole one is that one


class Rounding(Frozen):
    """The rounding rule.

    `depth` rounds each stage by itself; `total` rounds the sum, and shares it out by the largest
    remainders. `dim` goes to multiples of the heads (of the head's dimension where heads scale),
    `resolution` to multiples of what the strides and k need.

    Defaults follow the published CMT models: heads are 1, 2, 4, 8 in all four and their dimension
    grows, the projection head stays at 1280. The stem is half the first dimension in S and B, so
    that it scales; Ti and XS have 16 where that would be 23 and 26.
    """

    depth: Literal["nearest", "up", "down", "total"] = "nearest"
    dim: Way = "nearest"
    resolution: Way = "nearest"
    heads: Literal["keep", "scale"] = "keep"
    stem: Literal["keep", "scale"] = "scale"
    head: Literal["keep", "scale"] = "keep"


@dataclass(frozen=True, slots=True)
class Ideal:
    """Sizes before rounding."""

    resolution: float
    depth: tuple[float, ...]
    dim: tuple[float, ...]
    stem: float | None  # stem.dim, where the stem has one
    head: float | None  # head.dim, where the head has one


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of a network: side of the image, and per stage blocks, channels and heads."""

    resolution: int
    depth: tuple[int, ...]
    dim: tuple[int, ...]
    heads: tuple[int, ...]
    stem: int | None
    head: int | None

    def label(self, base: "Sizes") -> str:
        """A short name, the same for the same sizes of `base` and for no others."""
        heads = _label_of("heads", self.heads) if self.heads != base.heads else ""
        stem = f", stem {self.stem}" if self.stem != base.stem else ""
        head = f", head {self.head}" if self.head != base.head else ""
        sizes = _label_of("depth", self.depth) + _label_of("dim", self.dim) + heads
        return f"{sizes.removeprefix(', ')}, side {self.resolution}{stem}{head}"


def _label_of(name: str, sizes: tuple[int, ...]) -> str:
    return f", {name} {'-'.join(map(str, sizes))}"


class LostError(InputError):
    """A stage lost its last block, a dimension its last head, or the image its last position."""


def sizes_of(spec: Spec) -> Sizes:
    """The sizes of a spec."""
    return Sizes(
        resolution=spec.resolution,
        depth=tuple(stage.depth for stage in spec.stages),
        dim=tuple(stage.dim for stage in spec.stages),
        heads=tuple(stage.heads for stage in spec.stages),
        stem=_dim_option(spec.stem),
        head=_dim_option(spec.head),
    )


def _dim_option(part: Part) -> int | None:
    value = dict(part.options).get("dim")
    return value if isinstance(value, int) else None


def resize(base: Spec, sizes: Sizes, name: str) -> Spec:
    """`base` with other sizes. Raises `InputError` for one that can't be built."""
    stages = tuple(
        stage.model_copy(update={"depth": depth, "dim": dim, "heads": heads})
        for stage, depth, dim, heads in zip(
            base.stages, sizes.depth, sizes.dim, sizes.heads, strict=True
        )
    )
    changes = {
        "name": name,
        "resolution": sizes.resolution,
        "stages": stages,
        "stem": _with_dim(base.stem, sizes.stem),
        "head": _with_dim(base.head, sizes.head),
    }
    made = base.model_copy(update=changes)
    try:
        layout(made)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return made


def _with_dim(part: Part, dim: int | None) -> Part:
    if dim is None:
        return part
    options = tuple((key, dim if key == "dim" else value) for key, value in part.options)
    return part.model_copy(update={"options": options})


def changes(base: Sizes, sizes: Sizes) -> tuple[str, ...]:
    """What of `sizes` is not as in `base`, as overrides."""
    pairs: dict[str, tuple[Size, Size]] = {
        "resolution": (base.resolution, sizes.resolution),
        "depth": (base.depth, sizes.depth),
        "dim": (base.dim, sizes.dim),
        "heads": (base.heads, sizes.heads),
        "stem.dim": (base.stem, sizes.stem),
        "head.dim": (base.head, sizes.head),
    }
    return tuple(f"{key}={_text(new)}" for key, (old, new) in pairs.items() if new != old)


def _text(value: Size) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def resolution_unit(spec: Spec) -> int:
    """What a side must be a multiple of, for the strides and the reduction ratios k."""
    unit = stride = 1
    for stage in spec.stages:
        stride *= stage.stride
        k = dict(stage.mixer.options).get("k", 1)
        unit = lcm(unit, stride * (k if isinstance(k, int) else 1))
    return gcd(unit, spec.resolution)  # a network that pads needs less than the product


def dim_units(spec: Spec) -> tuple[int, ...]:
    """What each dimension must be a multiple of: the heads, and keys of a fixed dimension."""
    units = []
    for index, stage in enumerate(spec.stages):
        after = spec.stages[index + 1 : index + 2]
        parts = (stage.mixer, stage.downsample, *(following.downsample for following in after))
        keys = (dict(part.options).get("key_dim") for part in parts)
        unit = lcm(stage.heads, *(key for key in keys if isinstance(key, int)))
        units.append(gcd(unit, stage.dim))  # LeViT's heads need not divide its dimension
    return tuple(units)


# ---------------------------------------------------------------- rounding


def round_sizes(base: Spec, ideal: Ideal, rounding: Rounding) -> Sizes:
    """Whole sizes that can be built. Raises `LostError` where one of them is nothing."""
    old = sizes_of(base)
    depth = _depths(ideal.depth, rounding.depth)
    dim, heads = _dims(old, ideal.dim, dim_units(base), rounding)
    side = to_multiple(ideal.resolution, resolution_unit(base), rounding.resolution)
    if side == 0:
        raise LostError(
            f"resolution: {ideal.resolution:.3g} rounds to nothing; it must be a multiple of "
            f"{resolution_unit(base)}"
        )
    stem, head = ideal.stem, ideal.head
    return Sizes(
        resolution=side,
        depth=depth,
        dim=dim,
        heads=heads,
        stem=old.stem if stem is None else max(1, to_multiple(stem, 1, rounding.dim)),
        head=old.head if head is None else max(1, to_multiple(head, 1, rounding.dim)),
    )


def to_multiple(value: float, unit: int, way: Way) -> int:
    """`value` as a multiple of `unit`; halves go up."""
    ways: dict[Way, Callable[[float], int]] = {
        "nearest": lambda x: floor(x + 0.5 + SLACK),
        "up": lambda x: ceil(x - SLACK),
        "down": lambda x: floor(x + SLACK),
    }
    return ways[way](value / unit) * unit


def _depths(
    ideal: Sequence[float], way: Literal["nearest", "up", "down", "total"]
) -> tuple[int, ...]:
    found = _shared(ideal) if way == "total" else [to_multiple(each, 1, way) for each in ideal]
    for stage, (wanted, depth) in enumerate(zip(ideal, found, strict=True)):
        if depth == 0:
            raise LostError(
                f"depth[{stage}]: {wanted:.3g} of a block rounds to none, so that stage {stage} "
                "loses its last block"
            )
    return tuple(found)


def _shared(ideal: Sequence[float]) -> list[int]:
    """The rounded sum, shared out by the largest remainders (Hamilton's method)."""
    depths = [floor(each + SLACK) for each in ideal]
    left = to_multiple(sum(ideal), 1, "nearest") - sum(depths)
    by_remainder = sorted(range(len(ideal)), key=lambda stage: depths[stage] - ideal[stage])
    for stage in by_remainder[:left]:
        depths[stage] += 1
    return depths


def _dims(
    old: Sizes, ideal: Sequence[float], units: Sequence[int], rounding: Rounding
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    dims, counts = [], []
    for stage, wanted in enumerate(ideal):
        heads, width = old.heads[stage], max(1, old.dim[stage] // old.heads[stage])
        scale_heads = rounding.heads == "scale"
        unit = lcm(width, units[stage] // gcd(units[stage], heads)) if scale_heads else units[stage]
        dim = to_multiple(wanted, unit, rounding.dim)
        if dim == 0:
            raise LostError(
                f"dim[{stage}]: {wanted:.3g} channels round to none for {heads} heads of stage "
                f"{stage}, so that it loses its last head"
            )
        dims.append(dim)
        counts.append(dim // width if scale_heads else heads)
    return tuple(dims), tuple(counts)
