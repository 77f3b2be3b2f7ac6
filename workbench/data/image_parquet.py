"""Image parquet as on the Hugging Face hub, from local files.

Files of more than the memory limit are unpacked once into an Arrow file in the cache, which is
mapped into memory, since parquet itself gives no quick access to a single row.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.config import DataConfig
from workbench.data.encoded import (
    Encoded,
    encoded_source,
    existing_folder,
    refuse_few_classes,
)
from workbench.data.source import Ints, Source
from workbench.errors import InputError, first_line
from workbench.machine import cache_folder
from workbench.whole_file import written_whole

LAYOUT = "train-*.parquet and test-*.parquet (or validation-*.parquet)"
IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMNS = ("label", "fine_label")
MOST_CLASSES = 65_536  # as many as a network may have


class LoadedColumn:
    """Encoded images in an Arrow table that is in memory."""

    def __init__(self, images: Any) -> None:
        self.images = images

    def __call__(self, index: int) -> bytes:
        """The bytes of row `index`; none where the row has none."""
        return self.images[index].as_py() or b""


class MappedColumn:
    """Encoded images in an Arrow file; each process maps it for itself."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, index: int) -> bytes:
        """The bytes of row `index`; none where the row has none."""
        return self._images[index].as_py() or b""

    @cached_property
    def _images(self) -> Any:
        return pa.ipc.open_file(pa.memory_map(str(self.file))).read_all()["bytes"]

    def __reduce__(self) -> tuple[type["MappedColumn"], tuple[Path]]:
        return MappedColumn, (self.file,)


def parquet(config: DataConfig) -> Source:
    """The images of `train-*.parquet`, and of the first test files that are labelled."""
    root = existing_folder(config, LAYOUT)
    train_files = sorted(root.glob("train-*.parquet"))
    candidates = [sorted(root.glob(f"{name}-*.parquet")) for name in ("test", "validation")]
    candidates = [files for files in candidates if files]
    if not train_files or not candidates:
        lacking = (
            "no test-*.parquet or validation-*.parquet" if train_files else "no train-*.parquet"
        )
        raise InputError(
            f"{config.path!r} has {lacking}; give a folder with {LAYOUT}", key="data.path"
        )
    image, label, names = _columns(config, train_files[0])
    train_labels = _labels(train_files, label)
    labelled = [(files, _labels(files, label)) for files in candidates]
    # A test split on the hub often comes without labels, all of them -1: then validation serves.
    test_files, test_labels = next((it for it in labelled if it[1].min() >= 0), labelled[0])
    names = names or _numbered(train_files[0], label, train_labels)
    _refuse_labels(train_files[0], label, train_labels, len(names))
    _refuse_labels(test_files[0], label, test_labels, len(names))
    refuse_few_classes(config, [names[index] for index in np.unique(train_labels)])
    train = _encoded(config, train_files, image, train_labels)
    test = _encoded(config, test_files, image, test_labels)
    return encoded_source(config, names, train, test, own_colours=True)


def _encoded(config: DataConfig, files: list[Path], image: str, labels: Ints) -> Encoded:
    key = _fingerprint(files, image)
    names = [f"{files[0].name.split('-')[0]} row {row}" for row in range(len(labels))]
    if _encoded_size(files) <= config.memory_limit_mb * 2**20:
        chunks = [chunk for file in files for chunk in _read(file, image)]
        return Encoded(
            LoadedColumn(pa.chunked_array(chunks, pa.large_binary())), names, labels, key
        )
    return Encoded(MappedColumn(_unpacked(files, image, key)), names, labels, key)


def _encoded_size(files: list[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def _read(file: Path, image: str) -> Any:
    try:
        for batch in pq.ParquetFile(file).iter_batches(columns=[f"{image}.bytes"], batch_size=1024):
            if not batch.num_columns:
                raise InputError(f"{file.name} has no image column {image!r}", key="data.path")
            yield pc.struct_field(batch.column(0), "bytes").cast(pa.large_binary())
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(file, error) from None


def _unpacked(files: list[Path], image: str, key: str) -> Path:
    target = cache_folder() / "arrow" / f"{key}.arrow"
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        schema = pa.schema([("bytes", pa.large_binary())])
        with written_whole(target) as part, pa.ipc.new_file(str(part), schema) as out:
            for file in files:
                for chunk in _read(file, image):
                    out.write_batch(pa.record_batch([chunk], schema=schema))
    except OSError as error:
        raise InputError(
            f"{files[0].parent} is larger, and can't be unpacked into {target.parent}: {error}",
            key="data.memory_limit_mb",
        ) from None
    return target


def _columns(config: DataConfig, file: Path) -> tuple[str, str, tuple[str, ...] | None]:
    """The image column, the label column and the class names, if the schema has them."""
    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(file, error) from None
    image = _column(config, schema, IMAGE_COLUMNS, "image")
    label = _column(config, schema, LABEL_COLUMNS, "label")
    kind = schema.field(image).type
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        raise InputError(
            f"column {image!r} of {file.name} is {kind}, not a struct with bytes", key="data.path"
        )
    if not pa.types.is_integer(schema.field(label).type):
        raise InputError(
            f"column {label!r} of {file.name} is {schema.field(label).type}, not integer",
            key="data.path",
        )
    return image, label, _class_names(schema, label)


def _column(config: DataConfig, schema: Any, wanted: tuple[str, ...], what: str) -> str:
    found = next((name for name in wanted if name in schema.names), None)
    if found is None:
        raise InputError(
            f"{config.path!r} has no {what} column ({' or '.join(wanted)}); "
            f"its columns: {', '.join(schema.names)}",
            key="data.path",
        )
    return found


def _class_names(schema: Any, label: str) -> tuple[str, ...] | None:
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = tuple(str(name) for name in features[label]["names"])
    except (KeyError, TypeError, ValueError):  # other tools write other metadata, or none
        return None
    return names or None


def _labels(files: list[Path], label: str) -> Ints:
    parts = []
    for file in files:
        try:
            column = pq.ParquetFile(file).read(columns=[label])[label]
        except KeyError:
            raise InputError(
                f"{file.name} has no label column {label!r}", key="data.path"
            ) from None
        except (pa.ArrowException, OSError) as error:
            raise _corrupt(file, error) from None
        if column.null_count:
            raise InputError(
                f"{file.name} has {column.null_count} rows without a label", key="data.path"
            )
        parts.append(column.to_numpy().astype(np.int64))
    labels = np.concatenate(parts)
    if not len(labels):
        raise InputError(f"{files[0].name} has no row", key="data.path")
    return labels


def _numbered(file: Path, label: str, labels: Ints) -> tuple[str, ...]:
    """Names of classes that the schema gives none; counted before they are made."""
    most = int(labels.max())
    if most >= MOST_CLASSES:
        raise InputError(
            f"{file.name} has {label} {most}, and no names of classes; without any, labels are "
            f"below {MOST_CLASSES}",
            key="data.path",
        )
    return tuple(str(index) for index in range(most + 1))


def _refuse_labels(file: Path, label: str, labels: Ints, classes: int) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise InputError(
            f"{file.name} has {label} {wrong}; there are {classes} classes, from 0", key="data.path"
        )


def _fingerprint(files: list[Path], image: str) -> str:
    seen = hashlib.sha256(image.encode())
    for file in files:
        facts = file.stat()
        seen.update(f"\0{file.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}".encode())
    return seen.hexdigest()


def _corrupt(file: Path, error: Exception) -> InputError:
    why = f"{str(file)!r} is not a readable parquet file: {first_line(error)}"
    return InputError(why, key="data.path")
