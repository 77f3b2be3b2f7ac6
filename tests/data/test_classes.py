"""`data.classes`: some of a set's classes, with new labels in the order given."""

import numpy as np
import pytest

from workbench.config import DataConfig
from workbench.data import describe, facts, open_source, stand_in
from workbench.errors import InputError


def test_the_images_are_those_of_the_classes_in_their_order() -> None:
    whole = open_source(DataConfig(name="digits"))
    some = open_source(DataConfig(name="digits", classes=(7, 3, 1)))
    assert some.class_names == ("7", "3", "1")
    for split, all_of in ((some.train, whole.train), (some.test, whole.test)):
        for label, digit in enumerate((7, 3, 1)):
            mine, theirs = split.labels == label, all_of.labels == digit
            np.testing.assert_array_equal(split.pixels[mine], all_of.pixels[theirs])
        assert len(split.labels) == np.isin(all_of.labels, [7, 3, 1]).sum()
    assert (some.mean, some.std) == (whole.mean, whole.std)
    assert some.test_set != whole.test_set


def test_sizes_are_of_the_classes() -> None:
    config = DataConfig(name="digits", classes=(0, 9), train_size=20, validation=0.2)
    info = describe(config)
    assert (info.classes, info.train_size, info.validation_size) == (2, 16, 4)
    config = DataConfig(name="cifar10", classes=(5, 6, 7, 8, 9))
    known = facts(config)
    assert (known.classes, known.train_size, known.test_size) == (5, 25_000, 5_000)
    found = stand_in(config)
    assert found is not None
    here = describe(found[1].model_copy(update={"train_size": 50, "test_size": 20}))
    assert (here.classes, here.train_size, here.test_size) == (5, 50, 20)


@pytest.mark.parametrize(
    ("classes", "said"), [((0, 10), "10 is no class of digits, which has 0 to 9"),
                          ((1, 2, 1), "1 stands there more than once")]
)  # fmt: skip
def test_classes_that_are_not_there(classes: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=f"data.classes: {said}"):
        describe(DataConfig(name="digits", classes=classes))
