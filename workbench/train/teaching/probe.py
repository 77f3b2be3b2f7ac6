"""What a network's features are worth on other images, without training it."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from workbench.config import Augment, DataConfig
from workbench.data import loaders
from workbench.data.batches import TestLoader
from workbench.errors import InputError
from workbench.models import Network
from workbench.models.inspect import eval_mode
from workbench.train.teaching.colours import Colours, recoloured
from workbench.train.teaching.teacher import OfTimm

BATCH = 256
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Probe(NamedTuple):
    """Top-1 on test images, in percent, of what `pooled` features say by two simple rules."""

    knn: float
    linear: float
    features: int  # that the classifier reads of an image
    train: int  # images
    test: int


def probe(
    network: nn.Module,
    data: DataConfig,
    neighbours: int = 20,
    temperature: float = 0.07,
    *,
    resolution: int | None = None,
    colours: Colours | None = None,
) -> Probe:
    """k-NN and linear probe of `network` on `data`: one pass over its images, no gradient.

    k-NN: the votes of the `neighbours` training images most alike by cosine, each of weight
    exp(cosine / temperature). Source: arXiv:1805.01978, as DINO has it. Linear: a logistic
    regression on standardised features. Features are what the classifier reads; images are at
    `resolution`, which a network of timm's has to be given and ours know, and normalised by
    `colours`, where they are others than those of `data`. Raises `InputError` for data that can't
    be used or more neighbours than training images.
    """
    device = next(network.parameters()).device
    side = network.spec.resolution if isinstance(network, Network) else resolution
    assert side is not None
    made = loaders(data, Augment(), BATCH, side, 0, device)
    if not 1 <= neighbours <= made.info.train_size:
        raise InputError(
            f"{neighbours} is refused: there are {made.info.train_size} training images",
            key="neighbours",
        )
    plain = TestLoader(
        made.train.fetch, made.train.labels, BATCH, made.train.transform.normalise
    )  # the training images as they are
    given = Colours(made.info.mean, made.info.std)

    def pooled(images: Tensor) -> Tensor:
        return _pooled(network, recoloured(images, given, colours))

    with eval_mode(network):
        train, labels = _features(pooled, plain)
        test, truth = _features(pooled, made.test)
    votes = _votes(train, labels, test, neighbours, temperature, made.info.classes)
    right = votes.argmax(1) == truth
    linear = _linear(train, labels, test, truth)
    return Probe(_percent(right), linear, train.shape[1], len(labels), len(truth))


def _pooled(network: nn.Module, images: Tensor) -> Tensor:
    """What the classifier reads of images: (B, features)."""
    if isinstance(network, Network):
        return network.pooled(images)
    theirs = cast(OfTimm, network)
    return theirs.forward_head(theirs.forward_features(images), pre_logits=True)


@torch.inference_mode()
def _features(
    pooled: Callable[[Tensor], Tensor], batches: Iterable[tuple[Tensor, Tensor]]
) -> tuple[Floats, Ints]:
    """What the classifier reads (N, features), and the labels (N,)."""
    found, labels = list[Tensor](), list[Tensor]()
    for images, target in batches:
        found.append(pooled(images).float().cpu())
        labels.append(target.cpu())
    return torch.cat(found).numpy(), torch.cat(labels).numpy()


def _votes(
    train: Floats, labels: Ints, test: Floats, neighbours: int, temperature: float, classes: int
) -> Floats:
    """The weight of each class (M, classes) among the neighbours of each test image."""
    unit = [
        each / np.linalg.norm(each, axis=1, keepdims=True).clip(1e-12) for each in (train, test)
    ]
    alike = unit[1] @ unit[0].T
    nearest = np.argpartition(-alike, neighbours - 1, axis=1)[:, :neighbours]
    weights = np.exp(np.take_along_axis(alike, nearest, axis=1) / temperature)
    votes = np.zeros((len(test), classes), np.float32)
    np.add.at(votes, (np.arange(len(test))[:, None], labels[nearest]), weights)
    return votes


def _linear(train: Floats, labels: Ints, test: Floats, truth: Ints) -> float:
    from sklearn.linear_model import LogisticRegression  # scikit-learn takes a second to import

    mean, std = train.mean(0), train.std(0).clip(1e-6)
    model = LogisticRegression(max_iter=1000).fit((train - mean) / std, labels)
    return _percent(model.predict((test - mean) / std) == truth)


def _percent(right: npt.NDArray[np.bool_]) -> float:
    return 100.0 * float(right.mean())
