"""RandAugment (Cubuk 2020) on whole batches, in timm's notation and with timm's operations.

Each of `layers` rounds draws one of 15 operations per image and applies it with probability
`prob`. Images that drew the same operation go through it together, on whatever device they are.
Every operation is compared with timm's own in the tests.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import conv2d, grid_sample

from workbench.errors import InputError

Interpolation = Literal["bilinear", "bicubic"]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
TOP = 10.0  # timm's unit: magnitude 10 is the full strength of an operation
_SECTION = re.compile(r"(mstd|mmax|inc|m|n|p)(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Policy:
    """What a notation such as `rand-m9-mstd0.5-inc1` says."""

    magnitude: float = TOP
    layers: int = 2
    prob: float = 0.5
    deviation: float = 0.0  # of the magnitude, normal; above 100: uniform from 0 to magnitude
    most: float = TOP
    increasing: bool = False  # operations that get stronger with magnitude, without exception


def parse_policy(text: str) -> Policy:
    """`text` in timm's notation; sections m, n, p, mstd, mmax and inc."""
    head, *sections = text.split("-")
    matches = [_SECTION.fullmatch(section) for section in sections]
    if head != "rand" or not all(matches):
        raise InputError(
            f"{text!r} is not timm's notation, such as "
            "'rand-m9-mstd0.5-inc1' (sections m, n, p, mstd, mmax, inc)",
            key="augment.randaugment",
        )
    values = {match[1]: float(match[2]) for match in matches if match}
    return Policy(
        magnitude=values.get("m", TOP),
        layers=int(values.get("n", 2)),
        prob=values.get("p", 0.5),
        deviation=values.get("mstd", 0.0),
        most=values.get("mmax", TOP),
        increasing=bool(values.get("inc", 0)),
    )


def rand_augment(
    images: Tensor,
    policy: Policy,
    fill: Tensor,
    interpolation: Interpolation,
    generator: np.random.Generator,
) -> Tensor:
    """uint8 images (B, 3, H, W), augmented; `fill` (3,) stands where an image moved away."""
    size = (policy.layers, len(images))
    chosen = generator.integers(len(OPERATIONS), size=size)
    applied = generator.random(size) < policy.prob
    magnitudes = _magnitudes(policy, size, generator)
    signs = generator.choice([-1.0, 1.0], size=size)
    images = images.clone()
    for layer in range(policy.layers):
        number = np.where(applied[layer], chosen[layer], -1)
        strength = Strength(magnitudes[layer] / TOP, signs[layer], policy.increasing)
        _recolour(images, number, strength)
        _move(images, number, strength, fill, interpolation)
    return images


def _recolour(images: Tensor, number: Ints, strength: "Strength") -> None:
    for each, operation in enumerate(RECOLOURINGS.values()):
        (members,) = np.nonzero(number == each)
        if len(members):
            where = torch.from_numpy(members).to(images.device)
            changed = operation(images.index_select(0, where), strength.of(members))
            images.index_copy_(0, where, changed)


def _move(
    images: Tensor, number: Ints, strength: "Strength", fill: Tensor, interpolation: Interpolation
) -> None:
    """All movements at once: they differ in their matrices only."""
    (moved,) = np.nonzero(number >= len(RECOLOURINGS))
    if not len(moved):
        return
    matrices = np.empty((len(images), 2, 3))
    for each, movement in enumerate(MOVEMENTS.values(), start=len(RECOLOURINGS)):
        (members,) = np.nonzero(number == each)
        matrices[members] = movement(strength.of(members), *images.shape[2:])
    where = torch.from_numpy(moved).to(images.device)
    changed = affine(images.index_select(0, where), matrices[moved], fill, interpolation)
    images.index_copy_(0, where, changed)


def _magnitudes(policy: Policy, size: tuple[int, int], generator: np.random.Generator) -> Floats:
    if policy.deviation > 100:
        drawn = generator.uniform(0, policy.magnitude, size)
    else:
        drawn = policy.magnitude + policy.deviation * generator.standard_normal(size)
    return np.clip(drawn, 0, policy.most)


# ---------------------------------------------------------------- operations


@dataclass(frozen=True)
class Strength:
    """How strongly an operation acts on each of b images."""

    level: Floats  # (b,), 1 is full strength
    sign: Floats  # (b,), -1 or 1
    increasing: bool

    def of(self, members: Ints) -> "Strength":
        """The strength on some of the images."""
        return Strength(self.level[members], self.sign[members], self.increasing)

    def blend(self, like: Tensor) -> Tensor:
        """The factor (b, 1, 1, 1) of brightness and its like; 1 changes nothing."""
        if self.increasing:
            return _each(np.maximum(0.1, 1 + self.sign * self.level * 0.9), like)
        return _each(self.level * 1.8 + 0.1, like)


Recolouring = Callable[[Tensor, Strength], Tensor]
Movement = Callable[[Strength, int, int], Floats]  # height and width to matrices (b, 2, 3)


def _each(values: Floats, like: Tensor) -> Tensor:
    """One value per image, (b, 1, 1, 1) in float32."""
    return torch.from_numpy(values.astype(np.float32)).to(like.device).view(-1, 1, 1, 1)


def _bytes(values: Tensor) -> Tensor:
    return values.clamp_(0, 255).to(torch.uint8)  # cut off, not rounded, as Pillow does


def _grey(images: Tensor) -> Tensor:
    """Luma (b, 1, H, W) in float32, rounded as Pillow rounds it."""
    red, green, blue = images.float().unbind(1)
    luma = red.mul(0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114)
    return luma.add_(0.5).floor_().unsqueeze(1)


