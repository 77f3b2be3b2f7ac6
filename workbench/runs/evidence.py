"""The evidence of a results folder: one row per completed run and test image, in one small file.

Each run leaves its own in its folder; `evidence.parquet` holds that of all runs, so that it can be
kept where the folders of the runs are not. What it holds of runs without a folder stays in it.
Detectors and segmenters have `by_image.parquet` instead, there as here.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.config import Outcome
from workbench.errors import InputError
from workbench.runs.folder import run_folder
from workbench.runs.rows import StoredRun
from workbench.statistics.facts import EarlierRuns, ImageNoise
from workbench.statistics.metric import LOSS, TOP1
from workbench.statistics.variance import correlation, known_covariance, known_variance
from workbench.train.evidence import BY_IMAGE, Evidence, read_by_image, read_evidence, sound
from workbench.whole_file import writing, written_whole

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE = "evidence.parquet"
PAGE = 2**22  # bytes; labels repeat from run to run, which only a page that holds both can use
SCHEMA = pa.schema(
    [
        ("variant", pa.dictionary(pa.int32(), pa.string())),
        ("seed", pa.int64()),
        ("run", pa.dictionary(pa.int32(), pa.string())),
        ("test_set", pa.dictionary(pa.int32(), pa.string())),
        ("image", pa.int32()),
        ("label", pa.int32()),
        ("correct", pa.bool_()),
        ("loss", pa.float16()),
    ]
)


def kept_evidence(folder: Path, runs: Sequence[StoredRun]) -> dict[str, Evidence]:
    """By the id of the run, of those that completed and have any, in their order.

    Raises `InputError` where it is damaged, of several test sets, or of other runs.
    """
    found = _gather(folder, runs)
    for run in runs:
        if run.id in found:
            _refuse_another(run, found[run.id], next(iter(found.values())))
    return found


def evidence_frame(
    folder: Path, runs: Sequence[StoredRun], found: Mapping[str, Evidence]
) -> "pd.DataFrame":
    """See `workbench.load_evidence`; `runs` are those in `folder`, in order."""
    if not found:
        return _of_tasks(folder, runs)
    frame: pd.DataFrame = _table(runs, found).drop_columns(["test_set"]).to_pandas()
    frame["loss"] = frame["loss"].astype("float32")
    frame.attrs["test_set"] = next(iter(found.values())).test_set
    return frame


def _of_tasks(folder: Path, runs: Sequence[StoredRun]) -> "pd.DataFrame":
    frame = _by_image(folder, runs)
    if frame is None:
        raise no_evidence(folder)
    sets = frame.pop("test_set").unique()
    if len(sets) > 1:
        raise InputError(f"evidence: the runs in {folder} are of several test sets")
    frame.attrs["test_set"] = sets[0]
    return frame


def no_evidence(folder: Path) -> InputError:
    """The error for a folder that holds none."""
    return InputError(
        f"{folder} holds none; runs keep it from this version of the workbench on,"
        " when they complete",
        key="evidence",
    )


def image_noise(
    runs: Sequence[StoredRun], found: Mapping[str, Evidence]
) -> Mapping[str, ImageNoise] | None:
    """What the images say of the noise of top-1, in points, and of the loss, in nats.

    None where a run that completed has no evidence.
    """
    completed = [run for run in runs if run.outcome is Outcome.COMPLETED]
    if not completed or any(run.id not in found for run in completed):
        return None
    by_variant: dict[str, dict[int, Evidence]] = {}
    for run in completed:
        by_variant.setdefault(run.variant, {})[run.seed] = found[run.id]
    several = {variant: kept for variant, kept in by_variant.items() if len(kept) > 1}
    correct = {
        variant: {seed: 100 * each.correct.astype(np.float64) for seed, each in kept.items()}
        for variant, kept in several.items()
    }
    loss = {
        variant: {seed: each.loss.astype(np.float64) for seed, each in kept.items()}
        for variant, kept in several.items()
    }
    return {TOP1.key: _noise(correct, loss), LOSS.key: _noise(loss, loss)}


_Scores = Mapping[str, Mapping[int, NDArray[np.float64]]]  # by variant and seed, (images,)


def _noise(scores: _Scores, losses: _Scores) -> ImageNoise:
    rows = {
        variant: known_variance(np.stack(list(of_seed.values())))
        for variant, of_seed in scores.items()
    }
    pairs = {}
    for first, second in itertools.combinations(scores, 2):
        seeds = scores[first].keys() & scores[second].keys()
        if len(seeds) > 1:
            names = (first, second)
            explained = known_covariance(*(_stacked(scores[name], seeds) for name in names))
            alike = correlation(*(_stacked(losses[name], seeds) for name in names))
            pairs[names] = (explained, alike)
    return ImageNoise(rows, pairs)


def _stacked(of_seed: Mapping[int, NDArray[np.float64]], seeds: Set[int]) -> NDArray[np.float64]:
    return np.stack([of_seed[seed] for seed in sorted(seeds)])


def refuse_other_images(earlier: EarlierRuns, folder: Path, found: Mapping[str, Evidence]) -> None:
    """Raise `InputError` where the runs in `folder` saw another test set than earlier ones."""
    others = (each.test_set != earlier.test_set for each in found.values())
    if earlier.test_set is not None and any(others):
        raise InputError(
            f"evidence: the runs in {folder} are of another test set, or of another order of "
            f"its images, than those of {earlier.plan}, whose noise they share"
        )


def export_evidence(folder: Path, runs: Sequence[StoredRun]) -> None:
    """Write `evidence.parquet`, whole; nothing where no run has any. `runs` are in order."""
    found, frame = _gather(folder, runs), _by_image(folder, runs)
    if found:
        _write(
            folder / EVIDENCE,
            _table(runs, found),
            use_dictionary=["variant", "seed", "run", "test_set", "label"],
            column_encoding={"image": "DELTA_BINARY_PACKED", "loss": "BYTE_STREAM_SPLIT"},
            data_page_size=PAGE,
        )
    if frame is not None:
        _write(folder / BY_IMAGE, pa.Table.from_pandas(frame, preserve_index=False))


def _write(path: Path, table: pa.Table, **layout: object) -> None:
    how = {"compression": "zstd", "compression_level": 9, "write_statistics": False, **layout}
    with writing(path, "results"), written_whole(path) as part, part.open("wb") as file:
        pq.write_table(table, file, **how)


def _by_image(folder: Path, runs: Sequence[StoredRun]) -> "pd.DataFrame | None":
    """What detectors and segmenters left: of each run in its folder, else what was exported."""
    runs = [run for run in runs if run.recipe.task.name != "classify"]
    if not runs:
        return None
    import pandas as pd

    before = read_by_image(folder / BY_IMAGE)
    exported = {} if before is None else dict(iter(before.groupby("run", sort=False)))
    found = []
    for run in runs:
        if run.outcome is Outcome.COMPLETED:
            own = read_by_image(run_folder(folder, run) / BY_IMAGE)
            kept = own if own is not None and set(own["run"]) == {run.id} else exported.get(run.id)
            if kept is not None:
                new = kept.drop(columns=["variant", "seed"], errors="ignore")
                new.insert(0, "variant", run.variant)
                new.insert(1, "seed", run.seed)
                found.append(new)
    return pd.concat(found, ignore_index=True) if found else None


def _gather(folder: Path, runs: Sequence[StoredRun]) -> dict[str, Evidence]:
    """By the id of each that completed: what lies in its folder, else what was exported before."""
    exported = {evidence.run: evidence for evidence in _exported(folder / EVIDENCE)}
    found: dict[str, Evidence] = {}
    for run in runs:
        if run.outcome is Outcome.COMPLETED:
            own = read_evidence(run_folder(folder, run))
            kept = own if own is not None and own.run == run.id else exported.get(run.id)
            found |= {run.id: kept} if kept else {}
    return found


def _exported(path: Path) -> Iterator[Evidence]:
    if not path.exists():
        return
    try:
        with path.open("rb") as file:  # of a path with a colon pyarrow would make a URI
            table = pq.read_table(file, schema=SCHEMA)
        if not len(table) or any(column.null_count for column in table.columns):
            raise ValueError("gaps")
        yield from _by_run(path, table)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} can't be read: it is damaged, or of another version; move it away",
            key="evidence",
        ) from None


def _by_run(path: Path, table: pa.Table) -> Iterator[Evidence]:
    codes = table["run"].combine_chunks()
    runs = codes.indices.to_numpy()
    columns = {name: table[name].to_numpy() for name in ("image", "label", "correct", "loss")}
    sets = table["test_set"].combine_chunks()
    for rows in np.split(np.arange(len(runs)), np.flatnonzero(np.diff(runs)) + 1):
        run = codes.dictionary[int(runs[rows[0]])].as_py()
        if not np.array_equal(columns["image"][rows], np.arange(len(rows))):
            raise InputError(
                f"{path}: the images of run {run[:12]} are in another order", key="evidence"
            )
        yield sound(
            Evidence(
                run=run,
                test_set=sets[int(rows[0])].as_py(),
                labels=columns["label"][rows].astype(np.int64),
                correct=columns["correct"][rows].astype(np.bool_),
                loss=columns["loss"][rows],
            )
        )


def _refuse_another(run: StoredRun, own: Evidence, first: Evidence) -> None:
    """Evidence that can't be compared image by image, or is not what the ledger is about."""
    name = f"evidence: run {run.id[:12]} ({run.variant}, seed {run.seed})"
    if own.test_set != first.test_set or not np.array_equal(own.labels, first.labels):
        raise InputError(
            f"{name} is of another test set, or of another order of its images, than run"
            f" {first.run[:12]}"
        )
    if run.top1 is not None and abs(100.0 * own.correct.mean() - run.top1) > 1e-6:
        raise InputError(
            f"{name} has {100.0 * own.correct.mean():.2f} % of the images right, and its score is"
            f" {run.top1:.2f} %: it is of another run"
        )


def _table(every: Sequence[StoredRun], found: Mapping[str, Evidence]) -> pa.Table:
    runs = [run for run in every if run.id in found]
    kept = [found[run.id] for run in runs]
    sizes = [len(each.labels) for each in kept]
    which = np.repeat(np.arange(len(runs), dtype=np.int32), sizes)

    def repeated(values: Sequence[str]) -> pa.DictionaryArray:
        names = list(dict.fromkeys(values))
        codes = np.array([names.index(value) for value in values], np.int32)
        return pa.DictionaryArray.from_arrays(codes[which], names)

    columns = [
        repeated([run.variant for run in runs]),
        np.array([run.seed for run in runs])[which],
        repeated([run.id for run in runs]),
        repeated([each.test_set for each in kept]),
        np.concatenate([np.arange(size, dtype=np.int32) for size in sizes]),
        np.concatenate([each.labels for each in kept]).astype(np.int32),
        np.concatenate([each.correct for each in kept]),
        np.concatenate([each.loss for each in kept]),
    ]
    return pa.table(columns, schema=SCHEMA)
