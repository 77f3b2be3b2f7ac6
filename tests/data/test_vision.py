"""torchvision's own readers on tiny files in torchvision's formats, with checksums to match."""

import hashlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from torchvision.datasets import CIFAR10, CIFAR100, Flowers102

from tests.data.conftest import picture
from workbench.config import DataConfig
from workbench.data import DATASETS, describe
from workbench.data.vision import cifar, flowers
from workbench.errors import InputError

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)


def md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes()).hexdigest()


def pickled(file: Path, content: dict[str, object]) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(content))
    return md5(file)


@pytest.mark.parametrize(("dataset", "labels"), [(CIFAR10, "labels"), (CIFAR100, "fine_labels")])
def test_cifar_as_torchvision_stores_it(tmp_path, dataset, labels):
    base = tmp_path / dataset.base_folder
    flat = PIXELS.reshape(6, -1)
    train = pickled(base / "one", {"data": flat[:4], labels: [0, 1, 1, 0]})
    test = pickled(base / "two", {"data": flat[4:], labels: [1, 0]})
    names = pickled(base / "meta", {dataset.meta["key"]: ["ant", "bee"]})

    class Tiny(dataset):
        train_list = [["one", train]]  # noqa: RUF012
        test_list = [["two", test]]  # noqa: RUF012
        meta = {"filename": "meta", "key": dataset.meta["key"], "md5": names}  # noqa: RUF012

    source = cifar(DataConfig(name="cifar10", path=str(tmp_path)), Tiny)
    assert source.class_names == ("ant", "bee")
    assert source.train.labels.tolist() == [0, 1, 1, 0]
    assert np.array_equal(source.test.pixels, PIXELS[4:].transpose(0, 2, 3, 1))
    assert np.allclose(source.mean, PIXELS[:4].mean((0, 2, 3)) / 255)
    assert source.native_side == 32


def test_flowers_train_on_train_and_val(tmp_path):
    base = tmp_path / "flowers-102"
    (base / "jpg").mkdir(parents=True)
    for image in range(1, 6):
        picture(image, (30 + image, 40)).save(base / "jpg" / f"image_{image:05d}.jpg")
    savemat(base / "imagelabels.mat", {"labels": [1, 2, 2, 1, 2]})
    savemat(base / "setid.mat", {"trnid": [1, 3], "valid": [4, 2], "tstid": [5, 1]})

    class Tiny(Flowers102):
        classes = ("rose", "lily")
        _file_dict = {  # noqa: RUF012
            "label": ("imagelabels.mat", md5(base / "imagelabels.mat")),
            "setid": ("setid.mat", md5(base / "setid.mat")),
        }

    source = flowers(DataConfig(name="flowers102", path=str(tmp_path)), Tiny)
    assert source.train.labels.tolist() == [0, 1, 0, 1]
    assert source.test.labels.tolist() == [1, 0]
    assert [source.train.open(index).width for index in range(4)] == [31, 33, 34, 32]
    assert (source.native_side, source.largest_side) == (None, 40)


def test_pets_as_torchvision_reads_them(tmp_path):
    base = tmp_path / "oxford-iiit-pet"
    (base / "images").mkdir(parents=True)
    (base / "annotations" / "trimaps").mkdir(parents=True)
    names = ["Birman_1", "pug_1", "pug_2", "Birman_2"]
    for index, name in enumerate(names):
        picture(index, (30 + index, 40)).save(base / "images" / f"{name}.jpg")
    for split, chosen in (("trainval", (0, 1)), ("test", (2, 3))):
        lines = [f"{names[each]} {1 + names[each].startswith('pug')} 1 1" for each in chosen]
        (base / "annotations" / f"{split}.txt").write_text("\n".join(lines))
    source = DATASETS["oxford_iiit_pets"](DataConfig(name="oxford_iiit_pets", path=str(tmp_path)))
    assert source.class_names == ("Birman", "Pug")
    assert source.train.labels.tolist() == [0, 1]
    assert source.test.labels.tolist() == [1, 0]
    assert [source.test.open(index).width for index in range(2)] == [32, 33]


def test_cars_as_torchvision_reads_them(tmp_path):
    base = tmp_path / "stanford_cars"
    kind = [("fname", object), ("class", object)]
    for split, classes in (("train", [2, 1]), ("test", [1, 1])):
        (base / f"cars_{split}").mkdir(parents=True)
        files = [f"{index}.jpg" for index in range(2)]
        for index, name in enumerate(files):
            picture(index, (30 + index, 40)).save(base / f"cars_{split}" / name)
        told = np.array([*zip(files, classes, strict=True)], dtype=kind)
        (base / "devkit").mkdir(exist_ok=True)
        home = (
            "devkit/cars_train_annos.mat" if split == "train" else "cars_test_annos_withlabels.mat"
        )
        savemat(base / home, {"annotations": told})
    names = np.array(["Audi", "Volvo"], dtype=object)
    savemat(base / "devkit" / "cars_meta.mat", {"class_names": names})
    source = DATASETS["stanford_cars"](DataConfig(name="stanford_cars", path=str(tmp_path)))
    assert source.class_names == ("Audi", "Volvo")
    assert source.train.labels.tolist() == [1, 0]
    assert source.train.open(1).width == 31


def test_cars_can_only_be_read(tmp_path):
    with pytest.raises(InputError, match="stanford_cars is not in") as caught:
        describe(DataConfig(name="stanford_cars", path=str(tmp_path)))
    assert "workbench fetch" not in str(caught.value)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "flowers102", "oxford_iiit_pets"])
def test_absent_files_say_what_to_do(tmp_path, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)  # no need to import it
    with pytest.raises(InputError, match=rf"^data\.path: {name} is not in '.*nowhere'") as caught:
        describe(DataConfig(name=name, path=str(tmp_path / "nowhere")))
    assert f"without data.path: workbench fetch {name}; or --set recipe.data" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_something_else_is_looked_at(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"^data\.path: cifar10 is not in .*, or not whole; name"):
        describe(DataConfig(name="cifar10", path=str(tmp_path)))


def test_without_a_path_the_cache_is_looked_in(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}/cache/cmt-workbench/torchvision"):
        describe(DataConfig(name="cifar10"))


def test_a_failed_download_is_one_line(tmp_path):
    class Offline(CIFAR10):
        url = f"file://{tmp_path}/nothing.tar.gz"

    config = DataConfig(name="cifar10", path=str(tmp_path / "data"), download=True)
    with pytest.raises(
        InputError, match=r"^data\.download: cifar10 could not be fetched"
    ) as caught:
        cifar(config, Offline)
    assert "\n" not in str(caught.value)
