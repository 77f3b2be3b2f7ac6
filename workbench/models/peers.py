"""Networks of timm's, trained beside ours: no part of them is a slot, only their sizes are options.

Nothing is downloaded: their weights are drawn from the run's seed by timm's own initialisation.
"""

import inspect
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from workbench.config import TIMM, Peer
from workbench.errors import InputError, first_line, nearest, unknown, unknown_key
from workbench.models.network import FeatureInfo
from workbench.models.ops import Size
from workbench.models.spec import parse_overrides, refuse_beside
from workbench.parsing import parse

FIELDS = ("resolution", "classes", "drop_path", "dropout")  # as in every network
OPTIONS = ("stem", "patch", "depths", "dims")  # with `timm.` before them
ARGUMENTS: Mapping[str, Sequence[str]] = {  # what the families of timm call them
    "patch": ("patch_size",),
    "depths": ("depths", "layers", "depth"),
    "dims": ("dims", "channels", "embed_dims", "embed_dim"),
    "drop_path": ("drop_path_rate",),
    "dropout": ("drop_rate",),
}
REFUSALS = (AssertionError, RuntimeError, ValueError, TypeError, IndexError, AttributeError)


def is_timm(name: str) -> bool:
    """Whether a network's name is that of one of timm's."""
    return name.startswith(TIMM)


def timm_name(name: str) -> str:
    """`resnet18` of `timm:resnet18`; `InputError` for what timm has not, or would download."""
    import timm

    model = name.removeprefix(TIMM)
    if ":" in model or "/" in model:
        raise InputError(
            f"{name!r} is refused: its configuration would be downloaded; name one of timm's own, "
            "such as timm:resnet18",
            key="model",
        )
    if not timm.is_model(model):
        raise unknown("timm", model, timm.list_models())
    plain = model.partition(".")[0]
    if plain != model:
        raise InputError(
            f"{name!r} is refused: {model.partition('.')[2]!r} names weights, which would be "
            f"downloaded; rows are trained from the beginning: {TIMM}{plain}",
            key="model",
        )
    return plain


def timm_input(name: str) -> tuple[int, Size]:
    """Channels and size that timm's configuration of the weights names."""
    import timm

    model = name.removeprefix(TIMM)
    if not timm.is_model(model):
        raise unknown("timm", model, timm.list_models())
    config = timm.get_pretrained_cfg(model, allow_unregistered=False)
    if config is None:
        raise InputError(f"timm: {model!r} has no configuration that names its input")
    channels, *size = config.input_size
    return channels, Size(*size)


def timm_model(name: str, size: Size, **options: Any) -> nn.Module:
    """A timm model for images of `size`; one whose tables have a fixed size is built for it."""
    import timm

    model = name.removeprefix(TIMM)
    if timm_input(name)[1] != size:
        try:
            made: nn.Module = timm.create_model(model, img_size=tuple(size), **options)
        except TypeError:  # a network without tables takes any size and no `img_size`
            pass
        else:
            return made
    made = timm.create_model(model, **options)
    return made


def timm_maps(name: str, size: Size) -> tuple[nn.Module, tuple[FeatureInfo, ...]]:
    """A timm model that gives its maps of images of `size`, as `features_only` has it, and what
    they are. Raises `InputError` for a name that timm has not, and one without maps."""
    from timm.models import FeatureInfo as Told

    timm_name(name)
    try:
        made = timm_model(name, size, features_only=True)
    except REFUSALS as error:
        raise InputError(
            f"{name!r} has no maps for images of {size}: {first_line(error)}", key="model"
        ) from None
    told = made.feature_info
    assert isinstance(told, Told)
    found = zip(told.channels(), told.reduction(), told.module_name(), strict=True)
    return made, tuple(FeatureInfo(*each) for each in found)


def peer(base: str, *overrides: str, **fields: float | None) -> Peer:
    """The description of `timm:NAME` with overrides such as `resolution=32`, `timm.stem=small`.

    Raises `InputError` for a name that timm has not, or whose weights or configuration would have
    to be downloaded; for a key or value that is unknown or that this network does not have; and for
    a resolution that it can't take.
    """
    model = timm_name(base)
    written, given = parse_overrides(overrides), {k: v for k, v in fields.items() if v is not None}
    refuse_beside(written, given)
    channels, size = timm_input(base)
    data: dict[str, Any] = {"resolution": size.height, "classes": 1000, "channels": channels}
    data |= {"name": " ".join([base, *overrides]), "timm": model}
    for key, value in {**written, **given}.items():
        data[_field(key)] = tuple(value) if isinstance(value, list) else value
    made = parse(Peer, data, "")
    _try(made)
    return made


