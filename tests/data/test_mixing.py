import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.data.mixup import mixup_target

from workbench.config import Augment
from workbench.data import mix

LABELS = torch.tensor([0, 1, 2, 3, 4, 2])


def mixed(augment: Augment, seed: int, side: int = 12):
    """Image n is n everywhere, so what was mixed can be read off."""
    images = torch.arange(6.0).view(6, 1, 1, 1).repeat(1, 3, side, side)
    return mix(images, LABELS, 5, augment, np.random.default_rng(seed))


def share_of(targets: torch.Tensor) -> float:
    """The first image's share in its own target: classes 0 and 2."""
    assert targets[0, 0] + targets[0, 2] == pytest.approx(1)
    return targets[0, 0].item()


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_cutmix_targets_are_the_shares_of_the_pixels(seed):
    images, targets = mixed(Augment(cutmix=1.0), seed)
    for own, (image, target) in enumerate(zip(images, targets, strict=True)):
        assert set(image.unique().tolist()) <= {float(own), 5.0 - own}
        share = (image == own).float().mean().item()
        expected = torch.zeros(5)
        expected[LABELS[own]] += share
        expected[LABELS[5 - own]] += 1 - share
        assert torch.allclose(target, expected, atol=1e-6)


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_mixup_targets_are_the_weights_of_the_images(seed):
    images, targets = mixed(Augment(mixup=0.8), seed)
    share = share_of(targets)
    expected = torch.arange(6.0) * share + torch.arange(5.0, -1, -1) * (1 - share)
    assert torch.allclose(images, expected.view(6, 1, 1, 1).expand_as(images), atol=1e-5)


def test_targets_are_timms():
    share = share_of(mixed(Augment(mixup=0.8), 3)[1])
    _, targets = mixed(Augment(mixup=0.8), 3)
    expected = mixup_target(LABELS, 5, lam=share, smoothing=0.0)
    assert torch.allclose(targets, expected, atol=1e-6)


def test_the_two_are_chosen_by_the_switch_and_left_out_by_the_probability():
    def kinds(**settings: float) -> list[str]:
        found = []
        for seed in range(200):
            images, targets = mixed(Augment(mixup=1.0, cutmix=1.0, **settings), seed)
            whole = (images == images[:, :1, :1, :1]).all()
            unmixed = torch.equal(targets.max(1).values, torch.ones(6))
            found.append("none" if unmixed and whole else "mixup" if whole else "cutmix")
        return found

    assert kinds(mixup_switch_prob=0.0).count("mixup") == 200
    assert kinds(mixup_switch_prob=1.0).count("mixup") < 20  # boxes that vanish or fill the image
    assert kinds(mixup_prob=0.0).count("none") == 200
    assert 60 < kinds(mixup_prob=0.5).count("none") < 140


def test_without_mixing_targets_are_one_hot():
    images, targets = mixed(Augment(), 0)
    assert torch.equal(images[:, 0, 0, 0], torch.arange(6.0))
    assert torch.allclose(targets[0], torch.tensor([1.0, 0, 0, 0, 0]))


def test_shares_follow_the_beta_distribution():
    shares = [share_of(mixed(Augment(mixup=0.2), seed)[1]) for seed in range(300)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.08)
    assert np.var(shares) == pytest.approx(1 / (4 * 1.4), abs=0.04)
