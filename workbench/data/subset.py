"""Stratified subsets that a seed fixes for good."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def stratified(labels: Ints, size: int, seed: int) -> Ints:
    """Ascending indices of `size` of `labels` (N,), as many of each class as of any other.

    Class counts differ by at most one, except that a class with too few members gives all it
    has. With one seed a smaller subset is part of a larger one.
    """
    # RandomState's stream is frozen by NumPy, so a subset is the same under every version.
    random = np.random.RandomState(seed % 2**32)
    classes = random.permutation(np.unique(labels))
    ranked = [random.permutation(np.flatnonzero(labels == each)) for each in classes]
    members = np.concatenate(ranked)
    rank = np.concatenate([np.arange(len(each)) for each in ranked])
    # Every class's first member, then every class's second, until there are enough.
    return np.sort(members[np.argsort(rank, kind="stable")[:size]])
