"""Augmentation that moves boxes and masks with their images: torchvision's, by keyed draws."""

from typing import TypeVar

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from workbench.config import Augment
from workbench.data.keys import Purpose, stream
from workbench.data.scenes.scene import IGNORED, Scene
from workbench.errors import InputError

Target = dict[str, Tensor]  # boxes (N, 4), labels (N,), masks (N, H, W), iscrowd (N,)
Moved = TypeVar("Moved")  # an image with its target, as torchvision moves them
LEAST_AREA = 4.0  # pixels of a box that a crop leaves
MEANT = ("crop_padding", "random_resized_crop", "crop_scale", "hflip", "color_jitter")


def check_moves(augment: Augment) -> None:
    """Refuse what mixes images or labels, or is not defined for boxes."""
    plain = Augment()
    for key in type(augment).model_fields:
        if key not in MEANT and getattr(augment, key) != getattr(plain, key):
            raise InputError(
                f"{getattr(augment, key)!r} is refused: images with boxes or masks take"
                f" {', '.join(MEANT)}",
                key=f"augment.{key}",
            )


class Moves:
    """Scenes as tensors and, where there is an augmentation, moved by draws of (seed, epoch)."""

    def __init__(self, augment: Augment | None, side: int, seed: int, pixels: bool = False) -> None:
        outside = IGNORED if pixels else 0  # of a mask, in what a crop adds
        steps: list[v2.Transform] = [] if augment is None else _steps(augment, side, outside)
        self._steps = v2.Compose(steps) if steps else None
        self._seed, self._trains = seed, augment is not None

    def detection(self, scene: Scene, epoch: int, index: int) -> tuple[Tensor, Target]:
        """The image (3, S, S) from 0 to 1, and its objects; those that were cropped away are out.

        Masks are there where the scene has them. Crowds are out in training, and marked elsewhere.
        """
        scene = without_crowds(scene) if self._trains else scene
        side, image = scene.image.shape[0], _image(scene)
        target: Target = {
            "boxes": tv_tensors.BoundingBoxes(
                torch.from_numpy(scene.boxes), format="XYXY", canvas_size=(side, side)
            ),
            "labels": torch.from_numpy(scene.labels),
        }
        if scene.masks is not None:
            target["masks"] = tv_tensors.Mask(torch.from_numpy(scene.masks).to(torch.uint8))
        if scene.crowd is not None:
            target["iscrowd"] = torch.from_numpy(scene.crowd).long()
        image, target = self._moved((image, target), epoch, index)
        if self._steps is not None:
            image, target = v2.SanitizeBoundingBoxes(1.0, LEAST_AREA)(image, target)
        plain = {key: value.as_subclass(Tensor) for key, value in target.items()}
        return _float(image), plain

    def segmentation(self, scene: Scene, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        """The image (3, S, S) from 0 to 1, and the classes (S, S) of its pixels."""
        image = _image(scene)
        classes = tv_tensors.Mask(torch.from_numpy(scene.class_map.copy()))
        image, classes = self._moved((image, classes), epoch, index)
        return _float(image), classes.as_subclass(Tensor).long()

    def _moved(self, pair: Moved, epoch: int, index: int) -> Moved:
        if self._steps is None:
            return pair
        seed = int(stream(Purpose.MOVE, self._seed, epoch, index).integers(2**62))
        with torch.random.fork_rng(devices=[]):  # torchvision draws from the global generator
            torch.manual_seed(seed)
            moved: Moved = self._steps(pair)
        return moved


def without_crowds(scene: Scene) -> Scene:
    """Its single objects."""
    if scene.crowd is None:
        return scene
    single = ~scene.crowd
    masks = scene.masks[single] if scene.masks is not None else None
    return Scene(scene.image, scene.boxes[single], scene.labels[single], masks)


def _image(scene: Scene) -> tv_tensors.Image:
    return tv_tensors.Image(torch.from_numpy(scene.image).permute(2, 0, 1).contiguous())


def _float(image: Tensor) -> Tensor:
    return image.as_subclass(Tensor).float().div_(255)


def _steps(augment: Augment, side: int, outside: int) -> list[v2.Transform]:
    steps: list[v2.Transform] = []
    fill = {tv_tensors.Image: 127, tv_tensors.Mask: outside, "others": 0}
    if augment.random_resized_crop:
        steps.append(v2.RandomResizedCrop(side, scale=(augment.crop_scale, 1.0), antialias=True))
    if augment.crop_padding:
        steps.append(v2.RandomCrop(side, padding=augment.crop_padding, fill=fill))
    if augment.hflip:
        steps.append(v2.RandomHorizontalFlip(augment.hflip))
    if augment.color_jitter:
        steps.append(v2.ColorJitter(*[augment.color_jitter] * 3))
    return steps
