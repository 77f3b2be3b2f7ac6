"""Each operation against timm's own, on the same image at the same strength."""

import numpy as np
import pytest
import torch
from PIL import Image
from timm.data import auto_augment as timm_ra

from tests.data.conftest import picture
from workbench.data.randaugment import (
    MOVEMENTS,
    OPERATIONS,
    RECOLOURINGS,
    Policy,
    Strength,
    _magnitudes,
    affine,
    parse_policy,
    rand_augment,
)
from workbench.errors import InputError

FILL = (12, 200, 90)
INCREASING = {"Posterize", "Solarize", "Color", "Contrast", "Brightness", "Sharpness"}


def timm(name: str, image: Image.Image, level: float, sign: float, increasing: bool) -> np.ndarray:
    """What timm's operation makes of `image`."""
    full = name + {"TranslateX": "Rel", "TranslateY": "Rel"}.get(name, "")
    full += "Increasing" if increasing and name in INCREASING else ""
    hparams = {"img_mean": FILL, "interpolation": Image.Resampling.BILINEAR}
    operation = timm_ra.AugmentOp(full, prob=1.0, magnitude=level * 10, hparams=hparams)
    negate = timm_ra._randomly_negate
    timm_ra._randomly_negate = lambda value: sign * value
    try:
        return np.asarray(operation(image)).astype(int)
    except ValueError:  # Pillow 13 refuses to keep no bit; before, that was black
        if name != "Posterize":
            raise
        return np.zeros((image.height, image.width, 3), int)
    finally:
        timm_ra._randomly_negate = negate


def ours(name: str, images: torch.Tensor, levels, signs, increasing: bool) -> torch.Tensor:
    strength = Strength(np.array(levels), np.array(signs), increasing)
    if name in RECOLOURINGS:
        return RECOLOURINGS[name](images, strength)
    matrices = MOVEMENTS[name](strength, *images.shape[2:])
    return affine(images, matrices, torch.tensor(FILL), "bilinear")


@pytest.mark.parametrize("increasing", [True, False])
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_timms(name, increasing):
    images = [picture(seed, (30, 24)) for seed in range(6)]
    levels, signs = [0.0, 0.07, 0.33, 0.5, 0.9, 1.0], [1.0, -1.0, -1.0, 1.0, -1.0, 1.0]
    batch = torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2)
    found = ours(name, batch, levels, signs, increasing).permute(0, 2, 3, 1).numpy().astype(int)
    for image, level, sign, result in zip(images, levels, signs, found, strict=True):
        difference = np.abs(timm(name, image, level, sign, increasing) - result)
        # A pixel whose source lies exactly on the border may fall on either side of it.
        assert np.quantile(difference, 0.99) <= 1, (level, difference.max())
        assert (difference > 2).mean() < 0.01


def test_the_notation_is_timms():
    assert parse_policy("rand-m9-mstd0.5-inc1") == Policy(9, 2, 0.5, 0.5, 10, True)
    assert parse_policy("rand-m7-n3-p0.7-mmax15") == Policy(7, 3, 0.7, 0, 15, False)
    assert parse_policy("rand") == Policy()


@pytest.mark.parametrize(
    "text", ["", "m9", "rand-", "rand-z1", "rand-m", "augmix-m5", "rand-tweights"]
)
def test_other_notations_are_refused(text):
    with pytest.raises(
        InputError, match=r"^augment\.randaugment: .* is not timm's notation"
    ) as caught:
        parse_policy(text)
    assert "\n" not in str(caught.value)


def augmented(policy: Policy, seed: int = 0, images: torch.Tensor | None = None) -> torch.Tensor:
    images = batch(200) if images is None else images
    return rand_augment(images, policy, torch.tensor(FILL), "bicubic", np.random.default_rng(seed))


def batch(count: int) -> torch.Tensor:
    pixels = np.stack([np.asarray(picture(seed, (16, 16))) for seed in range(count)])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def test_operations_are_applied_with_their_probability():
    images = batch(200)
    original = images.clone()

    def changed(prob: float) -> float:
        found = augmented(Policy(prob=prob, layers=1, increasing=True), images=images)
        return (found != original).flatten(1).any(1).float().mean().item()

    assert changed(0.0) == 0
    assert 0.35 < changed(0.5) < 0.55
    assert changed(1.0) > 0.85  # an equalised or stretched image can be what it was
    assert torch.equal(images, original)  # the batch itself is left as it was


def test_the_generator_draws_everything():
    policy = Policy(9, deviation=0.5, increasing=True)
    assert torch.equal(augmented(policy), augmented(policy))
    assert not torch.equal(augmented(policy), augmented(policy, seed=1))


def test_all_operations_occur(monkeypatch):
    seen: set[str] = set()
    for table in (RECOLOURINGS, MOVEMENTS):
        for name, operation in table.items():

            def spy(*args, name=name, operation=operation):
                if len(args[-1].level if name in RECOLOURINGS else args[0].level):
                    seen.add(name)
                return operation(*args)

            monkeypatch.setitem(table, name, spy)
    augmented(Policy())
    assert seen == set(OPERATIONS)


def test_magnitudes_are_drawn_as_the_policy_says():
    def drawn(policy: Policy) -> np.ndarray:
        return _magnitudes(policy, (2, 5000), np.random.default_rng(0))

    assert (drawn(Policy(magnitude=9)) == 9).all()
    noisy = drawn(Policy(magnitude=7, deviation=0.5))
    assert (noisy.mean(), noisy.std()) == pytest.approx((7, 0.5), abs=0.03)
    wild = drawn(Policy(magnitude=9, deviation=50))
    assert (wild.min(), wild.max()) == (0, 10)
    assert drawn(Policy(magnitude=14, most=15)).max() == 14
    uniform = drawn(Policy(magnitude=8, deviation=101))
    assert (uniform.mean(), uniform.std()) == pytest.approx((4, 8 / 12**0.5), abs=0.1)
