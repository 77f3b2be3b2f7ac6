"""Digits on canvases: what is said of a scene is exactly what is in it."""

import numpy as np
import pytest

from workbench.config import DataConfig
from workbench.data.scenes import open_scenes
from workbench.data.scenes.scene import Scene, tight_boxes


def scenes(side: int, count: int = 12, **config: int) -> list[Scene]:
    found = open_scenes(DataConfig(name="scattered_digits", train_size=count, **config))
    return [found.train.open(index, side) for index in range(count)]


@pytest.mark.parametrize("side", [32, 64, 100])
def test_boxes_are_those_of_the_masks_at_any_side(side: int) -> None:
    for scene in scenes(side):
        assert scene.image.shape == (side, side, 3)
        assert scene.masks is not None
        assert len(scene.labels) == len(scene.masks) >= 1
        assert np.array_equal(scene.boxes, tight_boxes(list(scene.masks)))
        assert scene.boxes.min() >= 0
        assert scene.boxes.max() <= side
        assert not (scene.masks.sum(axis=0) > 1).any()  # no pixel belongs to two digits


def test_the_class_map_is_the_masks() -> None:
    scene = scenes(64)[0]
    assert scene.masks is not None
    assert set(np.unique(scene.class_map)) == {0, *(scene.labels + 1)}
    assert np.array_equal(scene.class_map > 0, scene.masks.any(axis=0))


def test_digits_stand_out_from_what_is_around_them() -> None:
    """Else nothing could be learned: ink differs from the ring around it."""
    gaps = []
    for scene in scenes(64):
        assert scene.masks is not None
        grey = scene.image[..., 0].astype(float)
        left, top, right, bottom = scene.boxes[0].astype(int)
        inside = scene.masks[0][top:bottom, left:right]
        cut = grey[top:bottom, left:right]
        gaps.append(abs(cut[inside].mean() - cut[~inside].mean()))
    assert np.median(gaps) > 40


def test_a_seed_draws_the_canvases() -> None:
    one, again, other = scenes(32), scenes(32), scenes(32, subset_seed=1)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, again, strict=True))
    assert not any(np.array_equal(a.image, b.image) for a, b in zip(one, other, strict=True))


def test_validation_is_cut_from_training() -> None:
    config = DataConfig(name="scattered_digits", train_size=20, test_size=5, validation=0.25)
    found = open_scenes(config)
    assert (found.info.train_size, found.info.validation_size, found.info.test_size) == (15, 5, 5)
    assert found.validation is not None
    held = {found.validation.open(index, 32).image.tobytes() for index in range(5)}
    assert held.isdisjoint(found.train.open(index, 32).image.tobytes() for index in range(15))
