"""A trained network that another one learns from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from workbench.config import NetworkSpec, Teacher
from workbench.cost import cost
from workbench.data import DataInfo
from workbench.errors import InputError
from workbench.models import Network, build
from workbench.models.networks import spec
from workbench.models.peers import is_timm
from workbench.models.tensor_file import read_facts
from workbench.models.weights import load_file
from workbench.train.saved import TASK, load_saved, spec_within
from workbench.train.teaching.colours import Colours, own_colours, recoloured
from workbench.train.teaching.weights import checked_file

KEY = "recipe.teacher"


class OfTimm(Protocol):
    """What timm's networks of images answer."""

    num_features: int

    def forward_features(self, x: Tensor) -> Tensor: ...

    def forward_head(self, x: Tensor, *, pre_logits: bool = False) -> Tensor: ...


class TrainedTeacher:
    """A network in eval mode, whose parameters never get a gradient.

    It is no module, lest it become a part of what is trained, saved and averaged. Images come
    normalised by the colours of the student's data; where it is known what the teacher's were
    normalised by, they are brought to that.
    """

    def __init__(
        self,
        network: nn.Module,
        own: Colours | None,
        given: Colours,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.about = {**(about or {}), "own_colours": own, "given_colours": given}
        self._own, self._given = own, given

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
        return recoloured(images, self._given, self._own)


def load_teacher(
    config: Teacher, student: NetworkSpec, info: DataInfo, device: str | torch.device = "cpu"
) -> TrainedTeacher:
    """The teacher of a network of `student` on the data of `info`.

    Raises `InputError` for weights that can't be read or do not fit, and for a teacher of other
    classes or another resolution than the student's.
    """
    file, sha256 = checked_file(config, KEY)
    facts = _facts(file)
    if TASK in facts:
        raise InputError(
            f"{str(file)!r} is a model of task {facts[TASK]['name']}, and classifiers teach",
            key=f"{KEY}.weights",
        )
    described = _described(config, student, file)
    _refuse_other_classes(described, facts, student, info)
    _refuse_other_images(described, student)
    network = _network(config, described, file)
    given = Colours(info.mean, info.std)
    about = {"teacher": described.model_dump(mode="json"), "sha256": sha256}
    return TrainedTeacher(network.to(device), own_colours(network, facts), given, about)


def teacher_macs(config: Teacher, student: NetworkSpec) -> tuple[str, int]:
    """What a teacher is called, and the MACs of its look at one image of the student's."""
    file = None if config.weights is None else checked_file(config, KEY)[0]
    described = _described(config, student, file)
    return described.name, cost(described).macs


# ---------------------------------------------------------------- what it is


def _described(config: Teacher, student: NetworkSpec, file: Path | None) -> NetworkSpec:
    """By its own words; a network of timm's is for the student's images where they say nothing."""
    if config.spec is None:
        assert file is not None
        return _described_within(file)
    name, *overrides = [config.spec] if isinstance(config.spec, str) else config.spec
    given = any(each.partition("=")[0].strip() == "resolution" for each in overrides)
    side = student.resolution if is_timm(name) and not given else None
    try:
        return spec(name, *overrides, classes=student.classes, resolution=side)
    except InputError as error:
        raise error.but(key=f"{KEY}.spec") from None


def _described_within(file: Path) -> NetworkSpec:
    try:
        return spec_within(file, _facts(file))
    except InputError:
        raise InputError(
            f"missing; {str(file)!r} does not say of which network its weights are",
            key=f"{KEY}.spec",
            about="missing",
        ) from None


def _facts(file: Path) -> Mapping[str, Any]:
    try:
        return read_facts(file)
    except InputError as error:
        raise error.but(key=f"{KEY}.weights") from None


def _network(config: Teacher, described: NetworkSpec, file: Path) -> nn.Module:
    try:
        if config.spec is None:
            return load_saved(file)
        network = build(described)
        load_file(network, file, described.name)
    except InputError as error:
        reason = error.reason.partition("; new_head")[0]
        raise error.but(key=f"{KEY}.weights", reason=reason) from None
    return network


# ---------------------------------------------------------------- refusing it


def _refuse_other_classes(
    described: NetworkSpec, facts: Mapping[str, Any], student: NetworkSpec, info: DataInfo
) -> None:
    if described.classes != student.classes:
        raise InputError(
            f"it tells {described.classes} classes apart, and the network that it is to teach"
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


def _refuse_other_images(described: NetworkSpec, student: NetworkSpec) -> None:
    if described.resolution != student.resolution:
        raise InputError(
            f"it is for images of {described.resolution} pixels, and the network that it is to"
            f" teach for {student.resolution}; spec: [NAME, resolution={student.resolution}]"
            " resizes its tables",
            key=f"{KEY}.spec",
        )
    if described.channels != student.channels:
        raise InputError(
            f"it is for images of {described.channels} channels, and the network that it is to"
            f" teach for {student.channels}",
            key=f"{KEY}.spec",
        )