def _blend(base: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    """`base` where the factor is 0, `images` where it is 1, and on beyond."""
    return _bytes(torch.lerp(base.expand(images.shape), images.float(), factor))


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Blended with black; factor (b, 1, 1, 1)."""
    return _bytes(images.float().mul_(factor))


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Blended with the mean grey; factor (b, 1, 1, 1)."""
    return _blend(_grey(images).mean((2, 3), keepdim=True).add_(0.5).floor_(), images, factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Blended with grey; factor (b, 1, 1, 1)."""
    return _blend(_grey(images), images, factor)


def _sharpness(images: Tensor, factor: Tensor) -> Tensor:
    """Blended with a smoothed copy, whose border is as it was; factor (b, 1, 1, 1)."""
    smooth = images.float()
    if min(images.shape[2:]) > 2:
        kernel = torch.full((1, 1, 3, 3), 1 / 13, device=images.device)
        kernel[0, 0, 1, 1] = 5 / 13
        inner = conv2d(smooth.reshape(-1, 1, *images.shape[2:]), kernel).add_(0.5).floor_()
        smooth = smooth.clone()
        smooth[:, :, 1:-1, 1:-1] = inner.view(*images.shape[:2], *inner.shape[2:])
    return _blend(smooth, images, factor)


def _posterize(images: Tensor, strength: Strength) -> Tensor:
    bits = np.trunc(strength.level * 4)
    kept = 4 - bits if strength.increasing else bits
    step = _each(2.0 ** (8 - np.clip(kept, 0, 8)), images)
    return _bytes(images.float().div_(step).floor_().mul_(step))


def _solarize(images: Tensor, strength: Strength) -> Tensor:
    level = np.minimum(256, np.trunc(strength.level * 256))
    threshold = _each(256 - level if strength.increasing else level, images)
    return torch.where(images < threshold, images, 255 - images)


def _solarize_add(images: Tensor, strength: Strength) -> Tensor:
    added = _each(np.minimum(128, np.trunc(strength.level * 110)), images)
    return torch.where(images < 128, _bytes(images + added), images)


# torchvision takes a second to import, and few recipes need it.
def _autocontrast(images: Tensor) -> Tensor:
    from torchvision.transforms.v2.functional import autocontrast

    return cast(Tensor, autocontrast(images))


def _equalize(images: Tensor) -> Tensor:
    from torchvision.transforms.v2.functional import equalize

    return cast(Tensor, equalize(images))


RECOLOURINGS: dict[str, Recolouring] = {
    "AutoContrast": lambda images, _: _autocontrast(images),
    "Equalize": lambda images, _: _equalize(images),
    "Invert": lambda images, _: 255 - images,
    "Posterize": _posterize,
    "Solarize": _solarize,
    "SolarizeAdd": _solarize_add,
    "Color": lambda images, strength: saturation(images, strength.blend(images)),
    "Contrast": lambda images, strength: contrast(images, strength.blend(images)),
    "Brightness": lambda images, strength: brightness(images, strength.blend(images)),
    "Sharpness": lambda images, strength: _sharpness(images, strength.blend(images)),
}


def affine(images: Tensor, matrices: Floats, fill: Tensor, interpolation: Interpolation) -> Tensor:
    """Each pixel (x, y) taken from matrix (b, 2, 3) @ (x, y, 1), in pixels from the corner.

    `fill` (3,) stands where that is outside of the image.
    """
    height, width = images.shape[2:]
    x = torch.arange(width, device=images.device) + 0.5
    y = (torch.arange(height, device=images.device) + 0.5)[:, None]
    a, b, c, d, e, f = (_each(values, images)[..., 0] for values in matrices.reshape(-1, 6).T)
    across, down = (a * x + b * y + c) / width, (d * x + e * y + f) / height  # (b, H, W)
    sampled = grid_sample(
        images.float(),
        torch.stack((across, down), dim=-1).mul_(2).sub_(1),
        mode=interpolation,
        padding_mode="border",
        align_corners=False,
    )
    outside = (across < 0) | (across >= 1) | (down < 0) | (down >= 1)
    sampled = torch.where(outside[:, None], fill.to(sampled).view(1, 3, 1, 1), sampled)
    return _bytes(sampled.add_(0.5))


def _one_entry(entry: Callable[[int, int], tuple[int, int, float]]) -> Movement:
    """The movement that changes one entry of the identity: `entry` gives row, column and most."""

    def movement(strength: Strength, height: int, width: int) -> Floats:
        row, column, most = entry(height, width)
        matrices = np.tile(np.eye(2, 3), (len(strength.level), 1, 1))
        matrices[:, row, column] = strength.sign * strength.level * most
        return matrices

    return movement


def _rotate(strength: Strength, height: int, width: int) -> Floats:
    angle = -np.radians(strength.sign * strength.level * 30)
    matrices = np.tile(np.eye(2, 3), (len(angle), 1, 1))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angle)
    matrices[:, 0, 1], matrices[:, 1, 0] = np.sin(angle), -np.sin(angle)
    centre = np.array([width / 2, height / 2])
    matrices[:, :, 2] = centre - matrices[:, :, :2] @ centre
    return matrices


MOVEMENTS: dict[str, Movement] = {
    "Rotate": _rotate,
    "ShearX": _one_entry(lambda height, width: (0, 1, 0.3)),
    "ShearY": _one_entry(lambda height, width: (1, 0, 0.3)),
    "TranslateX": _one_entry(lambda height, width: (0, 2, 0.45 * width)),
    "TranslateY": _one_entry(lambda height, width: (1, 2, 0.45 * height)),
}
OPERATIONS = (*RECOLOURINGS, *MOVEMENTS)
