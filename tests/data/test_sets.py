import zlib

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from workbench.config import Augment, DataConfig
from workbench.data import DATASETS, describe, loaders, stand_in
from workbench.data.small import _digits, digits
from workbench.data.source import statistics
from workbench.errors import InputError

CPU = torch.device("cpu")


def test_digits_are_all_there_split_once_and_for_all():
    source = digits(DataConfig())
    info = source.info
    assert (info.train_size, info.test_size, info.native_side, info.channels) == (1198, 599, 8, 3)
    assert info.class_names == tuple("0123456789")
    assert np.ptp(np.bincount(source.test.labels)) <= 1
    rows = np.concatenate([source.train.pixels, source.test.pixels]).reshape(1797, -1)
    from sklearn.datasets import load_digits

    levels = np.rint(rows[:, ::3] / (255 / 16))  # no image lost, none in both splits
    assert np.array_equal(np.sort(levels, axis=0), np.sort(load_digits().data, axis=0))
    assert zlib.crc32(source.test.pixels.tobytes()) == 2429688912


def test_digits_are_the_default():
    assert describe(DataConfig()).name == "digits"


def test_synthetic_images_can_be_told_apart_and_come_from_the_seed():
    config = DataConfig(name="synthetic", train_size=100, test_size=40)
    source = DATASETS["synthetic"](config)
    means = np.stack([source.train.pixels[source.train.labels == c].mean(0) for c in range(10)])
    distance = ((source.test.pixels[:, None] - means) ** 2.0).sum((2, 3, 4))
    assert (distance.argmin(1) == source.test.labels).all()
    again = DATASETS["synthetic"](config)
    other = DATASETS["synthetic"](config.model_copy(update={"subset_seed": 1}))
    assert np.array_equal(source.train.pixels, again.train.pixels)
    assert not np.array_equal(source.train.pixels, other.train.pixels)


def test_synthetic_sizes_are_free_up_to_the_memory_limit():
    info = describe(DataConfig(name="synthetic", train_size=7, test_size=3))
    assert (info.train_size, info.test_size, info.classes) == (7, 3, 10)
    assert describe(DataConfig(name="synthetic")).train_size > 7
    with pytest.raises(
        InputError, match=r"data\.train_size: 1000 \+ 64 .* data.memory_limit_mb=1$"
    ):
        describe(DataConfig(name="synthetic", train_size=1000, memory_limit_mb=1))


def test_a_subset_is_taken_with_its_seed_and_not_the_runs():
    config = DataConfig(train_size=50, test_size=20)
    first, second = (loaders(config, Augment(), 50, 8, seed, CPU) for seed in (0, 1))
    assert (first.info.train_size, first.info.test_size) == (50, 20)
    assert torch.bincount(first.train.labels).tolist() == [5] * 10
    assert torch.equal(first.train.fetch.pixels, second.train.fetch.pixels)
    other = loaders(config.model_copy(update={"subset_seed": 1}), Augment(), 50, 8, 0, CPU)
    assert not torch.equal(first.train.fetch.pixels, other.train.fetch.pixels)


@pytest.mark.parametrize(
    ("name", "classes", "side", "test"),
    [("cifar10", 10, 32, 10_000), ("cifar100", 100, 32, 10_000), ("flowers102", 102, 32, 6_149)],
)
def test_random_images_stand_in_for_a_set_that_is_not_here(name, classes, side, test):
    found, config = stand_in(DataConfig(name=name, train_size=300))
    assert (found.classes, found.train_size, found.test_size) == (classes, 300, test)
    info = describe(config.model_copy(update={"test_size": 200}))
    assert (info.classes, info.native_side) == (classes, side)
    assert (info.train_size, info.test_size) == (300, 200)
    with pytest.raises(InputError, match=f"train_size: 50001 is more than .* images of {name}"):
        stand_in(DataConfig(name=name, train_size=50_001))
    assert stand_in(DataConfig(name="folder")) is None


def test_digits_are_those_of_scikit_learns_own_reader():
    data = load_digits()
    assert (_digits() == np.column_stack([data.data, data.target])).all()


def test_a_subset_is_normalised_like_the_whole_set():
    assert describe(DataConfig(train_size=50)).mean == describe(DataConfig()).mean


def test_statistics_are_those_of_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    pixels[..., 2] = 51
    mean, std = statistics(pixels)
    values = pixels.reshape(-1, 3) / 255
    assert np.allclose(mean, values.mean(0))
    assert np.allclose(std[:2], values.std(0)[:2])
    assert std[2] == pytest.approx(1 / 255)  # a constant channel is no division by zero


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "ImageNet-1k"}, r"^data\.name: unknown 'ImageNet-1k'; nearest: 'folder', .* val"),
        ({"name": "cifar11"}, r"^data\.name: unknown 'cifar11'; nearest: 'cifar10"),
        ({"train_size": 1199}, r"^data\.train_size: 1199 is more than the 1198 train images"),
        ({"test_size": 600}, r"^data\.test_size: 600 is more than the 599 test images of digits"),
    ],
)
def test_what_is_not_there_is_refused(config, message):
    with pytest.raises(InputError, match=message):
        describe(DataConfig(**config))
