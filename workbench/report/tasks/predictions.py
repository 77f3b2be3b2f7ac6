"""Test images with what is in them, and what each row found."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.array_file import DAMAGED, write_arrays
from workbench.errors import InputError
from workbench.runs.folder import run_folder
from workbench.runs.rows import StoredRun
from workbench.show import figures as style
from workbench.statistics.facts import Outcome
from workbench.train.tasks.pictures import NAME

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS, IMAGES = 5, 3  # that are drawn at most
SHARE = 0.85  # of a column is its picture, the rest is the gap to the next
NARROW, LEFT = 0.6, 0.2  # inches: rows have less room than this, and are named at the left
NO_CLASS = 255  # of a map: pixels that do not count
NAMED = 0.01  # of a map's pixels: classes that have less stand there without a name

Arrays = Mapping[str, npt.NDArray[np.generic]]
Grid = list[list["Axes"]]


def kept_pictures(folder: Path, runs: Sequence[StoredRun]) -> dict[str, Arrays]:
    """By row, what its first completed run kept of the first test images; in the order of `runs`.

    Those of the runs' folders are copied into `folder`/pictures.npz, from which they are read where
    those folders are not; pictures of other runs are left out. Raises `InputError` for a file that
    is damaged.
    """
    ids = {run.id for run in runs}
    every = _read_all(folder / NAME)
    found = {row: each for row, each in every.items() if str(each["run"]) in ids}
    fresh: dict[str, Arrays] = {}
    for run in runs:
        file = run_folder(folder, run) / NAME
        done = run.outcome is Outcome.COMPLETED and file.is_file()
        if done and run.variant not in fresh:
            fresh[run.variant] = _read(file)
    if any(row not in found for row in fresh):
        found = {**found, **fresh}
        _write(folder / NAME, found)
    return {run.variant: found[run.variant] for run in runs if run.variant in found}


def draw(pictures: Mapping[str, Arrays], width: float = style.PAGE) -> "Figure | None":
    """Each image: what is in it, then what the first rows found. None without any.

    A line for each image where the rows have room beside each other, else a line for each row.
    """
    shown = dict(list(pictures.items())[:ROWS])
    if not shown:
        return None
    first = next(iter(shown.values()))
    count = min(IMAGES, *map(_images, shown.values()))
    names = ["in the image", *shown]
    if width / len(names) >= NARROW:
        made, grid = _rows_across(names, count, width)
    else:
        made, grid = _rows_down(names, count, width)
    for line in range(count):
        _picture(grid[line][0], first, line, "true")
        for axes, arrays in zip(grid[line][1:], shown.values(), strict=True):
            _picture(axes, arrays, line, "found")
    return made


def _rows_across(names: Sequence[str], count: int, width: float) -> tuple["Figure", "Grid"]:
    """A figure with titles, and its axes by image and row."""
    side = width / len(names)
    titles = [style.wrapped(name, SHARE * side) for name in names]
    lines = max(title.count("\n") + 1 for title in titles)
    made = style.figure(width, 0.2 + 0.15 * lines + count * side)
    grid = made.subplots(count, len(names), squeeze=False)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=style.SMALL)
    return made, [list(line) for line in grid]


def _rows_down(names: Sequence[str], count: int, width: float) -> tuple["Figure", "Grid"]:
    """The same with the names at the left."""
    side = (width - LEFT) / count
    made = style.figure(width, len(names) * side)
    grid = made.subplots(len(names), count, squeeze=False)
    for line, name in zip(grid, names, strict=True):
        words = style.wrapped(name, SHARE * side)
        line[0].set_ylabel(words, fontsize=style.SMALL)
    return made, [list(line) for line in grid.T]


def _picture(axes: "Axes", arrays: Arrays, image: int, which: str) -> None:
    axes.imshow(np.asarray(arrays[f"{image}_image"]), interpolation="nearest")
    style.without_frame(axes)
    key, names = f"{image}_{which}", arrays["names"]
    if f"{key}_map" in arrays:
        _classes(axes, np.asarray(arrays[f"{key}_map"]), names)
        return
    masks = arrays.get(f"{key}_masks")
    for index, box in enumerate(np.asarray(arrays[f"{key}_boxes"], float)):
        label = int(np.asarray(arrays[f"{key}_labels"])[index])
        colour = style.CYCLE[label % len(style.CYCLE)]
        _box(axes, box, str(names[label]), colour)
        if masks is not None and len(masks):
            axes.contour(np.asarray(masks[index], float), [0.5], colors=[colour], linewidths=0.8)


def _classes(axes: "Axes", found: npt.NDArray[np.generic], names: npt.NDArray[np.generic]) -> None:
    """A map of classes, each with its name, for no ten colours are told apart by everybody."""
    classes = found.astype(float)
    classes[(classes == 0) | (classes == NO_CLASS)] = np.nan  # the background, and what counts not
    axes.imshow(classes, cmap="tab10", vmin=0.5, vmax=10.5, alpha=0.6, interpolation="nearest")
    for label in np.unique(classes[np.isfinite(classes)]).astype(int):
        there = np.argwhere(found == label)
        if len(there) < NAMED * found.size:
            continue
        y, x = there[0]  # the first of the uppermost
        _name(axes, x - 0.5, y - 0.5, str(names[label]), style.BLACK)


def _box(axes: "Axes", box: npt.NDArray[np.float64], name: str, colour: str) -> None:
    from matplotlib.patches import Rectangle

    left, top, right, bottom = box - 0.5  # a pixel's middle is a whole number here
    axes.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, lw=1.0)
    )
    _name(axes, left, top, name, colour)


def _name(axes: "Axes", x: float, y: float, name: str, colour: str) -> None:
    """On top of what it names, also where that is cut by the picture."""
    axes.text(
        x, y, name, fontsize=style.SMALL, color="white", va="bottom", ha="left",
        bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip


# ---------------------------------------------------------------- files


def _read(path: Path) -> Arrays:
    """What a run kept."""
    with _damage_named(path):
        return _sound(_arrays(path))


def _arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise InputError(
            f"pictures: {path} can't be read ({type(error).__name__}); remove it"
        ) from None


def _read_all(path: Path) -> dict[str, Arrays]:
    """What the runs of a folder kept, by row."""
    if not path.is_file():
        return {}
    with _damage_named(path):
        whole = _arrays(path)
        return {str(row): _sound(_of_row(whole, place)) for place, row in enumerate(whole["rows"])}


def _of_row(whole: Arrays, place: int) -> Arrays:
    own = f"{place}:"
    return {key.removeprefix(own): each for key, each in whole.items() if key.startswith(own)}


def _sound(arrays: Arrays) -> Arrays:
    """The same. Raises `ValueError` or `KeyError` for what no run kept: that of a damaged file."""
    fit = (_fits(arrays, image, of) for image in range(_images(arrays)) for of in ("true", "found"))
    if arrays["run"].ndim or not all(fit):
        raise ValueError("other arrays than a run keeps")
    return arrays


def _images(arrays: Arrays) -> int:
    return sum(key.endswith("_image") for key in arrays)


def _fits(arrays: Arrays, image: int, which: str) -> bool:
    """Whether an image, and what is in it or was found, has the types and shapes that are drawn."""
    picture, key, names = arrays[f"{image}_image"], f"{image}_{which}", len(arrays["names"])
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        return False
    side = picture.shape[:2]
    if f"{key}_map" in arrays:
        classes = arrays[f"{key}_map"]
        return classes.shape == side and _within(classes[classes != NO_CLASS], names)
    labels, boxes = arrays[f"{key}_labels"], arrays[f"{key}_boxes"]
    masks = arrays.get(f"{key}_masks", np.empty(0))
    return (
        _within(labels, names)
        and boxes.shape == (len(labels), 4)
        and bool(np.isfinite(boxes).all())
        and (not len(masks) or masks.shape == (len(labels), *side))
    )


def _within(labels: npt.NDArray[np.generic], names: int) -> bool:
    return bool(np.isin(labels, np.arange(names)).all())


def _write(path: Path, found: Mapping[str, Arrays]) -> None:
    arrays: dict[str, npt.NDArray[np.generic]] = {"rows": np.array(list(found))}
    for place, each in enumerate(found.values()):
        arrays |= {f"{place}:{key}": value for key, value in each.items()}
    write_arrays(path, arrays)
