"""A trained network that another one learns from."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from workbench.config import NetworkSpec, Teacher
from workbench.cost import cost
from workbench.cost.target import counted, target
from workbench.data import DataInfo
from workbench.errors import InputError
from workbench.models import Network, build, load_weights, spec
from workbench.models.peers import TIMM
from workbench.models.tensor_file import read_facts
from workbench.models.weights import read, unwrap
from workbench.train.saved import load_saved
from workbench.train.teaching.weights import checked_file

KEY = "recipe.teacher"


class Colours(NamedTuple):
    """What images from 0 to 1 are normalised by: mean and spread of red, green and blue."""

    mean: Sequence[float]
    std: Sequence[float]


class OfTimm(Protocol):
    """What timm's networks of images answer."""

    num_features: int

    def forward_features(self, x: Tensor) -> Tensor: ...

    def forward_head(self, x: Tensor) -> Tensor: ...


class TrainedTeacher:
    """A network in eval mode, whose parameters never get a gradient.

    It is no module, lest it become a part of what is trained, saved and averaged. Images come
    normalised by the colours of the student's data; where it is known what the teacher's were
    normalised by, they are brought to that.
    """

    def __init__(self, network: nn.Module, own: Colours | None, given: Colours) -> None:
        self.network = network.eval().requires_grad_(False)
        self._change = None if own is None or own == given else (own, given)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, 3, H, W), in the precision of the student's."""
        logits: Tensor = self.network(self.seen(images))
        return logits

    @torch.no_grad()
    def dense(self, images: Tensor) -> Tensor:
        """Logits (B, classes, h, w): what the classifier says of each position before the pool.

        Raises `InputError` for a network without a map, such as one of tokens.
        """
        network, images = self.network, self.seen(images)
        classify: Callable[[Tensor], Tensor]
        if isinstance(network, Network):
            if network.dense:
                return network.parts(images)[1]
            last, classify = network.features(images)[-1], network.head
            lacks = network.token is not None
        else:
            theirs = cast(OfTimm, network)
            last, classify = theirs.forward_features(images), theirs.forward_head
            lacks = last.ndim != 4 or last.shape[1] != theirs.num_features
        if lacks:
            raise InputError(
                "it has no map before its pool, which token labelling needs; take a network of"
                " convolutions, or one of the zoo without class tokens",
                key=f"{KEY}.spec",
            )
        batch, channels, *size = last.shape
        rows = last.permute(0, 2, 3, 1).reshape(-1, channels, 1, 1)
        logits: Tensor = classify(rows)
        return logits.view(batch, *size, -1).permute(0, 3, 1, 2)

    def seen(self, images: Tensor) -> Tensor:
        """The images as the teacher was trained to see them."""
        if self._change is None:
            return images
        (mean, std), (old_mean, old_std) = (
            [images.new_tensor(each).view(3, 1, 1) for each in colours] for colours in self._change
        )
        return (images * old_std + old_mean - mean) / std


def load_teacher(
    config: Teacher, student: NetworkSpec, info: DataInfo, device: str | torch.device = "cpu"
) -> TrainedTeacher:
    """The teacher of a network of `student` on the data of `info`.

    Raises `InputError` for weights that can't be read or do not fit, and for a teacher of other
    classes or another resolution than the student's.
    """
    file, _ = checked_file(config, KEY)
    facts = read_facts(file) if file.suffix == ".safetensors" else {}
    network = _network(config, file, student)
    _refuse_other_classes(network, facts, student, info)
    _refuse_other_images(network, student)
    given = Colours(info.mean, info.std)
    return TrainedTeacher(network.to(device), _colours(network, facts), given)


def teacher_macs(config: Teacher, student: NetworkSpec) -> tuple[str, int]:
    """What a teacher is called, and the MACs of its look at one image of the student's."""
    if config.spec is None:
        own = _saved_network(checked_file(config, KEY)[0]).spec
        return own.name, cost(own).macs
    name, *overrides = _words(config)
    resolution = student.resolution if name.startswith(TIMM) else None
    return name, counted(target(name, *overrides, resolution=resolution)).macs


