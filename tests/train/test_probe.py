"""k-NN and linear probe, against votes counted one by one."""

import numpy as np
import pytest
import torch

from tests.train.test_teaching import ONE_HEAD
from workbench.config import DataConfig
from workbench.errors import InputError
from workbench.models import build
from workbench.train.teaching.probe import _votes, probe

DIGITS = DataConfig(name="digits", train_size=200, test_size=100)


def test_votes_are_weighed_by_how_alike_images_are() -> None:
    random = np.random.default_rng(0)
    train, test = (random.normal(size=(n, 4)).astype(np.float32) for n in (12, 3))
    labels = np.arange(12) % 3
    found = _votes(train, labels, test, 5, 0.1, 3)
    for image, votes in zip(test, found, strict=True):
        cosines = [float(image @ t / np.linalg.norm(image) / np.linalg.norm(t)) for t in train]
        nearest = sorted(range(12), key=lambda index: -cosines[index])[:5]
        expected = [
            sum(np.exp(cosines[i] / 0.1) for i in nearest if labels[i] == c) for c in range(3)
        ]
        np.testing.assert_allclose(votes, expected, rtol=1e-4)


def test_features_say_more_than_chance_and_the_network_stays_as_it_was() -> None:
    network = build(ONE_HEAD, seed=1).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    found = probe(network, DIGITS)
    assert found.knn > 30  # of ten classes, from random weights
    assert found.linear > 30
    assert network.training
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)
    assert probe(network, DIGITS) == found


def test_more_neighbours_than_images() -> None:
    with pytest.raises(InputError, match="neighbours: 201 is refused: there are 200"):
        probe(build(ONE_HEAD), DIGITS, neighbours=201)
