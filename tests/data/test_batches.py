import random

import numpy as np
import pytest
import torch

from tests.data.conftest import picture
from workbench.config import Augment, DataConfig
from workbench.data import batches as batches_module
from workbench.data import describe, loaders
from workbench.data.batches import epoch_order, fits_in_memory
from workbench.data.fetch import central_box, decode_all, resized
from workbench.data.source import ArraySplit, array_source
from workbench.errors import InputError

CPU = torch.device("cpu")
SMALL = DataConfig(name="synthetic", train_size=50, test_size=21)
PLAIN = Augment()
CROPS = Augment(random_resized_crop=True, hflip=0.5, random_erasing=0.25)
EVERYTHING = Augment(
    crop_padding=4,
    hflip=0.5,
    randaugment="rand-m9-mstd0.5-inc1",
    random_erasing=0.25,
    mixup=0.8,
    cutmix=1.0,
    repeats=2,
)
JITTER = Augment(hflip=0.5, color_jitter=0.4, cutmix=1.0)
ALL = pytest.mark.parametrize("augment", [PLAIN, CROPS, EVERYTHING, JITTER])
HELD = pytest.mark.parametrize("held", [True, False], ids=["memory", "stream"])


@pytest.fixture
def hold(monkeypatch):
    """Chooses whether sets are held in memory."""

    def choose(held: bool) -> None:
        monkeypatch.setattr(batches_module, "fits_in_memory", lambda *_: held)

    return choose


def make(augment=PLAIN, config=SMALL, batch_size=8, side=32, seed=0):
    return loaders(config, augment, batch_size, side, seed, CPU)


def epochs(made, which=(0, 1)):
    """The batches of those epochs, one after the other."""
    found = []
    for epoch in which:
        made.train.set_epoch(epoch)
        found += list(made.train)
    return found


def same(first, second) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in pairs)


@HELD
@ALL
def test_batches_have_their_shape_and_memory(augment, held, hold):
    hold(held)
    made = make(augment, side=40)
    assert made.in_memory == held
    found = list(made.train)
    assert len(found) == len(made.train) == 6  # 50 images, the last 2 are left out
    for images, targets in found:
        assert (images.shape, images.dtype) == ((8, 3, 40, 40), torch.float32)
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert images.isfinite().all()
        if augment.mixup or augment.cutmix:
            assert targets.shape == (8, 10)
            assert torch.allclose(targets.sum(1), torch.ones(8))
        else:
            assert (targets.shape, targets.dtype) == ((8,), torch.int64)


@HELD
def test_the_test_set_is_whole_and_in_order(held, hold):
    hold(held)
    made = make()
    images, labels = zip(*made.test, strict=True)
    assert len(made.test) == len(images) == 3
    assert torch.cat(images).shape == (21, 3, 32, 32)
    assert torch.cat(labels).tolist() == [n % 10 for n in range(21)]
    assert images[0].is_contiguous(memory_format=torch.channels_last)
    again = torch.cat([images for images, _ in made.test])
    assert torch.equal(again, torch.cat(images))


@HELD
@ALL
def test_the_stream_is_the_seeds_whatever_else_draws(augment, held, hold):
    hold(held)
    first = epochs(make(augment))
    torch.manual_seed(123)
    np.random.seed(5)
    torch.rand(7)
    assert same(first, epochs(make(augment)))
    assert not same(first, epochs(make(augment, seed=1)))


@HELD
@ALL
def test_a_run_resumed_at_an_epoch_gets_the_same_stream(augment, held, hold):
    hold(held)
    whole = epochs(make(augment), (0, 1, 2))
    assert same(whole[12:], epochs(make(augment), (2,)))
    assert not same(whole[:6], whole[6:12])


@HELD
@ALL
def test_an_epoch_left_in_the_middle_changes_nothing(augment, held, hold):
    hold(held)
    made = make(augment)
    expected = epochs(made, (1,))
    next(iter(made.train))
    assert same(expected, epochs(made, (1,)))


@HELD
@ALL
def test_the_global_streams_are_left_alone(augment, held, hold):
    hold(held)
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    made = make(augment)
    epochs(made)
    list(made.test)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
    assert before[2] == random.getstate()


def test_augmentations_do_not_change_the_order():
    plain, crops, jitter = (make(each) for each in (PLAIN, CROPS, Augment(color_jitter=0.4)))
    labels = [torch.cat([target for _, target in made.train]) for made in (plain, crops, jitter)]
    assert torch.equal(labels[0], labels[1])
    assert torch.equal(labels[0], labels[2])


