import csv
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.text import Annotation, Text
from PIL import Image

from tests.support.samples import FACTS, chain, completed, curve, factorial, sweep
from workbench.errors import InputError
from workbench.report.figures import cost, curves
from workbench.report.figures.every import write_figures
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.report.write import write_report
from workbench.runs.folder import write_text
from workbench.show import figures as style
from workbench.show.labels import spread
from workbench.statistics.facts import PlanFacts, Row

STEMS = {"staircase", "effects", "top1_macs", "top1_throughput", "curves"}


ODD = "price_$5 & $6 <b>"  # a row's name


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of a report; not for writing."""
    return write_report(tmp_path_factory.mktemp("reported"), Findings(FACTS, *sweep(ODD)))


@pytest.mark.slow
def test_a_report_is_complete_and_repeats_bit_for_bit(reported: list[Path], tmp_path: Path) -> None:
    names = {path.name for path in reported}
    tables = {f"table.{end}" for end in ("csv", "md", "tex", "json")}
    figures = {f"{stem}.{end}" for stem in STEMS for end in ("svg", "png")}
    assert names == tables | figures | {"curves.csv", "report.html"}
    assert {path.name for path in reported[0].parent.iterdir()} == names
    second = write_report(tmp_path, Findings(FACTS, *sweep(ODD)))
    for mine, other in zip(reported, second, strict=True):
        assert mine.read_bytes() == other.read_bytes(), mine.name


@pytest.mark.slow
def test_figures_for_a_paper_have_their_width_and_forms(tmp_path: Path) -> None:
    rows, runs = sweep()
    output = style.Output(style.parse_width("column"), ("pdf", "svg"))
    written = write_figures(tmp_path / "figures", Findings(FACTS, rows, runs), None, output)
    assert {path.name for path in written} == {
        f"{s}.{end}" for s in STEMS for end in output.formats
    }
    drawn = [path.read_text(encoding="utf-8") for path in written if path.suffix == ".svg"]
    widths = {re.findall(r'width="([\d.]+)pt"', text)[0] for text in drawn}
    assert widths == {"234"}  # points of 1/72 inch


def test_figures_show_something(reported: list[Path]) -> None:
    folder = reported[0].parent
    for stem in STEMS:
        pixels = np.asarray(Image.open(folder / f"{stem}.png").convert("L"))
        assert (pixels < 128).mean() > 0.003, stem
        assert "<image" not in (folder / f"{stem}.svg").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_factorial_is_attributed(tmp_path: Path) -> None:
    cells = {frozenset(c): [90.0 + len(c), 90.3 + len(c) * 1.1] for c in ((), "a", "b", "ab")}
    rows, runs = factorial(("a", "b"), cells)
    written = write_report(
        tmp_path, Findings(PlanFacts("f", "factorial", seeds=(0, 1)), rows, runs)
    )
    names = {path.name for path in written}
    assert {"attribution.svg", "interactions.png", "shares.csv"} <= names
    with (tmp_path / "shares.csv").open(encoding="utf-8", newline="") as file:
        shares = list(csv.DictReader(file))
    values = [float(row["mean"]) for row in shares if row["index"] == "Shapley value"]
    whole = next(float(row["mean"]) for row in shares if row["index"] == "whole")
    assert sum(values) == pytest.approx(whole)
    assert "<image" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("ground", [style.BLUE, style.VERMILION, "#E39B60", "#67A7CE", "#F7F7F7"])
def test_ink_is_readable_on_every_ground(ground: str) -> None:
    """At least 4.5 to 1, as WCAG 2.1 asks of small text; on either ink, the better one."""
    light = style.luminance(to_rgb(ground))
    black, white = (light + 0.05) / 0.05, 1.05 / (light + 0.05)
    chosen = black if style.ink(to_rgb(ground)) == style.BLACK else white
    assert chosen == max(black, white) >= 4.5


@pytest.mark.parametrize("colour", [*style.CYCLE, style.GREY])
def test_names_are_as_legible_as_small_text_has_to_be(colour: str) -> None:
    made = style.legible(colour)
    assert 1.05 / (style.luminance(to_rgb(made)) + 0.05) >= 4.45
    assert made == colour.upper() or colour in (*style.CYCLE[1:],)


def test_ticks_of_counts_are_not_rounded() -> None:
    with style.style():
        axes = style.figure(3, 2).add_subplot()
        style.axis_of_counts(axes.xaxis)
        ticks = axes.xaxis.get_major_formatter().format_ticks([0.98e6, 10.25e6, 1.5e9])
    assert ticks == ["980 k", "10.25 M", "1.5 G"]


def test_what_was_not_measured_is_not_drawn(reported: list[Path], tmp_path: Path) -> None:
    shutil.copytree(reported[0].parent, tmp_path, dirs_exist_ok=True)
    write_report(tmp_path, Findings(FACTS, sweep()[0], ()))
    left = {path.stem for path in tmp_path.glob("*.svg")}
    assert left == set()


def test_curves_hold_every_epoch_of_every_run(tmp_path: Path) -> None:
    from workbench.report.write import curves_csv

    runs = [completed("a", seed, 90.0, curve=curve(90.0, 3)) for seed in (0, 1)]
    read = list(csv.DictReader(curves_csv(runs).splitlines()))
    assert [(row["seed"], row["epoch"]) for row in read] == [(s, e) for s in "01" for e in "012"]
    assert float(read[2]["top1"]) == 90.0 * (1 - 0.5**3)
    assert read[0]["test_loss"] == ""


def test_bands_hold_the_seeds_that_reached_an_epoch() -> None:
    runs = [
        completed("a", 0, 90.0, curve=curve(80.0, 3)),
        completed("a", 1, 90.0, curve=curve(100.0, 2)),
    ]
    (band,) = curves.bands([Row(name="a"), Row(name="b")], runs)
    assert band.epochs == (1, 2, 3)
    assert band.mean == pytest.approx((45.0, 67.5, 70.0))
    assert (band.low[0], band.high[0]) == (40.0, 50.0)


@pytest.mark.slow
def test_panels_have_titles_and_no_line_to_a_name_crosses_another() -> None:
    """Four rows that end within half a point of each other."""
    rows = [Row(name=f"a name {i}") for i in range(4)]
    ends = (98.0, 98.1, 98.2, 98.4)
    runs = [
        completed(row.name, 0, 90.0, curve=curve(top1, 9))
        for row, top1 in zip(rows, ends, strict=True)
    ]
    with style.style():
        drawn = curves.draw(rows, runs, style.WIDTHS["text"])
        assert drawn is not None
        drawn.canvas.draw()
        whole, end = drawn.axes
        names = [text for text in end.texts if isinstance(text, Annotation)]
        boxes = [Text.get_window_extent(name) for name in names]  # without its line
        lines = [name.arrow_patch.get_window_extent() for name in names if name.arrow_patch]
    assert (whole.get_title("left"), end.get_title("left")) == (
        "All epochs", "From epoch 6, own scale",
    )  # fmt: skip
    assert len(boxes) == len(lines) == 4
    assert max(line.x1 for line in lines) <= min(box.x0 for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.slow
def test_many_rows_are_drawn_in_panels(tmp_path: Path) -> None:
    rows = [Row(name=f"v{i}") for i in range(9)]
    runs = [completed(row.name, 0, 90.0, curve=curve(80.0 + i, 3)) for i, row in enumerate(rows)]
    with style.style():
        drawn = curves.draw(rows, runs)
    assert drawn is not None
    assert len(drawn.axes) == 9


@pytest.mark.slow
def test_no_name_crosses_an_error_bar() -> None:
    """To the right of the first point, at its height, there is the bar of the second."""
    top1 = {
        "a name of twenty letters": [89.9, 90.1],
        "b": [88.0, 96.0],
        "c": [90.0, 91.0],
        "d": [92.0, 92.5],
        "e": [93.0, 94.0],
    }
    rows, runs = chain(top1)
    with style.style():
        drawn = cost.draw(Findings(FACTS, rows, runs), "macs")
        assert drawn is not None
        drawn.canvas.draw()
        (axes,) = drawn.axes
        names = [Text.get_window_extent(text) for text in axes.texts]  # without its line
        drawn_bars = (each for each in axes.collections if isinstance(each, LineCollection))
        bars = [axes.transData.transform(bar) for each in drawn_bars for bar in each.get_segments()]
    assert len(names) == len(bars) == 5
    for name in names:
        for (x, low), (_, high) in bars:
            assert not (name.x0 < x < name.x1 and name.y0 < high and low < name.y1)


def faces(top1: dict[str, list[float]], macs: list[int]) -> dict[str, tuple[str, str]]:
    """Colour and face of each row's marker."""
    rows, runs = chain(top1)
    priced = tuple(
        row.model_copy(update={"macs": cost}) for row, cost in zip(rows, macs, strict=True)
    )
    with style.style():
        drawn = cost.draw(Findings(replace(FACTS, kind="list"), priced, runs), "macs")
    assert drawn is not None
    markers = [line for line in drawn.axes[0].lines if line.get_marker() in ("o", "s")]
    found = [(str(line.get_color()), str(line.get_markerfacecolor())) for line in markers]
    return dict(zip(top1, found, strict=True))


