"""COCO's layout through a sweep, as it is downloaded: ids with gaps, crowds, polygons and run
lengths, images without anything; and what is kept of every test image."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask

import workbench as wb
from tests.support.inline import INLINE, with_inline
from tests.support.sweeps import quiet
from workbench.config import Outcome
from workbench.errors import InputError
from workbench.plans.file import parse_plan
from workbench.plans.resolution import resolve
from workbench.report.browse import find_run, run_data, runs_table
from workbench.report.compare import compare
from workbench.report.findings import Findings
from workbench.report.images import load_images
from workbench.runs.evidence import EVIDENCE
from workbench.runs.folder import run_folder
from workbench.runs.results import load_sweep
from workbench.runs.sweep import SweepOptions, run_sweep
from workbench.train.evidence import BY_IMAGE

CATEGORIES = {1: "person", 18: "dog", 90: "toothbrush"}
SMALL = ["resolution=32", "dim=[8,16,24,24]", "heads=[1,2,2,2]", "depth=1", "stride=[4,2,2,2]",
         "stem.stride=2", "stem.dim=8"]  # fmt: skip


def instances(images: int) -> dict[str, Any]:
    """Of each image but the last: a polygon in two parts, a mask in run lengths, and a crowd."""
    photos = [
        {"id": 139 + 7 * n, "file_name": f"{139 + 7 * n:012}.jpg", "width": 48, "height": 32}
        for n in range(images)
    ]
    drawn = np.zeros((32, 48), np.uint8, order="F")
    drawn[4:20, 30:44] = 1
    runs = mask.encode(drawn)
    shapes = [
        (1, [2.0, 2.0, 20.0, 20.0], [[2, 2, 22, 2, 22, 10, 2, 10], [2, 12, 22, 12, 12, 22]], 0),
        (90, [30.0, 4.0, 14.0, 16.0], {"size": [32, 48], "counts": runs["counts"].decode()}, 0),
        (18, [0.0, 24.0, 48.0, 8.0], {"size": [32, 48], "counts": [24, 8] * 48}, 1),
    ]
    annotations = [
        {"id": 1000 * photo["id"] + n, "image_id": photo["id"], "category_id": category,
         "bbox": box, "segmentation": outline, "iscrowd": crowd, "area": 1.0}
        for photo in photos[:-1] for n, (category, box, outline, crowd) in enumerate(shapes)
    ]  # fmt: skip
    categories = [{"id": key, "name": name} for key, name in CATEGORIES.items()]
    return {"images": photos, "annotations": annotations, "categories": categories}


def write_coco(root: Path) -> Path:
    (root / "annotations").mkdir(parents=True)
    for which, images in (("train2017", 4), ("val2017", 3)):
        said = instances(images)
        (root / which).mkdir()
        for photo in said["images"]:
            pixels = np.random.default_rng(photo["id"]).integers(0, 255, (32, 48, 3), np.uint8)
            Image.fromarray(pixels).save(root / which / photo["file_name"])
        file = root / "annotations" / f"instances_{which}.json"
        file.write_text(json.dumps({"info": {}, "licenses": [], **said}))
    return root


def swept(task: str, model: str | None, tmp_path: Path) -> Path:
    recipe = {
        "data": {"name": "coco", "path": str(write_coco(tmp_path / "coco"))}, "epochs": 1,
        "batch_size": 2, "task.channels": 8, **({"task.model": model} if model else {}),
    }  # fmt: skip
    plan = resolve(parse_plan({
        "name": "coco", "kind": "list", "seeds": 1, "task": task, "recipe": recipe,
        "rows": [{"name": "CMT", "base": "cmt_digits", "set": SMALL}],
    }))  # fmt: skip
    folder = tmp_path / "results"
    with with_inline():
        done = run_sweep(plan, folder, SweepOptions(where=INLINE, device="cpu"), quiet())
    assert [run.outcome for run in done.runs] == [Outcome.COMPLETED], done.runs[0].reason
    return folder


@pytest.mark.parametrize("model", [None, pytest.param("mask_rcnn", marks=pytest.mark.slow)])
def test_detectors_of_coco(model: str | None, tmp_path: Path) -> None:
    folder = swept("detect", model, tmp_path)
    (run,) = load_sweep(folder).runs
    assert ("AP of masks" in run.details) == (model is not None)
    assert wb.load_results(folder)["ap"].tolist() == [run.top1]
    assert (folder / "runs.csv").read_text().split(",")[5] == "ap"
    with pytest.raises(InputError, match=r"images: it is of classifiers; wb\.load_evidence reads"):
        load_images(folder)
    frame = wb.load_evidence(folder)
    assert list(frame["image"]) == ["000000000139.jpg", "000000000146.jpg", "000000000153.jpg"]
    assert list(frame["objects"]) == [2, 2, 0]  # without the crowd
    assert (frame["found"] <= frame["objects"]).all()
    assert set(frame["run"]) == {run.id}
    assert not (folder / EVIDENCE).exists()
    shutil.rmtree(run_folder(folder, run))  # the export has it all
    assert wb.load_evidence(folder).equals(frame)
    sweep = load_sweep(folder)
    named = [runs_table(sweep), compare(Findings.of(sweep), Findings.of(sweep))]
    assert [[c.title for c in table.columns if "AP" in c.title] for table in named] == [
        ["AP, %"], ["AP A, %", "AP B, %"],
    ]  # fmt: skip
    shown = run_data(find_run(run.id, folder))
    assert (shown["ap"], "top1" in shown, "ap" in shown["curve"][0]) == (run.top1, False, True)
    (folder / BY_IMAGE).write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"evidence: .*by_image\.parquet can't be read"):
        wb.load_evidence(folder)


def test_segmenters_of_coco(tmp_path: Path) -> None:
    folder = swept("segment", None, tmp_path)
    (run,) = load_sweep(folder).runs
    frame = wb.load_evidence(folder)
    assert list(frame["pixels"]) == [32 * 32] * 3  # what is added below an image is background
    share = 100 * frame["right"].sum() / frame["pixels"].sum()
    assert share == pytest.approx(run.details["pixel accuracy"])
    assert frame["miou"].between(0, 100).all()
