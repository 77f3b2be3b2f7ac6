"""The photographs that ship with a dependency."""

import torch

from workbench.data.photographs import photographs


def test_two_squares_in_unit_range() -> None:
    found = photographs(32)
    assert found.shape == (2, 3, 32, 32)
    assert found.dtype == torch.float32
    assert 0 <= found.min() < 0.2 < 0.8 < found.max() <= 1
    assert not torch.equal(found[0], found[1])