@pytest.mark.slow
def test_only_what_a_verdict_tells_from_the_front_is_grey() -> None:
    top1 = {"a": [90.0, 90.4, 90.2], "b": [89.9, 90.4, 90.2], "c": [80.0, 80.4, 80.1]}
    found = faces(top1, [10, 11, 12])
    assert found["a"] == (style.BLUE, style.BLUE)
    assert found["b"] == (style.BLUE, "white")
    assert found["c"] == (style.GREY, style.GREY)


@pytest.mark.parametrize(
    ("macs", "drawn"), [((7, 7), False), ((98, 101), False), ((98, 103), True)]
)
def test_equal_costs_make_no_figure(macs: tuple[int, int], drawn: bool) -> None:
    rows, runs = chain({"a": [90.0, 90.4], "b": [91.0, 90.0]})
    at = tuple(row.model_copy(update={"macs": each}) for row, each in zip(rows, macs, strict=True))
    assert (cost.draw(Findings(FACTS, at, runs), "macs") is not None) is drawn


POINT = st.tuples(st.integers(0, 8).map(float), st.integers(0, 8).map(float))


@settings(max_examples=50)
@given(st.lists(POINT, max_size=9), st.booleans())
def test_the_front_is_what_nothing_beats(points: list[tuple[float, float]], less: bool) -> None:
    def beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
        x = one[0] <= other[0] if less else one[0] >= other[0]
        return x and one[1] >= other[1] and one != other

    front = cost.pareto(points, less)
    truth = {i for i, p in enumerate(points) if not any(beats(q, p) for q in points)}
    assert set(front) == truth
    assert [points[i][0] for i in front] == sorted(points[i][0] for i in front)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 100), max_size=12), st.floats(0.1, 30))
