"""Reports of detectors and segmenters, of runs as small as they can be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.report.test_figures import in_the_way
from tests.support.samples import FACTS, chain
from tests.train.tasks.test_tasks import DETECT, SEGMENT, run, trained
from workbench.config import Outcome, RunConfig, Task
from workbench.errors import InputError
from workbench.report.figures.every import write_figures
from workbench.report.findings import Findings
from workbench.report.tasks.predictions import _write, draw, kept_pictures
from workbench.report.write import write_report
from workbench.runs.folder import run_folder
from workbench.runs.results import load_sweep
from workbench.shipped import in_checkout
from workbench.show import figures as style
from workbench.statistics.facts import Method
from workbench.statistics.metric import LOSS, MIOU


class Done:
    """A run that completed, by what its folder is named after."""

    outcome = Outcome.COMPLETED

    def __init__(self, config: RunConfig) -> None:
        self.id, self.variant, self.seed = config.id, config.variant, config.seed


@pytest.mark.parametrize("task", [DETECT, SEGMENT], ids=lambda task: task.name)
def test_pictures_outlive_the_folders_of_runs(tmp_path: Path, task: Task) -> None:
    config = run(task)
    done = Done(config)
    own = run_folder(tmp_path, done)
    trained(config, own)
    first = kept_pictures(tmp_path, [done])  # type: ignore[list-item]
    assert draw(first) is not None
    (own / "pictures.npz").unlink()
    again = kept_pictures(tmp_path, [done])  # type: ignore[list-item]
    assert again.keys() == first.keys() == {"cmt"}
    assert all(np.array_equal(again["cmt"][key], first["cmt"][key]) for key in first["cmt"])
    done.id = "of a plan of before"
    assert kept_pictures(tmp_path, [done]) == {}  # type: ignore[list-item]
    (tmp_path / "pictures.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"pictures: .* can't be read"):
        kept_pictures(tmp_path, [done])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("what", "width", "lines"),
    [("segmentation_components", "column", 6), ("detection_components", "text", 3)],
)
def test_rows_are_named_at_every_width(what: str, width: str, lines: int) -> None:
    """A line for each row in a column, one for each image where there is room."""
    folder = in_checkout(f"results/measured/{what}")
    kept = kept_pictures(folder, load_sweep(folder).records())
    with style.style():
        drawn = draw(kept, style.parse_width(width))
        assert drawn is not None
        cut = [fault for fault in in_the_way(drawn) if " on " not in fault]  # boxes may touch
    assert cut == []
    grid = drawn.axes[0].get_gridspec()
    assert grid is not None
    assert grid.nrows == lines


def test_nothing_is_drawn_of_no_pictures(tmp_path: Path) -> None:
    assert kept_pictures(tmp_path, []) == {}
    assert draw({}) is None


def objects(which: str, side: int = 16) -> dict[str, np.ndarray]:
    """One object with its box and its mask."""
    mask = np.zeros((1, side, side), np.uint8)
    mask[0, 4:10, 3:8] = 1
    boxes, labels = np.array([[3.0, 4.0, 8.0, 10.0]], np.float32), np.array([1])
    found = {"boxes": boxes, "labels": labels, "masks": mask}
    return {f"0_{which}_{key}": value for key, value in found.items()}


def test_predicted_boxes_and_masks_are_drawn() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    nothing = {key: value[:0] for key, value in objects("found").items()}
    told = {"names": np.array(["cat", "dog"]), "0_image": image, **objects("true")}
    figure = draw({"CMT": {**told, **objects("found")}, "without": {**told, **nothing}})
    assert figure is not None
    for axes, count in zip(figure.axes, (1, 1, 0), strict=True):
        assert [text.get_text() for text in axes.texts] == ["dog"] * count
        assert len(axes.patches) == count
        outlines = [path.get_extents() for found in axes.collections for path in found.get_paths()]
        assert [outline.bounds for outline in outlines] == [(2.5, 3.5, 5.0, 6.0)] * count


WRONG = {
    "no label": {"0_true_labels": None}, "one label": {"0_true_labels": np.array(3)},
    "text": {"0_image": np.full((16, 16, 3), "x")}, "flat boxes": {"0_found_boxes": np.ones(4)},
    "no class of this name": {"0_found_labels": np.array([9])}, "no names": {"names": None},
    "no run": {"run": None}, "other masks": {"0_true_masks": np.ones((1, 4, 4))},
    "no image": {"1_image": np.zeros((16, 16, 3), np.uint8), "0_image": None},
    "a map of other classes": {"0_true_map": np.full((16, 16), 7, np.uint8)},
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_pictures_that_no_run_kept_are_named(tmp_path: Path, what: str) -> None:
    done = Done(run(DETECT))
    told = {"run": np.array(done.id), "names": np.array(["cat", "dog"])}
    picture = np.zeros((16, 16, 3), np.uint8)
    kept = {**told, "0_image": picture, **objects("true"), **objects("found")}
    _write(tmp_path / "pictures.npz", {done.variant: kept})
    assert draw(kept_pictures(tmp_path, [done])) is not None  # type: ignore[list-item]
    wrong = {key: value for key, value in {**kept, **WRONG[what]}.items() if value is not None}
    _write(tmp_path / "pictures.npz", {done.variant: wrong})
    with pytest.raises(InputError, match=r"pictures: .*pictures\.npz can't be read"):
        kept_pictures(tmp_path, [done])  # type: ignore[list-item]


@pytest.mark.slow
def test_pictures_are_in_the_report_and_among_the_figures_for_print(tmp_path: Path) -> None:
    """Whichever of a segmenter's metrics its verdicts are about; no file is called top1."""
    rows, runs = chain({"CMT": [50.0, 51.0], "without": [40.0, 42.0]})
    kept = {"CMT": {"run": np.array("CMT-0"), "names": np.array(["a", "b"]),
                    "0_image": np.zeros((8, 8, 3), np.uint8),
                    "0_true_map": np.ones((8, 8), np.uint8),
                    "0_found_map": np.ones((8, 8), np.uint8)}}  # fmt: skip
    _write(tmp_path / "pictures.npz", kept)
    (tmp_path / "top1_macs.svg").touch()  # of a report of before
    runs = tuple(run.model_copy(update={"test_loss": 1.0}) for run in runs)
    facts = replace(FACTS, task="segment", method=Method(metrics=(LOSS, MIOU)))
    found = Findings(facts, rows, runs)
    names = {path.name for path in write_report(tmp_path, found)}
    assert {"predictions.svg", "miou_macs.svg", "effects_miou.svg"} <= names
    assert not list(tmp_path.glob("top1*"))
    assert "The first test images" in (tmp_path / "report.html").read_text()
    printed = write_figures(
        tmp_path / "figures", found, None, style.Output(style.parse_width("column"), ("pdf",))
    )
    assert "predictions.pdf" in {path.name for path in printed}
