"""Random streams that are keyed, so that no draw depends on what was drawn before it."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for; streams of different purposes never share their draws."""

    ORDER = 1  # of (seed, epoch)
    AUGMENT = 2  # of (seed, epoch, step)
    MIX = 3  # of (seed, epoch, step)
    CROP = 4  # of (seed, epoch, image, copy): drawn in a loader's worker
    SYNTHETIC = 5
    SCENES = 6  # of (seed, split, index, side)
    MOVE = 7  # of (seed, epoch, image): augmentation of a scene


def stream(purpose: Purpose, *key: int) -> np.random.Generator:
    """The stream of `purpose` and `key`: the same key gives the same draws on every machine."""
    return np.random.default_rng([int(purpose), *key])
