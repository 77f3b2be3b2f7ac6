import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.data.conftest import encoded, picture
from tests.support.effort import at_most
from workbench.config import IMAGENET_MEAN, Augment, DataConfig
from workbench.data import BadImagesWarning, describe, loaders
from workbench.data.image_parquet import MappedColumn, parquet
from workbench.errors import InputError

NAMES = ("ant", "bee", "cow")


def write(
    file: Path,
    labels: list[int | None],
    image: str = "img",
    label: str = "label",
    names: tuple[str, ...] | None = NAMES,
    side: int = 16,
) -> None:
    """A file in the hub's layout; image n is `picture(n)`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    images = [
        {"bytes": encoded(picture(n, (side, side))), "path": f"{n}.png"} for n in range(len(labels))
    ]
    table = pa.table({image: images, label: pa.array(labels, pa.int64())})
    if names:
        feature = {"names": list(names), "_type": "ClassLabel"}
        features = {"info": {"features": {image: {"_type": "Image"}, label: feature}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, file, row_group_size=2)


@pytest.fixture
def root(tmp_path) -> Path:
    """Three classes in two training files and one test file."""
    folder = tmp_path / "set"
    write(folder / "train-00000-of-00002.parquet", [0, 1, 2, 0])
    write(folder / "train-00001-of-00002.parquet", [2, 1])
    write(folder / "test-00000-of-00001.parquet", [1, 0, 2])
    return folder


def config(root: Path, **fields) -> DataConfig:
    return DataConfig(name="parquet", path=str(root), **fields)


def test_the_hubs_layout(root):
    info = describe(config(root))
    assert info.class_names == NAMES
    assert (info.train_size, info.test_size, info.native_side) == (6, 3, 16)


def test_small_images_are_normalised_by_their_own_colours(root):
    source = parquet(config(root))
    values = np.stack([np.asarray(source.train.open(n)) for n in range(6)]).reshape(-1, 3) / 255
    assert np.allclose(source.mean, values.mean(0))
    assert np.allclose(source.std, values.std(0))
    write(root / "test-00000-of-00001.parquet", [1, 0, 2], side=65)
    assert np.allclose(parquet(config(root)).mean, values.mean(0))  # of the training images alone
    for file in root.glob("train-*"):
        write(file, [0, 1, 2], side=65)
    assert parquet(config(root)).mean == IMAGENET_MEAN


def test_rows_keep_their_labels_across_files(root):
    source = parquet(config(root))
    assert source.train.labels.tolist() == [0, 1, 2, 0, 2, 1]
    for row, seed in enumerate([0, 1, 2, 3, 0, 1]):
        assert np.array_equal(source.train.open(row), picture(seed, (16, 16)))


def test_a_large_set_is_mapped_from_the_cache_and_is_the_same(root, monkeypatch):
    direct = parquet(config(root))
    monkeypatch.setattr("workbench.data.image_parquet._encoded_size", lambda files: 2**50)
    mapped = parquet(config(root))
    assert isinstance(mapped.train.read, MappedColumn)
    for split in ("train", "test"):
        first, second = getattr(direct, split), getattr(mapped, split)
        assert first.labels.tolist() == second.labels.tolist()
        for row in range(len(first.labels)):
            assert np.array_equal(first.open(row), second.open(row))


def test_other_columns_and_no_class_names(tmp_path):
    for name in ("train-0", "validation-0"):
        write(tmp_path / f"{name}.parquet", [0, 1, 1], "image", "fine_label", names=None)
    info = describe(config(tmp_path))
    assert (info.class_names, info.test_size) == (("0", "1"), 3)


def test_classes_are_counted_before_they_are_named(tmp_path):
    for name in ("train-0", "validation-0"):
        write(tmp_path / f"{name}.parquet", [0, 1, 10**12], names=None)
    with at_most(1_000_000), pytest.raises(InputError, match=r"label 1000000000000, and no names"):
        describe(config(tmp_path))


def test_validation_serves_where_test_is_unlabelled(root):
    write(root / "test-00000-of-00001.parquet", [-1, -1])
    with pytest.raises(InputError, match=r"^data\.path: test-.* has label -1; there are 3 classes"):
        describe(config(root))
    write(root / "validation-00000-of-00001.parquet", [0, 1, 2, 2])
    assert describe(config(root)).test_size == 4


def test_broken_images_in_parquet_are_named(root):
    file = root / "train-00000-of-00002.parquet"
    table = pq.read_table(file)
    images = table["img"].to_pylist()
    images[3] = {"bytes": None, "path": "3.png"}
    pq.write_table(table.set_column(0, "img", pa.array(images)), file)
    with pytest.warns(BadImagesWarning, match=r"1 of 9 images \(train row 3 \(unreadable\)\)"):
        assert describe(config(root)).train_size == 5


def test_a_truncated_image_has_no_say_in_the_normalisation(root):
    before = parquet(config(root))
    file = root / "train-00001-of-00002.parquet"
    table = pq.read_table(file)
    images = table["img"].to_pylist()
    images[1]["bytes"] = images[1]["bytes"][:-150]
    pq.write_table(table.set_column(0, "img", pa.array(images)), file)
    with pytest.warns(
        BadImagesWarning,
        match=r"train row 5 \(truncated\)\) used in part; .* --set recipe.data.bad",
    ):
        after = parquet(config(root))
    values = np.stack([np.asarray(before.train.open(n)) for n in range(5)]).reshape(-1, 3) / 255
    assert np.allclose(after.mean, values.mean(0))


def replaced(root: Path, **columns: object) -> None:
    pq.write_table(pa.table(columns), root / "train-00000-of-00002.parquet")


IMAGE = [{"bytes": b"", "path": ""}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: [file.unlink() for file in root.iterdir()], "has no train-*.parquet"),
        (
            lambda root: (root / "test-00000-of-00001.parquet").unlink(),
            "has no test-*.parquet or validation-*.parquet",
        ),
        (
            lambda root: replaced(root, img=IMAGE),
            "has no label column (label or fine_label); its columns: img",
        ),
        (
            lambda root: replaced(root, label=[1]),
            "has no image column (img or image); its columns: label",
        ),
        (
            lambda root: replaced(root, img=[b"x"], label=[1]),
            "column 'img' of train-00000-of-00002.parquet is binary, not a struct",
        ),
        (
            lambda root: replaced(root, img=IMAGE, label=["a"]),
            "column 'label' of train-00000-of-00002.parquet is string, not integer",
        ),
        (
            lambda root: write(root / "train-00000-of-00002.parquet", [0, None]),
            "has 1 rows without a label",
        ),
        (
            lambda root: write(root / "train-00000-of-00002.parquet", [0, 3]),
            "has label 3; there are 3 classes",
        ),
        (
            lambda root: write(root / "train-00001-of-00002.parquet", [0], label="other"),
            "train-00001-of-00002.parquet has no label column 'label'",
        ),
        (
            lambda root: write(root / "train-00001-of-00002.parquet", [0], image="other"),
            "train-00001-of-00002.parquet has no image column 'img'",
        ),
        (
            lambda root: [write(file, [1, 1]) for file in root.glob("train-*")],
            "has one class, 'bee'",
        ),
        (
            lambda root: write(root / "test-00000-of-00001.parquet", []),
            "test-00000-of-00001.parquet has no row",
        ),
        (
            lambda root: (root / "train-00000-of-00002.parquet").write_bytes(b""),
            "is not a readable parquet file",
        ),
        (
            lambda root: (root / "train-00001-of-00002.parquet").write_bytes(b"PAR1 no"),
            "is not a readable parquet file",
        ),
    ],
)
def test_parquet_that_cannot_be_used_is_refused(root, change, message):
    change(root)
    with pytest.raises(InputError) as caught:
        describe(config(root))
    assert str(caught.value).startswith("data.path: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damage_within_a_file_is_found_before_training(root):
    file = root / "train-00000-of-00002.parquet"
    data = bytearray(file.read_bytes())
    data[4:300] = bytes(296)  # the first pages; the footer is whole
    file.write_bytes(data)
    with pytest.raises(InputError, match="is not a readable parquet file"):
        describe(config(root))


def test_batches_from_parquet(root):
    made = loaders(config(root), Augment(), 3, 16, 0, torch.device("cpu"))
    images, labels = next(iter(made.train))
    assert images.shape == (3, 3, 16, 16)
    assert labels.dtype == torch.int64