@pytest.mark.parametrize("augment", [PLAIN, Augment(crop_padding=4, hflip=0.5, mixup=0.2)])
@pytest.mark.parametrize("side", [32, 24])
def test_memory_and_workers_give_the_same_batches(augment, side, hold):
    hold(True)
    held = make(augment, side=side)
    hold(False)
    streamed = make(augment, side=side)
    assert same(epochs(held), epochs(streamed))
    assert same(held.test, streamed.test)


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(hold):
    hold(False)
    alone = epochs(make(CROPS))
    two = make(CROPS, SMALL.model_copy(update={"workers": 2}))
    assert same(alone, epochs(two))
    assert same(make(CROPS).test, two.test)


def test_every_image_is_seen_once_an_epoch():
    made = make(batch_size=50)
    (images, _), (second, _) = epochs(made)
    rows = [batch.flatten(1).sum(1).sort().values for batch in (images, second)]
    assert torch.allclose(*rows)
    assert not torch.equal(images, second)


@pytest.mark.parametrize(("count", "repeats"), [(12, 1), (12, 3), (13, 3), (2, 5)])
def test_repeats_show_a_part_of_the_images_several_times(count, repeats):
    order = epoch_order(count, 0, 0, repeats)
    assert len(order) == count
    _, copies = np.unique(order, return_counts=True)
    assert sorted(copies)[1:] == [min(repeats, count)] * (len(copies) - 1)
    assert (order[: repeats * (count // repeats)].reshape(-1, repeats).std(1) == 0).all()


@HELD
def test_repeated_images_are_augmented_each_for_itself(held, hold):
    hold(held)
    made = make(Augment(random_resized_crop=True, repeats=2))
    images, _ = next(iter(made.train))
    assert not torch.equal(images[0], images[1])


@pytest.mark.parametrize(("batch_size", "steps", "images"), [(64, 1, 50), (50, 1, 50), (49, 1, 49)])
def test_an_incomplete_batch_is_kept_only_where_there_is_no_other(batch_size, steps, images):
    made = make(batch_size=batch_size)
    assert len(made.train) == steps
    assert sum(len(batch) for batch, _ in made.train) == images


def test_training_images_are_normalised():
    images = torch.cat([batch for batch, _ in make(batch_size=50).train])
    assert torch.allclose(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(images.std((0, 2, 3)), torch.ones(3), atol=1e-3)


def test_evaluation_crops_the_middle(tmp_path):
    """An image black but for a white frame: without the frame it is black."""
    pixels = np.full((20, 20, 20, 3), 255, np.uint8)
    pixels[:, 2:18, 2:18] = 0
    source = array_source("frames", ("a",), *[ArraySplit(pixels, np.zeros(20, np.int64))] * 2)
    whole = decode_all(source.test, 16, 1.0, "bilinear")
    middle = decode_all(source.test, 16, 0.8, "bilinear")
    assert whole[:, 0].min() > 200
    assert middle[:, 1:-1, 1:-1].max() == 0


def test_an_image_that_is_not_square_keeps_its_proportions():
    image = picture(0, (40, 20))
    box = central_box(image, 1.0)
    assert box == (10, 0, 30, 20)
    middle = np.asarray(image.crop((10, 0, 30, 20)))
    assert np.array_equal(resized(image, box, 20, "bicubic"), middle)


def test_sets_larger_than_the_limit_stream():
    """71 images of 70 by 70 pixels take 1.04 million bytes; a megabyte is 1.05."""
    config = SMALL.model_copy(update={"memory_limit_mb": 1})
    assert make(config=config, side=70).in_memory
    assert not make(config=config, side=71).in_memory


def test_random_crops_are_cut_from_the_full_image():
    pixels = np.zeros((4, 64, 64, 3), np.uint8)
    split = ArraySplit(pixels, np.array([0, 1, 0, 1]))
    source = array_source("large", ("a", "b"), split, split)
    assert fits_in_memory(source, SMALL, PLAIN, 32)
    assert not fits_in_memory(source, SMALL, CROPS, 32)
    assert fits_in_memory(source, SMALL, CROPS, 64)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (Augment(crop_padding=8), r"^augment\.crop_padding: 8 must be less than the side, 8$"),
        (Augment(crop_padding=1, random_resized_crop=True), r"^augment\.crop_padding: 1 goes with"),
        (Augment(randaugment="rand-x9"), r"^augment\.randaugment: 'rand-x9' is not timm's"),
        (
            Augment(randaugment="rand-m9", color_jitter=0.4),
            r"^augment\.color_jitter: 0.4 has no effect beside randaugment",
        ),
    ],
)
def test_augmentations_that_cannot_be_are_refused(augment, message):
    with pytest.raises(InputError, match=message):
        make(augment, DataConfig(), side=8)


def test_the_description_is_found_out_once():
    assert describe(SMALL) == describe(SMALL)
    from workbench.data import _source

    assert _source.cache_info().misses == 1