def _field(key: str) -> str:
    prefix, dot, option = key.partition(".")
    if key in FIELDS or (prefix == "timm" and option in OPTIONS):
        return option if dot else key
    keys = [*FIELDS, *(f"timm.{each}" for each in OPTIONS)]
    if prefix == "timm" and option == "pretrained":
        raise InputError(
            "is refused: the weights would be downloaded; rows are trained from the beginning",
            key=key,
        )
    raise unknown_key(key, keys).but(
        reason=f"a network of timm's has no {key!r}; {nearest(key, keys)}"
    )


@lru_cache(maxsize=64)
def _try(described: Peer) -> None:
    """Runs one image through it: what can't be built, or can't take the resolution, is refused."""
    network = build_peer(described).eval()
    side = described.resolution
    try:
        with torch.inference_mode():
            logits = network(torch.zeros(1, described.channels, side, side))
    except REFUSALS as error:
        raise InputError(
            f"{side} is refused: timm's {described.timm} can't take it: {first_line(error)}",
            key="resolution",
        ) from None
    if not isinstance(logits, Tensor) or logits.shape != (1, described.classes):
        raise InputError(
            f"timm's {described.timm} gives no logits of {described.classes} classes, so that it "
            "can't be trained here",
            key="model",
        )


def build_peer(described: Peer, seed: int = 0) -> nn.Module:
    """The network, drawn from `seed`; the global random state is left as it was."""
    side = described.resolution
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            options = _arguments(described)
            made = timm_model(described.timm, Size(side, side), **options)
        except InputError:
            raise
        except REFUSALS as error:
            raise InputError(
                f"timm's {described.timm} can't be built for images of {side} pixels with "
                f"{described.name!r}: {first_line(error)}",
                key="resolution",
            ) from None
        if described.stem == "small":
            _small_stem(made, described.timm)
    return made.to(memory_format=torch.channels_last)


def _arguments(described: Peer) -> dict[str, Any]:
    """What timm's constructor of this network calls the options that are given."""
    given: dict[str, Any] = {
        option: value
        for option in ARGUMENTS
        if (value := getattr(described, option)) not in (None, 0.0)
    }
    options: dict[str, Any] = {"num_classes": described.classes}
    known = _parameters(described.timm) if given else frozenset()
    for option, value in given.items():
        name = next((each for each in ARGUMENTS[option] if each in known), None)
        if name is None:
            key = option if option in FIELDS else f"timm.{option}"
            raise InputError(f"timm's {described.timm} has no such option", key=key)
        options[name] = value
    return options


@lru_cache(maxsize=64)
def _parameters(model: str) -> frozenset[str]:
    """The arguments that the class of a network takes; timm knows the class once it is built."""
    import timm

    with torch.random.fork_rng(devices=[]):
        made = timm.create_model(model)
    homes = (vars(cls).get("__init__") for cls in type(made).__mro__)
    return frozenset(
        name for home in homes if home is not None for name in inspect.signature(home).parameters
    )


def _small_stem(network: nn.Module, model: str) -> None:
    """For small images: the first convolution is 3 x 3 at stride 1, and no pooling follows it.

    What was done to ResNet for CIFAR; source: He et al. 2016, section 4.2.
    """
    convolutions = (m for m in network.named_modules() if isinstance(m[1], nn.Conv2d))
    path, first = next(convolutions, ("", None))
    if first is None or first.stride == (1, 1):
        raise InputError(
            f"'small' is refused: the first convolution of timm's {model} has stride 1 already",
            key="timm.stem",
        )
    if first.kernel_size == first.stride:
        raise InputError(
            f"'small' is refused: timm's {model} cuts patches of {first.stride[0]} pixels; "
            "timm.patch is their side",
            key="timm.stem",
        )
    small = nn.Conv2d(
        first.in_channels, first.out_channels, 3, padding=1, bias=first.bias is not None
    )
    nn.init.kaiming_normal_(small.weight, mode="fan_out", nonlinearity="relu")
    if small.bias is not None:
        nn.init.zeros_(small.bias)
    network.set_submodule(path, small)
    if isinstance(getattr(network, "maxpool", None), nn.Module):
        network.set_submodule("maxpool", nn.Identity())
