"""COCO's layout: images in folders, and what is in them in JSON.

annotations/instances_train*.json and instances_val*.json, with the images in train*/ and val*/
beside them: COCO as it is downloaded, and whatever else is written so.
"""

import json
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat

from workbench.config import IMAGENET_MEAN, IMAGENET_STD, DataConfig
from workbench.data.encoded import BadImagesWarning, existing_folder
from workbench.data.image_folder import fingerprint
from workbench.data.scenes.fit import fitted, opened
from workbench.data.scenes.scene import Boxes, Has, Mask, Scene, Scenes
from workbench.data.source import Ints
from workbench.errors import InputError
from workbench.parsing import parse

LAYOUT = "annotations/instances_train.json and instances_val.json, and images in train/ and val/"
SLACK = 1.0  # pixels that a box may reach beyond its image: annotators round


class Photo(BaseModel):
    """One image of the JSON."""

    id: int
    file_name: str
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]


class Category(BaseModel):
    """One class of the JSON."""

    id: int
    name: str


class Runs(BaseModel):
    """A mask in run lengths: `counts` as COCO's string, or as numbers."""

    size: tuple[int, int]  # height, width
    counts: str | list[Annotated[int, Field(ge=0)]]


class Annotation(BaseModel):
    """One object of the JSON. `bbox` is left, top, width and height."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    segmentation: list[list[FiniteFloat]] | Runs = []
    iscrowd: int = 0


class Instances(BaseModel):
    """What of the JSON is read."""

    images: tuple[Photo, ...]
    categories: tuple[Category, ...]
    annotations: tuple[Annotation, ...]


def coco(config: DataConfig) -> Scenes:
    """The images and instances below `data.path`.

    As COCO has it, detectors neither learn crowds nor are judged by what they find in them; to
    segmenters their pixels are of their class. An annotation that can't be used (of an unknown
    category or image, outside of its image, without area, with a mask of another size) is refused;
    `data.bad_images: skip` leaves such out, with a warning. Images without any object stay: they
    teach what is none.
    """
    root = existing_folder(config, LAYOUT)
    train, test = (_read(root, which) for which in ("train", "val"))
    names = {each.id: each.name for each in train[1].categories}
    splits = [_split(*found, sorted(names), config) for found in (train, test)]
    listed = tuple(names[each] for each in sorted(names))
    masks = all(split.has_masks for split in splits)
    has: frozenset[Has] = frozenset({"boxes", "masks"}) if masks else frozenset({"boxes"})
    return Scenes("coco", listed, splits[0], splits[1], has, IMAGENET_MEAN, IMAGENET_STD)


@dataclass(frozen=True)
class CocoSplit:
    """Images of one folder, with their objects."""

    folder: Path
    photos: tuple[Photo, ...]
    objects: Mapping[int, tuple[Annotation, ...]]  # by the id of the image
    labels: Mapping[int, int]  # by the id of the category

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def has_masks(self) -> bool:
        """Whether every object has one."""
        return all(each.segmentation for found in self.objects.values() for each in found)

    def open(self, index: int, side: int) -> Scene:
        """Image `index`, fitted into a square of `side`."""
        photo = self.photos[index]
        with opened(self.folder / photo.file_name) as found:
            image = found.convert("RGB")
        if image.size != (photo.width, photo.height):
            raise InputError(
                f"{photo.file_name} has {image.width} x {image.height} pixels, and its JSON says"
                f" {photo.width} x {photo.height}",
                key="data.path",
            )
        objects = self.objects.get(photo.id, ())
        boxes = _boxes([each.bbox for each in objects], photo)
        labels = np.array([self.labels[each.category_id] for each in objects], np.int64)
        crowd = np.array([bool(each.iscrowd) for each in objects], np.bool_)
        masks = [mask for each in objects if (mask := _mask(each, photo)) is not None]
        none = np.zeros((0, photo.height, photo.width), np.bool_)
        drawn = np.stack(masks) if masks else none
        whole = drawn if len(masks) == len(objects) else None
        return fitted(Scene(np.asarray(image), boxes, labels, whole, crowd), side)

    def take(self, indices: Ints) -> "CocoSplit":
        """The images at `indices`."""
        photos = tuple(self.photos[index] for index in indices)
        return CocoSplit(self.folder, photos, self.objects, self.labels)

    def identity(self) -> bytes:
        """The images, and what is said of them."""
        said = [self.objects.get(photo.id, ()) for photo in self.photos]
        return repr((fingerprint(self.folder, list(self.names())), said)).encode()

    def names(self) -> tuple[str, ...]:
        """Their files."""
        return tuple(photo.file_name for photo in self.photos)


def _boxes(sides: Sequence[Sequence[float]], photo: Photo) -> Boxes:
    """Left, top, width and height of each as left, top, right and bottom within the image."""
    found = np.array(sides, np.float32).reshape(-1, 4)
    boxes = np.concatenate((found[:, :2], found[:, :2] + found[:, 2:]), axis=1)
    return np.clip(boxes, 0, [photo.width, photo.height] * 2).astype(np.float32)


def _mask(found: Annotation, photo: Photo) -> Mask | None:
    if not found.segmentation:
        return None
    from pycocotools import mask

    shape, said = (photo.height, photo.width), found.segmentation
    if isinstance(said, list):
        encoded = mask.merge(mask.frPyObjects(said, *shape))
    elif isinstance(said.counts, list):
        encoded = mask.frPyObjects(said.model_dump(), *shape)
    else:
        encoded = said.model_dump()
    try:
        return np.asarray(mask.decode(encoded), np.bool_)
    except ValueError as error:
        raise InputError(
            f"annotation {found.id} of {photo.file_name}: its mask can't be read: {error}",
            key="data.path",
        ) from None


# ---------------------------------------------------------------- reading


def _read(root: Path, which: str) -> tuple[Path, Instances, Path]:
    """The JSON's path, what it says, and the folder of its images."""
    files = sorted((root / "annotations").glob(f"instances_{which}*.json"))
    if not files:
        raise InputError(
            f"{root} has no annotations/instances_{which}.json; give a folder with {LAYOUT}",
            key="data.path",
        )
    folder = root / files[0].stem.removeprefix("instances_")
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist, the images of {files[0].name}", key="data.path")
    try:
        found = json.loads(files[0].read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{files[0]} can't be read: {error}", key="data.path") from None
    if not isinstance(found, dict):
        raise InputError(f"{files[0]} is no mapping of images and annotations", key="data.path")
    return files[0], parse(Instances, found, f"data.path: {files[0].name}"), folder


def _split(
    file: Path, found: Instances, folder: Path, categories: Sequence[int], config: DataConfig
) -> CocoSplit:
    missing = [photo for photo in found.images if not (folder / photo.file_name).is_file()]
    if missing:
        raise InputError(
            f"{file.name}: {len(missing)} of {len(found.images)} images are missing in {folder},"
            f" the first {missing[0].file_name}",
            key="data.path",
        )
    if not found.annotations:
        raise InputError(f"{file.name} has no annotations", key="data.path")
    photos = {photo.id: photo for photo in found.images}
    if len(photos) < len(found.images):
        twice = next(each for each in found.images if photos[each.id] is not each)
        raise InputError(f"{file.name}: image {twice.id} stands there twice", key="data.path")
    objects: dict[int, list[Annotation]] = defaultdict(list)
    faults = []
    for each in found.annotations:
        fault = _fault(each, photos, categories)
        if fault:
            faults.append(f"annotation {each.id} {fault}")
        else:
            objects[each.image_id].append(each)
    _tell(faults, file, config)
    labels = {each: label for label, each in enumerate(categories)}
    kept = {image: tuple(each) for image, each in objects.items()}
    return CocoSplit(folder, found.images, kept, labels)


def _fault(found: Annotation, photos: Mapping[int, Photo], categories: Sequence[int]) -> str | None:
    photo = photos.get(found.image_id)
    if photo is None:
        return f"is of image {found.image_id}, which is not there"
    if found.category_id not in categories:
        nearest = min(categories, key=lambda each: abs(each - found.category_id), default=None)
        return f"is of the unknown category {found.category_id}; nearest: {nearest}"
    left, top, width, height = found.bbox
    if width <= 0 or height <= 0:
        return f"has no area: its box is {width:g} x {height:g}"
    over = (-left, -top, left + width - photo.width, top + height - photo.height)
    if max(over) > SLACK:
        return (
            f"reaches outside of {photo.file_name}, which is {photo.width} x {photo.height}: its"
            f" box is {[round(value, 1) for value in found.bbox]}"
        )
    ((x0, y0, x1, y1),) = _boxes([found.bbox], photo)
    if x0 >= x1 or y0 >= y1:
        return f"has no area within {photo.file_name}: its box is {[*found.bbox]}"
    return _mask_fault(found.segmentation, photo)


def _mask_fault(said: list[list[float]] | Runs, photo: Photo) -> str | None:
    if isinstance(said, list):
        short = next((len(each) for each in said if len(each) < 6 or len(each) % 2), None)
        return None if short is None else f"has a polygon of {short} numbers; it takes 3 points"
    height, width = said.size
    area = sum(said.counts if isinstance(said.counts, list) else _runs(said.counts))
    if said.size != (photo.height, photo.width) or area != photo.height * photo.width:
        return (
            f"has a mask of {width} x {height} with {area} pixels, and {photo.file_name} is"
            f" {photo.width} x {photo.height}"
        )
    return None


def _runs(text: str) -> list[int]:
    """Run lengths from COCO's string: five bits a character, the lowest first, with a sixth where
    more follow; from the third run on each is what it differs by from the one before the last."""
    found, value, shift = list[int](), 0, 0
    for code in text.encode():
        value |= (code - 48 & 31) << shift
        shift += 5
        if code - 48 & 32:
            continue
        value -= (code - 48 & 16) << shift - 4  # the sign
        found.append(value + (found[-2] if len(found) > 2 else 0))
        value = shift = 0
    return found


def _tell(faults: Sequence[str], file: Path, config: DataConfig) -> None:
    if not faults:
        return
    text = f"{file.name}: {faults[0]}" + (f" (and {len(faults) - 1} more)" if faults[1:] else "")
    if config.bad_images != "skip":
        raise InputError(f"{text}; data.bad_images=skip leaves such out", key="data.path")
    warnings.warn(BadImagesWarning(f"left out: {text}"), stacklevel=2)
