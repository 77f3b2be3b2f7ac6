"""Reports of detectors and segmenters, of runs as small as they can be."""

from pathlib import Path

import numpy as np
import pytest

from tests.train.tasks.test_tasks import DETECT, SEGMENT, run, trained
from workbench.config import Outcome, RunConfig, Task
from workbench.errors import InputError
from workbench.report.tasks.predictions import draw, kept_pictures
from workbench.runs.folder import run_folder


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
    (tmp_path / "pictures.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"pictures: .* can't be read"):
        kept_pictures(tmp_path, [done])  # type: ignore[list-item]


def test_nothing_is_drawn_of_no_pictures(tmp_path: Path) -> None:
    assert kept_pictures(tmp_path, []) == {}
    assert draw({}) is None
