import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.conftest import picture
from workbench.data.keys import Purpose, stream
from workbench.data.source import DataInfo
from workbench.data.transforms import (
    Normalise,
    crop_boxes,
    erase,
    jitter,
    resized_crop,
    shift_and_flip,
)


def batch(count: int = 12, side: int = 16) -> torch.Tensor:
    """Smooth images (count, side, side, 3) of bytes."""
    return torch.from_numpy(np.stack([np.asarray(picture(n, (side, side))) for n in range(count)]))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(0, 2**32), st.integers(0, 15))
@settings(max_examples=30)
def test_each_shifted_image_is_a_crop_of_the_padded_one(seed, padding):
    images = batch(4)
    found = shift_and_flip(images, padding, 0.5, generator(seed)).numpy()
    width = ((padding, padding), (padding, padding), (0, 0))
    for image, result in zip(images.numpy(), found, strict=True):
        padded = np.pad(image, width, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (16, 16), axis=(0, 1))
        windows = windows.transpose(0, 1, 3, 4, 2)
        matches = (windows == result).all((2, 3, 4)) | (windows == result[:, ::-1]).all((2, 3, 4))
        assert matches.any()


def test_shifts_reach_every_offset_and_flips_half_of_the_images():
    images = torch.arange(16).view(1, 1, 16, 1).expand(2000, 16, 16, 3).to(torch.uint8)
    found = shift_and_flip(images, 2, 0.5, generator())
    flipped = found[:, 0, 5, 0] > found[:, 0, 6, 0]
    assert 0.45 < flipped.float().mean() < 0.55
    starts = found[~flipped, 0, 5, 0].int() - 5
    assert starts.unique().tolist() == [-2, -1, 0, 1, 2]


@pytest.mark.parametrize("hflip", [0.0, 1.0])
def test_without_padding_images_are_flipped_or_not(hflip):
    images = batch()
    expected = images.flip(2) if hflip else images
    assert torch.equal(shift_and_flip(images, 0, hflip, generator()), expected)


@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.integers(0, 2**32))
@settings(max_examples=100)
def test_boxes_lie_within_the_image(width, height, least, seed):
    boxes = crop_boxes(width, height, 5, least, generator(seed))
    assert (boxes == boxes.round()).all()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] >= 1).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= [width, height]).all()


def test_boxes_have_the_area_and_aspect_that_were_asked_for():
    boxes = crop_boxes(200, 200, 2000, 0.25, generator())
    share = boxes[:, 2] * boxes[:, 3] / 200**2
    assert share.min() == pytest.approx(0.25, abs=0.02)
    assert share.max() > 0.95
    ratio = boxes[:, 2] / boxes[:, 3]
    assert ratio.min() >= 3 / 4 - 0.02
    assert ratio.max() <= 4 / 3 + 0.02


def test_an_image_too_narrow_for_any_box_is_cut_to_an_allowed_aspect():
    boxes = crop_boxes(400, 30, 3, 1.0, generator())
    assert boxes.tolist() == [[180, 0, 40, 30]] * 3
    boxes = crop_boxes(30, 400, 3, 1.0, generator())
    assert boxes.tolist() == [[0, 180, 30, 40]] * 3


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resized_crops_show_their_box(interpolation):
    """A ramp from left to right stays a ramp: its ends tell the box."""
    ramp = torch.arange(32).mul(8).view(1, 1, 32, 1).expand(20, 32, 32, 3).to(torch.uint8)
    found = resized_crop(ramp, 0.1, interpolation, generator(3))
    boxes = crop_boxes(32, 32, 20, 0.1, generator(3))
    assert found.shape == ramp.shape
    steps = (np.arange(32) + 0.5) / 32
    for image, (left, _, width, _) in zip(found.float(), boxes, strict=True):
        expected = np.clip((left + width * steps - 0.5) * 8, 0, 248)
        assert np.abs(image[16, 2:-2, 0].numpy() - expected[2:-2]).max() <= 2


def test_a_box_of_the_whole_image_changes_nothing(monkeypatch):
    whole = np.tile([0, 0, 16, 16], (12, 1)).astype(float)
    monkeypatch.setattr("workbench.data.transforms.crop_boxes", lambda *_: whole)
    assert torch.equal(resized_crop(batch(), 1.0, "bicubic", generator()), batch())


def test_jitter_stays_within_its_bounds_and_uses_them():
    grey = torch.full((500, 3, 4, 4), 100, dtype=torch.uint8)
    found = jitter(grey, 0.4, generator())
    assert (found == found[:, :1, :1, :1]).all()  # grey and even: only brightness shows
    assert 60 <= found.min() <= 62
    assert 138 <= found.max() <= 140


def test_jitter_changes_each_image_for_itself():
    images = batch(1).permute(0, 3, 1, 2).repeat(6, 1, 1, 1)
    found = jitter(images, 0.4, generator())
    assert len({tuple(image.flatten().tolist()) for image in found}) == 6


def test_erased_boxes_are_noise_of_the_right_size():
    images = torch.full((400, 3, 32, 32), 9.0)
    erase(images, 0.25, generator())
    gone = images != 9
    hit = gone.flatten(1).any(1)
    assert 0.18 < hit.float().mean() < 0.32
    for mask in gone[hit]:
        rows, columns = mask[0].any(1), mask[0].any(0)
        assert mask.all(0).sum() == rows.sum() * columns.sum()  # one full rectangle
        assert 0.01 < mask[0].float().mean() < 0.36
    noise = images[gone]
    assert abs(noise.mean()) < 0.05
    assert abs(noise.std() - 1) < 0.05


def test_normalised_images_have_the_constants_taken_off():
    names = ("a", "b")
    info = DataInfo(
        name="x",
        classes=2,
        class_names=names,
        native_side=None,
        train_size=1,
        test_size=1,
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
    )
    pixels = batch()
    found = Normalise(info, torch.device("cpu"))(pixels)
    expected = (pixels.permute(0, 3, 1, 2) / 255 - torch.tensor(info.mean).view(3, 1, 1)) / (
        torch.tensor(info.std).view(3, 1, 1)
    )
    assert torch.allclose(found, expected, atol=1e-5)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_streams_of_different_keys_share_nothing():
    keys = [(Purpose.ORDER, 0, 0), (Purpose.ORDER, 0, 1), (Purpose.ORDER, 1, 0)]
    keys += [(Purpose.AUGMENT, 0, 0, 0), (Purpose.MIX, 0, 0, 0), (Purpose.AUGMENT, 0, 0, 1)]
    first = [stream(*key).random() for key in keys]
    assert len(set(first)) == len(keys)
    assert first == [stream(*key).random() for key in keys]
