"""Stratified subsets that a seed fixes for good."""

from collections.abc import Sequence
from math import ceil

import numpy as np
import numpy.typing as npt

from workbench.errors import InputError

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


def held_out(labels: Ints, share: float, seed: int, class_names: Sequence[str]) -> Ints:
    """Ascending indices of `share` of each class of `labels` (N,), rounded to whole images.

    Raises `InputError` where that leaves a class without a validation or a training image, with
    the smallest share, or the largest, that does not.
    """
    random = np.random.RandomState(seed % 2**32)
    chosen = []
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        size = int(share * len(members) + 0.5)
        if not 0 < size < len(members):
            raise _leaves_empty(labels, share, class_names[int(label)], whole=size > 0)
        chosen.append(members[:size])
    return np.sort(np.concatenate(chosen))


def _leaves_empty(labels: Ints, share: float, name: str, whole: bool) -> InputError:
    least = int(np.unique(labels, return_counts=True)[1].min())
    if least < 2:
        why = "a class has one training image alone, which can't be split; leave it out"
    elif whole:
        most = (int(1e4 * (least - 0.5) / least) - 1) / 1e4
        why = f"class {name!r} keeps no training image; the largest share that leaves one: {most:g}"
    else:
        fewest = ceil(1e4 * 0.5 / least) / 1e4
        why = f"class {name!r} gets no validation image; the smallest share with one: {fewest:g}"
    return InputError(f"{share:g} is refused: {why}", key="data.validation")
