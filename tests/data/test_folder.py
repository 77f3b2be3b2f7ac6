import os
import shutil
import warnings

import numpy as np
import pytest
import torch

from tests.data.conftest import encoded, picture
from workbench.config import IMAGENET_MEAN, IMAGENET_STD, Augment, DataConfig
from workbench.data import BadImagesWarning, describe, loaders
from workbench.errors import InputError

CPU = torch.device("cpu")


def config(root, **fields) -> DataConfig:
    return DataConfig(name="folder", path=str(root), **fields)


@pytest.mark.parametrize("test", ["val", "test"])
def test_a_folder_in_imagenets_layout(make_folder, test):
    info = describe(config(make_folder(("dog", "ant", "cat"), test=test)))
    assert info.class_names == ("ant", "cat", "dog")
    assert (info.train_size, info.test_size, info.native_side) == (12, 6, None)
    assert (info.mean, info.std) == (IMAGENET_MEAN, IMAGENET_STD)


def test_val_is_taken_where_there_is_test_too(make_folder):
    root = make_folder()
    (root / "test" / "unlabelled").mkdir(parents=True)
    assert describe(config(root)).test_size == 4


def test_images_lie_as_deep_as_they_like_and_other_files_are_not_images(make_folder):
    root = make_folder()
    deep = root / "train" / "cat" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "x.JPEG").write_bytes(encoded(picture(0), "JPEG"))
    (deep / "notes.txt").write_text("not an image")
    assert describe(config(root)).train_size == 9


def test_equal_square_images_have_a_native_side(make_folder):
    root = make_folder()
    for file in root.rglob("*.png"):
        picture(1, (24, 24)).save(file)
    assert describe(config(root)).native_side == 24


def damage(root) -> None:
    """One image of each odd kind in train/cat and a broken one in val/dog."""
    cat = root / "train" / "cat"
    jpeg = encoded(picture(5, (120, 120)), "JPEG")
    (cat / "grey.png").write_bytes(encoded(picture(5).convert("L")))
    (cat / "cmyk.jpg").write_bytes(encoded(picture(5).convert("CMYK"), "JPEG"))
    (cat / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (root / "val" / "dog" / "noise.jpg").write_bytes(b"\xff\xd8 noise")
    (root / "val" / "dog" / "lost.jpg").symlink_to(root / "nowhere.jpg")


def described(settings: DataConfig) -> tuple[object, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BadImagesWarning)
        info = describe(settings)
        loaders(settings, Augment(), 4, 16, 0, CPU)
    return info, [str(each.message) for each in caught]


def test_odd_images_are_converted_and_unreadable_ones_named_in_one_warning(make_folder):
    root = make_folder()
    damage(root)
    info, (message,) = described(config(root))
    assert (info.train_size, info.test_size) == (11, 4)
    assert message.endswith(
        "2 of 17 images (val/dog/lost.jpg (unreadable), val/dog/noise.jpg (unreadable)) skipped; "
        "1 of 17 images (train/cat/cut.jpg (truncated)) used in part; "
        "leave them out with --set recipe.data.bad_images=skip"
    )


def test_odd_images_are_skipped_by_choice(make_folder):
    root = make_folder()
    damage(root)
    info, (message,) = described(config(root, bad_images="skip"))
    assert (info.train_size, info.test_size) == (8, 4)
    for name in ("grey.png (grayscale)", "cmyk.jpg (CMYK)", "cut.jpg (truncated)", "noise.jpg"):
        assert name in message


def test_odd_images_fail_early_by_choice(make_folder):
    root = make_folder()
    damage(root)
    with pytest.raises(InputError, match=r"^data\.path: .* 5 of 17 images \(.*grey.png") as caught:
        describe(config(root, bad_images="fail"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("choice", ["convert", "skip", "fail"])
def test_a_sound_folder_warns_of_nothing(make_folder, choice):
    info, messages = described(config(make_folder(), bad_images=choice))
    assert (info.train_size, messages) == (8, [])


@pytest.mark.parametrize("limit_reached", [False, True])
def test_every_epoch_over_damaged_images_goes_through(make_folder, limit_reached, monkeypatch):
    root = make_folder()
    damage(root)
    if limit_reached:
        monkeypatch.setattr("workbench.data.batches.fits_in_memory", lambda *_: False)
    with pytest.warns(BadImagesWarning):
        made = loaders(config(root), Augment(), 4, 16, 0, CPU)
    for epoch in range(3):
        made.train.set_epoch(epoch)
        assert sum(len(images) for images, _ in made.train) == 8
    assert sum(len(images) for images, _ in made.test) == 4


def test_an_image_changed_after_the_check_is_checked_again(make_folder):
    import workbench.data as data

    root = make_folder()
    assert describe(config(root)).train_size == 8
    (root / "train" / "cat" / "0.png").write_bytes(b"overwritten")
    data._source.cache_clear()
    with pytest.warns(BadImagesWarning, match=r"train/cat/0.png \(unreadable\)"):
        assert describe(config(root)).train_size == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: shutil.rmtree(root), "does not exist$"),
        (lambda root: (shutil.rmtree(root), root.write_text("")), "is not a folder; give one with"),
        (lambda root: (shutil.rmtree(root), root.mkdir()), "has no train/; give a folder with"),
        (lambda root: shutil.rmtree(root / "val"), "has neither val/ nor test/"),
        (lambda root: shutil.rmtree(root / "train" / "cat"), "has one class, 'dog'"),
        (
            lambda root: (shutil.rmtree(root / "train"), (root / "train").mkdir()),
            "has no class; at least two are needed",
        ),
        (
            lambda root: [file.unlink() for file in (root / "train").rglob("*.png")],
            "has no image in train/",
        ),
        (
            lambda root: [file.unlink() for file in (root / "val").rglob("*.png")],
            "has no image in val/",
        ),
        (
            lambda root: [file.unlink() for file in (root / "train" / "cat").rglob("*.png")],
            "has no usable training image of class 'cat'",
        ),
        (
            lambda root: (root / "val" / "dog").rename(root / "val" / "dogs"),
            "has class 'dogs' in val/ but not in train/; nearest: 'dog",
        ),
    ],
)
def test_folders_that_cannot_be_used_are_refused(make_folder, change, message):
    root = make_folder()
    change(root)
    with pytest.raises(InputError, match=rf"^data\.path: '{root}' {message}") as caught:
        describe(config(root))
    assert "\n" not in str(caught.value)


