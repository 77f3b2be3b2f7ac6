"""A network, described: parts, stages, and what a plan may name in their place."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from workbench.config.fields import Classes, Depth, Frozen, Rate, Scalar, Width, digest

MAC = (  # what is counted, wherever counts are printed
    "1 MAC = one multiply-add of a convolution, a linear layer or an attention product, for one "
    "image"
)


class Part(Frozen):
    """The component chosen for a slot, with every option resolved."""

    name: str
    options: tuple[tuple[str, Scalar], ...] = ()

    def __str__(self) -> str:
        listed = ", ".join(f"{key}={value}" for key, value in self.options)
        return f"{self.name}({listed})" if listed else self.name


class Stage(Frozen):
    """One stage: `depth` blocks on a map of `dim` channels, `stride` times smaller than before."""

    depth: Depth
    dim: Width
    heads: Width
    stride: Width
    downsample: Part
    position: Part
    lpu: Part
    mixer: Part
    ffn: Part


class Spec(Frozen):
    """The whole description of one network. `wb.spec` makes it and checks that it can be built."""

    name: str
    resolution: Width
    channels: Width
    classes: Classes
    drop_path: Rate
    dropout: Rate
    stem: Part
    norm: Part
    conv_norm: Part
    act: Part
    head: Part
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=5)]

    def flat(self) -> dict[str, object]:
        """Dotted keys to values, without the name: what two specs are compared by."""
        return dict(_flatten("", self.model_dump(mode="json", exclude={"name"})))

    @property
    def identity(self) -> str:
        """SHA-256 of everything but the name."""
        return digest(self.model_dump(mode="json", exclude={"name"}))


TIMM = "timm:"  # before the name of a network of timm's


class Peer(Frozen):
    """A network of timm's, to be trained beside ours. `wb.spec("timm:NAME")` makes and tries it."""

    name: str
    timm: str
    resolution: Width
    channels: Width
    classes: Classes
    drop_path: Rate = 0.0
    dropout: Rate = 0.0
    stem: Literal["own", "small"] = "own"  # small: a 3 x 3 convolution at stride 1, no pooling
    patch: Width | None = None  # the side of a patch; None: timm's, as for the others
    depths: Annotated[tuple[Depth, ...], Field(max_length=8)] | Depth | None = None
    dims: Annotated[tuple[Width, ...], Field(max_length=8)] | Width | None = None

    def flat(self) -> dict[str, object]:
        """Keys to values, without the name: what two of them are compared by."""
        return self.model_dump(mode="json", exclude={"name"})

    @property
    def identity(self) -> str:
        """SHA-256 of everything but the name."""
        return digest(self.flat())


NetworkSpec = Spec | Peer


def _flatten(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and set(value) == {"name", "options"}:  # a Part
        yield prefix, value["name"]
        for key, option in value["options"]:
            yield f"{prefix}.{key}", option
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _flatten(f"{prefix}.{key}" if prefix else key, child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _flatten(f"{prefix}.{index}", child)
    else:
        yield prefix, value
