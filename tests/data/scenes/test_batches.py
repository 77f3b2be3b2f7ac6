"""Batches of scenes: keyed, and boxes and masks move with their images."""

import pytest
import torch
from torch import Tensor

from workbench.config import Augment, DataConfig
from workbench.data.scenes.batches import SceneLoader, scene_loaders
from workbench.errors import InputError

CONFIG = DataConfig(name="scattered_digits", train_size=10, test_size=5)


def train(augment: Augment, seed: int = 0, pixels: bool = False) -> SceneLoader:
    return scene_loaders(CONFIG, augment, 4, 32, seed, pixels).train


def objects(loader: SceneLoader) -> list[tuple[Tensor, dict[str, Tensor]]]:
    return [
        (image, target)
        for images, targets in loader
        for image, target in zip(images, targets, strict=True)
        if isinstance(target, dict)
    ]


def test_order_is_of_seed_and_epoch() -> None:
    loader = train(Augment(hflip=0.5, color_jitter=0.3))
    first, again = (torch.cat([images for images, _ in loader]) for _ in range(2))
    loader.set_epoch(1)
    later = torch.cat([images for images, _ in loader])
    assert len(loader) == 2  # the incomplete last batch is dropped
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    held = scene_loaders(CONFIG, Augment(), 4, 32, 0, False).test
    assert [len(images) for images, _ in held] == [4, 1]


@pytest.mark.parametrize("augment", [
    Augment(hflip=1.0), Augment(crop_padding=6), Augment(random_resized_crop=True, crop_scale=0.4),
])  # fmt: skip
def test_boxes_and_masks_move_with_the_image(augment: Augment) -> None:
    """Each moved mask still fills its moved box."""
    found = objects(train(augment))
    assert sum(len(target["labels"]) for _, target in found) > 4
    for _, target in found:
        for box, mask in zip(target["boxes"], target["masks"], strict=True):
            rows, columns = torch.where(mask > 0)
            if len(rows) < 12:
                continue  # a corner that a crop left
            left, top, right, bottom = box.tolist()
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            for edge, side in zip(edges, (left, top, right, bottom), strict=True):
                assert abs(float(edge) - side) <= 1.5


def test_a_mirrored_image_has_mirrored_boxes() -> None:
    plain, turned = objects(train(Augment())), objects(train(Augment(hflip=1.0)))
    for (image, target), (mirrored, moved) in zip(plain, turned, strict=True):
        assert torch.equal(image.flip(2), mirrored)
        assert torch.equal(32 - target["boxes"][:, [2, 0]], moved["boxes"][:, [0, 2]])


def test_maps_move_with_the_image() -> None:
    ((images, maps), *_) = train(Augment(), pixels=True)
    ((_, turned), *_) = train(Augment(hflip=1.0), pixels=True)
    assert images.shape == (4, 3, 32, 32)
    assert isinstance(maps, Tensor)
    assert isinstance(turned, Tensor)
    assert torch.equal(maps.flip(2), turned)
    ((_, padded), *_) = train(Augment(crop_padding=6), pixels=True)
    assert isinstance(padded, Tensor)
    assert (padded == 255).any()  # what was added is of no class


def test_moves_leave_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(())
    torch.manual_seed(3)
    list(train(Augment(hflip=0.5)))
    assert torch.rand(()) == expected


def test_what_mixes_images_is_refused() -> None:
    with pytest.raises(InputError, match=r"augment.mixup: 0.8 is refused: images with boxes"):
        train(Augment(mixup=0.8))