def test_labels_keep_their_distance(wanted: list[float], gap: float) -> None:
    placed = spread(wanted, gap, 0, 100)
    room = min(gap, 100 / max(len(wanted) - 1, 1))
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in placed)
    ordered = sorted(placed)
    assert all(b - a >= room - 1e-6 for a, b in pairwise(ordered))
    if sorted(wanted) == wanted:
        assert placed == ordered


@pytest.mark.slow
def test_a_disk_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_text(tmp_path / "table.csv", "old")

    def full(self: Path, text: str, **_: object) -> int:
        self.open("w").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="can't be written: No space"):
        write_text(path, "new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_read_only_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a disk refuses to remove even what is not there."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(InputError, match="can't be written: Read-only"):
        write_text(tmp_path / "table.csv", "new")


def test_a_figure_is_whole_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another report may read it while it is drawn again."""
    style.save(style.figure(1, 1), tmp_path, "small")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def cut_off(_: object, path: Path, **__: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", cut_off)
    with pytest.raises(OSError, match="No space"):
        style.save(style.figure(1, 1), tmp_path, "small")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_reports_load_neither_torch_nor_matplotlib() -> None:
    code = (
        "import sys, workbench.report.compare, workbench.report.write;"
        "print(sorted({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_run_of_no_row_is_refused(tmp_path: Path) -> None:
    rows, runs = sweep()
    stray = runs[0].model_copy(update={"variant": "stray"})
    with pytest.raises(ValueError, match="'stray' is no row"):
        write_report(tmp_path, Findings(FACTS, rows, (*runs, stray)))


@pytest.mark.slow
def test_throughput_has_a_front_only_where_it_was_measured_alone() -> None:
    rows, runs = chain({"a": [90.0, 90.4, 90.2], "b": [85.0, 85.4, 85.2], "c": [80.0, 80.4, 80.1]})
    speed = {"a": 100.0, "b": 200.0, "c": 150.0}
    loads = {"a": 0.0, "b": 0.01, "c": 0.4}

    def drawn(known: dict[str, float]) -> tuple[set[str], str, str]:
        timed = tuple(
            run.model_copy(
                update={
                    "images_per_second": speed[run.variant],
                    "details": {"other_load": known[run.variant]} if run.variant in known else {},
                }
            )
            for run in runs
        )
        found = Findings(replace(FACTS, kind="list"), rows, timed)
        with style.style():
            figure = cost.draw(found, "throughput")
        assert figure is not None
        (axes,) = figure.axes
        blue = {text.get_text() for text in axes.texts if text.get_color() == style.BLUE}
        column = next(each for each in main_table(found).columns if "Images/s" in each.title)
        cells = [
            row[main_table(found).columns.index(column)].text for row in main_table(found).rows
        ]
        return blue, column.title, cells[2]

    assert drawn(loads) == ({"a", "b"}, "Images/s", "150, measured beside other work")
    assert drawn({}) == (set(), "Images/s, load unknown", "150")