def test_without_a_path_the_layout_is_named():
    with pytest.raises(InputError, match=r"^data\.path: missing; .*train/CLASS/"):
        describe(DataConfig(name="folder"))


def test_a_test_folder_with_broken_images_only_is_refused(make_folder):
    root = make_folder()
    for file in (root / "val").rglob("*.png"):
        file.write_bytes(b"broken")
    with (
        pytest.warns(BadImagesWarning),
        pytest.raises(InputError, match="has no test image that can be used"),
    ):
        describe(config(root))


def test_labels_belong_to_their_images(make_folder):
    """Each image is of one grey: ten times its label, and a bit."""
    root = make_folder(("a", "b", "c"))
    for label, name in enumerate("abc"):
        for file in (root / "train" / name).iterdir():
            picture(0, (8, 8)).point(lambda _, grey=80 * label: grey).save(file)
    made = loaders(config(root), Augment(), 5, 8, 0, CPU)
    for images, labels in made.train:
        grey = (images * torch.tensor(IMAGENET_STD).view(3, 1, 1)) + torch.tensor(
            IMAGENET_MEAN
        ).view(3, 1, 1)
        assert np.allclose(grey.mean((1, 2, 3)), labels * 80 / 255, atol=1e-5)


# ---------------------------------------------------------------- links, devices, names, EXIF


@pytest.mark.parametrize(
    ("link", "target", "named"),
    [
        ("train/cat/up", "../../train", "train"),  # a loop over all classes
        ("train/cat/again", "../cat", "train/cat"),
        ("train/cat/root", "../..", "images"),
        ("train/cat/above", "/", "/"),
        ("train/cat/dogs", "../dog", "train/dog"),  # images with two labels
        ("train/dogs", "dog", "train/dog"),  # a class that is another one
        ("val/cat/dogs", "../../train/dog", "train/dog"),
        ("val/dog/up", "../../train", "train"),
    ],
)
def test_a_link_to_a_folder_that_is_read_already_is_refused(make_folder, link, target, named):
    root = make_folder()
    (root / link).symlink_to(target)
    with pytest.raises(InputError, match="are one folder, through a link") as caught:
        describe(config(root))
    message = str(caught.value)
    assert "\n" not in message
    assert f"{named} " in message
    assert link in message


def test_links_that_lead_elsewhere_are_followed(make_folder, tmp_path):
    root = make_folder()
    (root / "train" / "cat").rename(tmp_path / "cats")
    (root / "train" / "cat").symlink_to(tmp_path / "cats")
    (root / "train" / "dog" / "copy.png").symlink_to(tmp_path / "cats" / "0.png")
    shutil.rmtree(root / "val")
    (root / "val").symlink_to("train")  # to try things out
    info = describe(config(root))
    assert (info.train_size, info.test_size) == (9, 9)


def test_pipes_and_devices_are_no_images(make_folder):
    root = make_folder()
    os.mkfifo(root / "train" / "cat" / "pipe.png")
    (root / "train" / "cat" / "zero.png").symlink_to("/dev/zero")
    (root / "train" / "cat" / "self.png").symlink_to("self.png")
    info, (message,) = described(config(root))
    assert info.train_size == 8
    for name in ("pipe", "zero", "self"):
        assert f"train/cat/{name}.png (unreadable)" in message


def test_a_class_whose_name_is_not_utf8_is_refused(make_folder):
    root = make_folder()
    os.mkdir(os.fsencode(root / "train") + b"/caf\xe9")
    with pytest.raises(InputError, match=r"train/caf\\xe9 is a class whose name is not UTF-8"):
        describe(config(root))


def test_an_image_whose_name_is_not_utf8_is_read_and_can_be_named(make_folder):
    root = make_folder()
    place = os.fsencode(root / "train" / "cat")
    shutil.copy(place + b"/0.png", place + b"/\xe9.png")
    with open(place + b"/\xff.png", "wb") as file:
        file.write(b"broken")
    info, (message,) = described(config(root))
    assert info.train_size == 9
    assert r"train/cat/\xff.png (unreadable)" in message


def test_exif_rotation_is_said_and_not_applied(make_folder):
    root = make_folder()
    for name, orientation in (("turned", 6), ("upright", 1)):
        image = picture(3, (32, 16))
        exif = image.getexif()
        exif[274] = orientation
        image.save(root / "train" / "cat" / f"{name}.jpg", exif=exif)
    info, (message,) = described(config(root))
    assert info.train_size == 10
    assert "1 of 14 images (train/cat/turned.jpg (EXIF)) are for viewers to turn" in message
