"""`workbench images`, and what a report says of single test images."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.report.test_figures import in_the_way
from tests.support.checks import refused
from workbench.cli import app
from workbench.data import open_source
from workbench.errors import InputError
from workbench.report.figures import classes, contact_sheet
from workbench.report.findings import Findings
from workbench.report.images import image_findings, load_images, sentence
from workbench.report.write import write_report
from workbench.runs.evidence import EVIDENCE, export_evidence
from workbench.runs.folder import RUNS, run_folder
from workbench.runs.results import load_sweep
from workbench.shipped import in_checkout
from workbench.show import figures as style
from workbench.train.evidence import Evidence, write_evidence

SHIPPED = in_checkout("results/measured/attribution_digits")
ROWS = (
    "without stem", "without LPU", "without IRFFN", "without stem, LPU", "without stem, IRFFN",
    "without LPU, IRFFN", "without stem, LPU, IRFFN",
)  # fmt: skip
SECOND = ROWS[1]
LOST = 8  # the class that the runs of the second row lose


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shipped runs, with evidence made up to their scores: the first images are right,
    except that the second row has those of one class wrong, and others right in their place."""
    folder = tmp_path_factory.mktemp("made") / "attribution_digits"
    folder.mkdir()
    for name in (RUNS, "plan.json", "environment.json"):
        shutil.copy(SHIPPED / name, folder)
    sweep = load_sweep(folder)
    source = open_source(sweep.plan.recipe.data)
    labels = source.test.labels
    for run in sweep.runs:
        assert run.top1 is not None
        ease = np.random.default_rng(0).random(len(labels))  # the same for all runs
        ease += np.random.default_rng([1, run.seed]).random(len(labels)) / 100
        ease[labels == LOST] -= 2.0 if run.variant == SECOND else -2.0
        right = np.zeros(len(labels), bool)
        right[np.argsort(-ease)[: round(run.top1 * len(labels) / 100)]] = True
        where = run_folder(folder, run)
        where.mkdir(parents=True)
        loss = np.where(right, 0.05, 2.0).astype(np.float16)
        write_evidence(where, Evidence(run.id, source.test_set, labels, right, loss))
    export_evidence(folder, sweep.runs)
    shutil.rmtree(folder / "runs")
    return folder


@pytest.fixture
def results(made: Path, tmp_path: Path) -> Path:
    """A copy, to be spoilt or written to."""
    return Path(shutil.copytree(made, tmp_path / "attribution_digits"))


