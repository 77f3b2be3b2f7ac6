"""Validation images, cut from those of training; and what a test set is told by."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config import Augment, DataConfig
from workbench.data import DATASETS, describe, loaders
from workbench.data.source import Source
from workbench.data.subset import held_out
from workbench.errors import InputError

CLASSES = [str(label) for label in range(6)]
# Two images of a class at least: of one alone there is no split.
LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=40).map(lambda few: np.array(few + few))


def opened(**config) -> Source:
    made = DataConfig(**config)
    return DATASETS[made.name](made).subset(made)


@given(LABELS, st.floats(0.01, 0.99), st.integers(0, 2**40))
def test_every_class_gives_its_share_or_the_split_is_refused(labels, share, seed):
    try:
        chosen = held_out(labels, share, seed, CLASSES)
    except InputError as error:
        share = float(str(error).rpartition(": ")[2])  # the one that it proposes
        chosen = held_out(labels, share, seed, CLASSES)
    assert (np.diff(chosen) > 0).all()
    have, taken = Counter(labels.tolist()), Counter(labels[chosen].tolist())
    for label, count in have.items():
        assert 0 < taken[label] < count
        assert abs(taken[label] - share * count) <= 0.5 + 1e-9
    assert np.array_equal(chosen, held_out(labels, share, seed, CLASSES))


def test_the_split_is_cut_after_train_size_and_nothing_is_lost():
    plain, split = opened(train_size=200), opened(train_size=200, validation=0.1)
    assert split.validation is not None
    assert (split.info.train_size, split.info.validation_size) == (180, 20)
    assert Counter(split.validation.labels.tolist()) == dict.fromkeys(range(10), 2)
    every = {pixels.tobytes() for pixels in plain.train.pixels}
    train = {pixels.tobytes() for pixels in split.train.pixels}
    validation = {pixels.tobytes() for pixels in split.validation.pixels}
    assert train | validation == every
    assert split.test_set == plain.test_set


def test_a_share_that_leaves_a_class_empty_is_refused_with_the_smallest_that_does_not():
    config = DataConfig(train_size=100, validation=0.04)
    with pytest.raises(InputError, match=r"data\.validation: 0\.04 is refused: .* one: 0\.05$"):
        describe(config)
    assert describe(config.model_copy(update={"validation": 0.05})).validation_size == 10
    with pytest.raises(InputError, match=r"the largest share that leaves one: 0\.9"):
        describe(config.model_copy(update={"validation": 0.96}))
    with pytest.raises(InputError, match="one training image alone"):
        describe(config.model_copy(update={"train_size": 10}))


def test_the_loaders_show_validation_images_as_test_images_are_shown():
    config = DataConfig(train_size=200, test_size=50, validation=0.25)
    made = loaders(config, Augment(crop_padding=1, hflip=0.5), 16, 8, 0, "cpu")
    assert made.validation is not None
    seen = list(made.validation)
    assert sum(len(labels) for _, labels in seen) == 50
    again = list(made.validation)
    assert all((one[0] == other[0]).all() for one, other in zip(seen, again, strict=True))
    assert len(made.train.labels) == 150


def test_a_subset_of_the_test_images_is_stratified_and_in_order():
    test = loaders(DataConfig(test_size=100), Augment(), 16, 8, 0, "cpu").test
    few = test.subset(20, seed=0)
    assert len(few) == 2
    labels = np.concatenate([batch.numpy() for _, batch in few])
    assert Counter(labels.tolist()) == dict.fromkeys(range(10), 2)
    images = np.concatenate([batch.numpy() for batch, _ in test])
    chosen = np.concatenate([batch.numpy() for batch, _ in few])
    assert np.array_equal(chosen, images[few.order])
    assert test.subset(100, seed=0) is test


def test_the_digest_tells_test_sets_and_their_order_apart():
    whole = opened()
    assert whole.test_set == opened(train_size=100).test_set
    part = opened(test_size=100)
    other_way = replace(part, test=part.test.take(np.arange(100)[::-1]))
    sources = [whole, part, other_way, opened(test_size=100, subset_seed=1)]
    assert len({source.test_set for source in sources}) == 4