def _words(config: Teacher) -> list[str]:
    return [config.spec] if isinstance(config.spec, str) else list(config.spec or ())


# ---------------------------------------------------------------- making it


def _network(config: Teacher, file: Path, student: NetworkSpec) -> nn.Module:
    if config.spec is None:
        return _saved_network(file)
    name, *overrides = _words(config)
    try:
        if name.startswith(TIMM):
            return _timm_network(name, file, student)
        network = build(spec(name, *overrides, classes=student.classes))
        load_weights(network, file)
    except InputError as error:
        key = f"{KEY}.spec" if error.key else f"{KEY}.weights"
        reason = error.reason.removeprefix("weights: ").partition("; new_head")[0]
        raise error.but(key=key, reason=reason) from None
    return network


def _saved_network(file: Path) -> Network:
    if file.suffix != ".safetensors":
        raise InputError(
            f"missing; {str(file)!r} does not say of which network its weights are",
            key=f"{KEY}.spec",
            about="missing",
        )
    try:
        network = load_saved(file)
    except InputError as error:
        raise error.but(key=f"{KEY}.weights") from None
    if not isinstance(network, Network):
        raise InputError(f"missing; {str(file)!r} is of timm's", key=f"{KEY}.spec", about="missing")
    return network


def _timm_network(name: str, file: Path, student: NetworkSpec) -> nn.Module:
    import timm

    target(name)  # refuses a name that timm has not
    model = name.removeprefix(TIMM)
    try:
        network: nn.Module = timm.create_model(
            model, num_classes=student.classes, img_size=student.resolution
        )
    except TypeError:  # a network without tables takes any size and no `img_size`
        network = timm.create_model(model, num_classes=student.classes)
    state = unwrap(read(file), str(file))
    own = network.state_dict()
    odd = [key for key in own if key not in state or state[key].shape != own[key].shape]
    odd += [key for key in state if key not in own]
    if odd:
        shapes = [[*each[odd[0]].shape] if odd[0] in each else "missing" for each in (state, own)]
        raise InputError(
            f"{str(file)!r} does not fit {name} of {student.classes} classes: {odd[0]!r} is"
            f" {shapes[0]} in the file and {shapes[1]} in the network, and so are"
            f" {len(odd) - 1} more"
        )
    network.load_state_dict(dict(state))
    return network


def _colours(network: nn.Module, facts: Mapping[str, Any]) -> Colours | None:
    known = facts if "mean" in facts else getattr(network, "pretrained_cfg", None) or {}
    return Colours(tuple(known["mean"]), tuple(known["std"])) if "mean" in known else None


# ---------------------------------------------------------------- refusing it


def _refuse_other_classes(
    network: nn.Module, facts: Mapping[str, Any], student: NetworkSpec, info: DataInfo
) -> None:
    if isinstance(network, Network) and network.spec.classes != student.classes:
        raise InputError(
            f"it tells {network.spec.classes} classes apart, and the network that it is to teach"
            f" {student.classes}",
            key=f"{KEY}.weights",
        )
    names = facts.get("class_names")
    if names is not None and tuple(names) != info.class_names:
        pairs = zip(names, info.class_names, strict=False)
        other = next((pair for pair in pairs if pair[0] != pair[1]), ("none", "one more"))
        raise InputError(
            f"it was trained on other classes than those of {info.name}: {other[0]!r} where"
            f" {other[1]!r} is",
            key=f"{KEY}.weights",
        )


def _refuse_other_images(network: nn.Module, student: NetworkSpec) -> None:
    own = network.spec.resolution if isinstance(network, Network) else student.resolution
    if own != student.resolution:
        raise InputError(
            f"it is for images of {own} pixels, and the network that it is to teach for"
            f" {student.resolution}; spec: [NAME, resolution={student.resolution}] resizes its"
            " tables",
            key=f"{KEY}.spec",
        )
    images = torch.zeros(1, student.channels, student.resolution, student.resolution)
    try:
        with torch.no_grad():
            network.eval()(images)
    except (AssertionError, RuntimeError, ValueError, TypeError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise InputError(
            f"it can't take images of {student.resolution} pixels: {why}", key=f"{KEY}.spec"
        ) from None