def ran(*words: str, width: int = 120) -> str:
    done = CliRunner(env={"COLUMNS": str(width)}).invoke(app, ["images", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_numbers_are_those_of_the_evidence(made: Path) -> None:
    data = json.loads(ran(str(made), "--json"))
    assert [row["variant"] for row in data["rows"]] == list(ROWS)
    frame = wb.load_evidence(made)
    right = frame.pivot_table(index="image", columns=["variant", "seed"], values="correct")
    for row in data["rows"]:
        one, other = right[row["variant"]] > 0.5, right[row["compared_to"]] > 0.5
        assert row["difference"] == pytest.approx(
            100 * (one.to_numpy() - 1.0 * other).mean().mean()
        )
        gained = np.flatnonzero((one & ~other).sum(axis=1) > 1.5)
        lost = np.flatnonzero((other & ~one).sum(axis=1) > 1.5)
        by_image = {what: [] for what in ("gained", "lost")}
        for each in row["by_image"]:
            by_image[each["what"]].append(each["image"])
        assert sorted(by_image["gained"]) == gained.tolist()
        assert sorted(by_image["lost"]) == lost.tolist()
        assert (row["images_gained"], row["images_lost"]) == (len(gained), len(lost))
        assert sum(each["images"] for each in row["by_class"]) == data["test_images"] == 599


def test_the_sentence_on_top_names_the_class_that_was_lost(made: Path) -> None:
    found = load_images(made, SECOND)
    (row,) = found.rows
    lost = {each.label: each for each in row.classes}[LOST]
    assert lost.verdict == "lost"
    text = sentence(found, row)
    assert text.startswith(f"{SECOND}, compared to CMT over 3 seeds: ")
    assert f"class {LOST} {lost.mean:+.1f}" in text
    assert f"{len(row.lost)} lost" in text
    assert " ".join(ran(str(made), "--row", SECOND).split()).startswith(
        f"Images of attribution_digits {text}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_it_prints_fits_and_shows_classes_and_images_where_asked(
    made: Path, width: int
) -> None:
    every = ran(str(made), "--row", SECOND, "--classes", width=width)
    assert max(map(len, every.splitlines())) <= width
    assert f"Classes: {SECOND}" in every
    assert f"Images: {SECOND}" in every
    brief = ran(str(made), width=width)
    assert "Classes: w" not in brief
    assert all(name in brief for name in ROWS)
    markdown = ran(str(made), "--classes", "--format", "markdown")
    assert markdown.count("| Class |") == len(ROWS)


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_report_has_a_section_a_figure_and_pictures(results: Path) -> None:
    sweep = load_sweep(results)
    found = Findings.of(sweep)
    images = image_findings(sweep, found)
    assert images is not None
    names = {path.name for path in write_report(results, found, images)}
    assert {"images.csv", "classes.json", "classes.svg", "changed_images.png"} <= names
    page = (results / "report.html").read_text(encoding="utf-8")
    section = page.partition('id="images"')[2].partition("</section>")[0]
    assert all(name in section for name in ROWS)
    (address,) = re.findall(r'<img src="([^"]{30})', page)
    assert address.startswith("data:image/png;base64,")
    assert "; img-src data:" in page
    sheet = results / "changed_images.png"
    kept, named = sheet.read_bytes(), replace(images, earlier={0: "zero"})
    named.__dict__["source"] = InputError("No pictures and no names of classes: it is not here")
    write_report(results, found, named)  # on a machine without the data set
    assert sheet.read_bytes() == kept
    assert named.class_name(0) == "zero"
    assert named.missing.startswith("Pictures and names of classes are those of an earlier report")
    write_report(results, found, None)  # as from a folder that holds no evidence
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "What the images say" not in page
    assert "img-src" not in page
    assert not [*results.glob("*images*"), *results.glob("classes*")]


@pytest.mark.slow
def test_a_sheet_has_a_picture_for_each_image_and_a_figure_a_panel_for_each_row(
    made: Path,
) -> None:
    found = load_images(made)
    sheet, figure = contact_sheet.draw(found), classes.draw(found)
    assert sheet is not None
    assert figure is not None
    shown = [changed[: contact_sheet.ACROSS] for row in found.rows
             for changed in (row.gained, row.lost)]  # fmt: skip
    assert len(sheet.axes) == sum(map(len, shown)) > 0
    first = next(each for changed in shown for each in changed)
    drawn = sheet.axes[0].images[0].get_array()
    source = open_source(found.data)
    assert np.array_equal(np.asarray(drawn), np.asarray(source.test.open(first.image)))
    assert len(figure.axes) == len(ROWS)
    labels = [text.get_text() for text in figure.axes[1].get_yticklabels()]
    assert labels[-1] == f"class {LOST}"  # the greatest loss is at the bottom


@pytest.mark.slow
@pytest.mark.parametrize("width", [style.WIDTHS["column"], style.WIDTHS["text"]])
def test_sheet_and_panels_are_clear_in_a_paper(made: Path, width: float) -> None:
    found = load_images(made)
    many = replace(found, rows=found.rows * 12)  # of which a page has room for some
    with style.style():
        for each in (found, many):
            drawn = contact_sheet.draw(each, width), classes.draw(each, width)
            assert [in_the_way(figure) for figure in drawn if figure] == [[], []]
            heights = [figure.get_figheight() for figure in drawn if figure]
            assert max(heights) <= style.TALLEST


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("absent", [True, False])
def test_without_the_images_one_line_says_so_and_the_rest_stands(
    results: Path, monkeypatch: pytest.MonkeyPatch, absent: bool
) -> None:
    def nowhere(config: object) -> object:
        raise InputError("data.path: digits is not in 'nowhere'")

    if absent:
        monkeypatch.setattr("workbench.data.open_source", nowhere)
    found = load_images(results)
    if not absent:
        found = replace(found, test_set="that of others")
    assert ("is not in 'nowhere'" if absent else "not those that the runs saw") in found.missing
    assert contact_sheet.draw(found) is None
    assert f"class {LOST}" in sentence(found, found.rows[1])
    (results / "top1_macs.svg").touch()
    names = {path.name for path in write_report(results, Findings.of(load_sweep(results)), found)}
    assert (results / "top1_macs.svg").is_file()  # drawing images takes no other figure away
    assert "classes.svg" in names
    assert "changed_images.png" not in names
    assert (results / "report.html").read_text().count(found.missing.replace("'", "&#39;")) == 1


# ---------------------------------------------------------------- refused


def test_an_unknown_row_is_named_with_the_nearest(made: Path) -> None:
    refused(
        lambda: load_images(made, "without LPUU"),
        "row: unknown 'without LPUU'",
        "nearest: 'without LPU'",
    )
    refused(lambda: load_images(made, "CMT"), "compared to no other", "without stem")


def test_a_folder_without_evidence_is_one_line_and_nothing_in_the_report(results: Path) -> None:
    (results / EVIDENCE).unlink()
    refused(lambda: load_images(results), "evidence:", "attribution_digits", "holds none")
    sweep = load_sweep(results)
    assert image_findings(sweep, Findings.of(sweep)) is None


def test_evidence_of_another_test_set_is_refused(results: Path) -> None:
    run = load_sweep(results).runs[3]
    assert run.top1 is not None
    right = np.arange(599) < round(run.top1 * 5.99)
    folder = run_folder(results, run)
    folder.mkdir(parents=True)
    loss = np.ones(599, np.float16)
    write_evidence(folder, Evidence(run.id, "another", np.zeros(599, np.int64), right, loss))
    refused(lambda: load_images(results), f"run {run.id[:12]}", "another test set")


@pytest.mark.parametrize("content", [b"PAR1 nothing", b""])
def test_a_damaged_file_is_named(results: Path, content: bytes) -> None:
    (results / EVIDENCE).write_bytes(content)
    refused(lambda: load_images(results), EVIDENCE, "can't be read")
