"""COCO's layout and folders of masks: what is read, and each fault in one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask
from torchmetrics.detection import MeanAveragePrecision

from workbench.config import Augment, DataConfig
from workbench.data.encoded import BadImagesWarning
from workbench.data.scenes.coco import _runs, coco
from workbench.data.scenes.mask_folder import mask_folder
from workbench.data.scenes.moves import Moves
from workbench.errors import InputError
from workbench.train.tasks.detect import found_of

SQUARE = [10.0, 5.0, 30.0, 5.0, 30.0, 25.0, 10.0, 25.0]  # a polygon of the box below
BOX = [10.0, 5.0, 20.0, 20.0]


def instances() -> dict[str, Any]:
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 80, "height": 40},
            {"id": 9, "file_name": "b.png", "width": 40, "height": 40},
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 18, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 18, "bbox": BOX, "segmentation": [SQUARE]},
            {
                "id": 2,
                "image_id": 7,
                "category_id": 3,
                "bbox": [50, 0, 30, 40],
                "iscrowd": 1,
                "segmentation": {"size": [40, 80], "counts": [2000, 1200]},
            },
        ],
    }


def write_coco(root: Path, train: dict[str, Any] | None = None) -> DataConfig:
    (root / "annotations").mkdir()
    for which in ("train", "val"):
        (root / which).mkdir()
        said = train if train is not None and which == "train" else instances()
        (root / "annotations" / f"instances_{which}.json").write_text(json.dumps(said))
        for photo in instances()["images"]:
            size = (photo["width"], photo["height"])
            Image.new("RGB", size).save(root / which / photo["file_name"])
    return DataConfig(name="coco", path=str(root))


def test_coco_is_read(tmp_path: Path) -> None:
    found = coco(write_coco(tmp_path))
    assert found.class_names == ("cat", "dog")
    assert found.has == {"boxes", "masks"}
    scene = found.train.open(0, 40)  # half of its size, below it grey
    assert scene.boxes.tolist() == [[5.0, 2.5, 15.0, 12.5], [25.0, 0.0, 40.0, 20.0]]
    assert scene.labels.tolist() == [1, 0]
    assert scene.masks is not None
    assert abs(int(scene.masks[0].sum()) - 100) <= 10
    assert scene.masks[1].sum() == 300
    assert np.bincount(scene.class_map.flat)[1] == 300  # to a segmenter a crowd is of its class
    assert (scene.image[20:] == 127).all()
    empty = found.train.open(1, 40)
    assert (empty.boxes.shape, empty.masks is not None and empty.masks.shape) == (
        (0, 4), (0, 40, 40),
    )  # fmt: skip


def test_detectors_do_not_learn_crowds_and_are_not_judged_by_them(tmp_path: Path) -> None:
    scene = coco(write_coco(tmp_path)).train.open(0, 40)
    _, learnt = Moves(Augment(), 40, 0).detection(scene, 0, 0)
    assert (learnt["labels"].tolist(), len(learnt["masks"])) == ([1], 1)
    _, judged = Moves(None, 40, 0).detection(scene, 0, 0)
    assert judged["iscrowd"].tolist() == [0, 1]
    said = {**judged, "scores": torch.tensor([0.9, 0.8])}
    assert found_of(said, judged) == (1, 1, 0)
    assert found_of({**said, "labels": said["labels"].flip(0)}, judged) == (1, 0, 2)
    assert found_of({**said, "scores": torch.tensor([0.4, 0.8])}, judged) == (1, 0, 0)
    metric = MeanAveragePrecision()
    metric.update([said], [judged])
    assert metric.compute()["map"] == 1  # what lies on the crowd is not in vain


def test_an_image_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    found = coco(write_coco(tmp_path)).train
    (tmp_path / "train" / "b.png").write_bytes(b"P")
    with pytest.raises(InputError, match=r"data\.path: .*b\.png can't be read: cannot identify"):
        found.open(1, 40)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown category": ({"category_id": 17}, "annotation 1 is of the unknown category 17; near"),
    "no area": ({"bbox": [10, 5, 0, 20]}, "annotation 1 has no area: its box is 0 x 20"),
    "outside": ({"bbox": [70, 5, 20, 20]}, "annotation 1 reaches outside of a.png, which is 80 x"),
    "unknown image": ({"image_id": 8}, "annotation 1 is of image 8, which is not there"),
    "half a polygon": ({"segmentation": [SQUARE[:4]]}, "annotation 1 has a polygon of 4 numbers"),
    "another size": (
        {"segmentation": {"size": [80, 40], "counts": [3200]}},
        "annotation 1 has a mask of 40 x 80 with 3200 pixels, and a.png is 80 x 40",
    ),
    "outside by less than a pixel": (
        {"bbox": [80, 5, 0.5, 20]},
        r"annotation 1 has no area within a.png: its box is \[80",
    ),
    "narrower than a float tells": ({"bbox": [40, 5, 1e-7, 20]}, "annotation 1 has no area within"),
    "another size as a string": (
        {"segmentation": {"size": [40, 80], "counts": "`<`<"}},
        "with 800 pixels, and a.png is 80",
    ),
    "too few runs": ({"segmentation": {"size": [40, 80], "counts": [9]}}, "with 9 pixels, and a.p"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_annotations_that_can_not_be_used(tmp_path: Path, fault: str) -> None:
    change, message = FAULTS[fault]
    said = instances()
    said["annotations"][0] |= change
    config = write_coco(tmp_path, said)
    with pytest.raises(InputError, match=message) as raised:
        coco(config)
    assert str(raised.value).startswith("data.path: instances_train.json: ")
    with pytest.warns(BadImagesWarning, match=message):
        found = coco(config.model_copy(update={"bad_images": "skip"}))
    scene = found.train.open(0, 40)
    assert scene.crowd is not None
    assert scene.crowd.tolist() == [True]  # alone


def test_coco_without_what_it_needs(tmp_path: Path) -> None:
    none = instances() | {"annotations": []}
    config = write_coco(tmp_path, none)
    with pytest.raises(InputError, match=r"instances_train\.json has no annotations"):
        coco(config)
    (tmp_path / "train" / "b.png").unlink()
    with pytest.raises(InputError, match=r"1 of 2 images are missing in .*, the first b\.png"):
        coco(config)
    file = tmp_path / "annotations" / "instances_train.json"
    twice = instances()
    twice["images"][1]["id"] = 7
    file.write_text(json.dumps(twice))
    (tmp_path / "train" / "b.png").touch()
    with pytest.raises(InputError, match="image 7 stands there twice"):
        coco(config)
    file.write_text(json.dumps(instances()).replace("10.0, 5.0, 20.0", "NaN, 5.0, 20.0"))
    with pytest.raises(InputError, match=r"annotations\.0\.bbox\.0: .*finite"):
        coco(config)
    file.write_text('{"images": [')
    with pytest.raises(InputError, match=r"instances_train.json can't be read"):
        coco(config)
    file.write_text(json.dumps({"images": [], "categories": []}))
    with pytest.raises(InputError, match=r"annotations: missing"):
        coco(config)
    file.unlink()
    with pytest.raises(
        InputError, match=r"has no annotations/instances_train\.json; give a folder"
    ):
        coco(config)


def write_masks(root: Path) -> DataConfig:
    (root / "classes.txt").write_text("sky\nroad\n")
    for which in ("train", "val"):
        for kind in ("images", "masks"):
            (root / which / kind).mkdir(parents=True)
        Image.new("RGB", (20, 10)).save(root / which / "images" / "a.jpg")
        values = np.zeros((10, 20), np.uint8)
        values[5:] = 1
        values[0] = 255
        Image.fromarray(values).save(root / which / "masks" / "a.png")
    return DataConfig(name="mask_folder", path=str(root))


def test_masks_are_read(tmp_path: Path) -> None:
    found = mask_folder(write_masks(tmp_path))
    assert (found.class_names, found.pixel_classes) == (("sky", "road"), 2)
    classes = found.train.open(0, 20).class_map
    assert [classes[row, 0] for row in (0, 1, 9, 10)] == [255, 0, 1, 255]  # below the image: none


@pytest.mark.parametrize(("mode", "value"), [("1", 1), ("P", 1), ("I;16", 1), ("RGB", (1, 1, 1))])
def test_masks_are_numbers_in_any_kind_of_png(tmp_path: Path, mode: str, value: Any) -> None:
    config = write_masks(tmp_path)
    Image.new(mode, (20, 10), value).save(tmp_path / "train" / "masks" / "a.png")
    classes = mask_folder(config).train.open(0, 20).class_map
    assert (classes[:10] == 1).all()


def test_run_lengths_in_cocos_string_are_those_that_were_written() -> None:
    pixels = np.random.default_rng(0).random((90, 70)) < np.linspace(0, 1, 70)
    pixels[:, 20:50] = False
    text = mask.encode(np.asfortranarray(pixels, np.uint8))["counts"].decode()
    changes = np.flatnonzero(np.diff(pixels.T.ravel(), prepend=False))
    assert _runs(text) == np.diff(changes, prepend=0, append=pixels.size).tolist()


def test_masks_that_can_not_be_used(tmp_path: Path) -> None:
    config = write_masks(tmp_path)
    file = tmp_path / "train" / "masks" / "a.png"
    Image.fromarray(np.full((10, 20), 2, np.uint8)).save(file)
    with pytest.raises(InputError, match=r"a\.png has class 2, and classes.txt names 2: 0 to 1"):
        mask_folder(config)
    Image.new("I;16", (20, 10), 300).save(file)
    with pytest.raises(InputError, match=r"a\.png has class 300, and classes.txt names 2: 0 to 1"):
        mask_folder(config)
    Image.new("RGB", (20, 10), (0, 0, 1)).save(file)
    with pytest.raises(InputError, match=r"a\.png has colours \(RGB\); the pixels of a mask are"):
        mask_folder(config)
    Image.new("L", (10, 10)).save(file)
    with pytest.raises(InputError, match=r"a\.png has 10 x 10 pixels, and its image 20 x 10"):
        mask_folder(config)
    file.write_bytes(b"P")
    with pytest.raises(InputError, match=r"a\.png can't be read: cannot identify"):
        mask_folder(config)
    file.unlink()
    with pytest.raises(InputError, match=r"a\.png does not exist, the mask of a\.jpg"):
        mask_folder(config)
    (tmp_path / "classes.txt").write_text("sky\n\nroad\n")  # else the road would be 1, not 2
    with pytest.raises(InputError, match=r"classes\.txt: line 2 is empty"):
        mask_folder(config)
    (tmp_path / "classes.txt").unlink()
    with pytest.raises(InputError, match=r"classes\.txt does not exist"):
        mask_folder(config)
