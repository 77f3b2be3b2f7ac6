"""Every figure of every kind, at the width of a column and of a page: nothing overlaps."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from tests.support.samples import FACTS, chain, curve, factorial, sweep
from workbench.cost.peers import PEERS
from workbench.errors import InputError
from workbench.report.figures import attribution, families, staircase
from workbench.report.figures.answers import confusion, draw_confusion, draw_won
from workbench.report.figures.every import draw_all
from workbench.report.findings import Findings
from workbench.shipped import in_checkout
from workbench.show import figures as style
from workbench.show.labels import label_points
from workbench.statistics.attribution import Attribution
from workbench.statistics.facts import PlanFacts
from workbench.study import figures as study_figures
from workbench.study.commands import load_study
from workbench.study.cost_map import map_costs
from workbench.study.stored import read_study
from workbench.study.summary import not_apart, summarise_study

BOTH = (style.WIDTHS["column"], style.WIDTHS["text"])
Point = npt.NDArray[np.float64]
SLACK = 1.0  # pixels: a box is a little larger than what is drawn


def texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that shows, without the line of one that has one."""
    hidden = {id(label) for axes in figure.axes for label in _beyond(axes)}
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    shown = [each for each in found if each.get_visible() and each.get_text().strip()]
    return [(each, Text.get_window_extent(each)) for each in shown if id(each) not in hidden]


def _beyond(axes: Axes) -> Iterator[Text]:
    """The labels of ticks beyond the ends of their axis, which are not drawn."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def markers(figure: Figure, caps: bool = True) -> Iterator[Bbox]:
    """The middle of every marker, in which no letter may stand; `caps` are those of bars."""
    without = ("", "None", "|", None) if caps else ("", "None", "|", "_", None)
    for axes in figure.axes:
        lines = [line for line in axes.lines if line.get_marker() not in without]
        spots = [axes.transData.transform(line.get_xydata()) for line in lines]
        dots = [each for each in axes.collections if isinstance(each, PathCollection)]
        spots += [axes.transData.transform(np.asarray(each.get_offsets())) for each in dots]
        for x, y in (spot for each in spots for spot in each):
            if np.isfinite([x, y]).all():
                yield Bbox([[x - 2, y - 2], [x + 2, y + 2]])


def leaders(found: list[tuple[Text, Bbox]]) -> list[tuple[Text, Point, Point]]:
    """The lines that join names to their points: both ends, in pixels."""
    patches = [(text, getattr(text, "arrow_patch", None)) for text, _ in found]
    drawn = [
        (text, patch.get_transform().transform(patch.get_path().vertices))
        for text, patch in patches
        if patch is not None
    ]
    return [(text, ends[0], ends[-1]) for text, ends in drawn]


def shared(one: Bbox, other: Bbox) -> bool:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return width > SLACK and height > SLACK


def in_the_way(figure: Figure) -> list[str]:
    """What overlaps, stands outside, or has letters of another size than print takes."""
    figure.canvas.draw()
    found, faults = texts(figure), []
    whole = figure.bbox.padded(SLACK)
    for text, box in found:
        if not 7 <= text.get_fontsize() <= 9:
            faults.append(f"{text.get_text()!r} has {text.get_fontsize()} points")
        if not (whole.x0 <= box.x0 <= box.x1 <= whole.x1):
            faults.append(f"{text.get_text()!r} is cut")
        if not (whole.y0 <= box.y0 <= box.y1 <= whole.y1):
            faults.append(f"{text.get_text()!r} is cut")
    for (one, first), (other, second) in combinations(found, 2):
        if shared(first, second):
            faults.append(f"{one.get_text()!r} on {other.get_text()!r}")
    for (text, start, end), (other, box) in product(leaders(found), found):
        points = [start + share * (end - start) for share in np.linspace(0, 1, 50)]
        if other is not text and any(box.contains(*point) for point in points):
            faults.append(f"the line of {text.get_text()!r} on {other.get_text()!r}")
    spots = list(markers(figure))
    for text, box in found:
        if any(shared(box, spot) for spot in spots):
            faults.append(f"{text.get_text()!r} on a marker")
    spots = list(markers(figure, caps=False))
    for text, start, end in leaders(found):
        points = [start + share * (end - start) for share in np.linspace(0, 0.9, 50)]
        if any(spot.contains(*point) for spot in spots for point in points):
            faults.append(f"the line of {text.get_text()!r} on a marker")
    return faults


def additive() -> Findings:
    """Seven steps with long names, close to each other, one of them lost."""
    rows, runs = sweep("+ a local perception unit")
    names = [f"{row.name} and more" for row in rows]
    more, again = chain({name: [93.0 + i / 9, 93.3, 93.2] for i, name in enumerate(names)})
    kept = tuple(run.model_copy(update={"curve": curve(90.0, 9)}) for run in again)
    return Findings(FACTS, (*rows, *more), (*runs, *kept))


def crossed() -> Findings:
    cells = {
        frozenset(c): [80.0 + 3 * len(c), 80.3 + 2.8 * len(c), 80.1 + 3.1 * len(c)]
        for c in ((), "a", "b", "ab", "c", "ac", "bc", "abc")
    }
    names = {"a": "stem", "b": "projection", "c": "inverted residual"}
    long = {frozenset(names[each] for each in cell): values for cell, values in cells.items()}
    rows, runs = factorial(tuple(names.values()), long)
    return Findings(PlanFacts("f", "factorial", seeds=(0, 1, 2)), rows, runs)


@pytest.mark.slow
@pytest.mark.parametrize("width", BOTH)
@pytest.mark.parametrize("made", [additive, crossed])
def test_nothing_is_in_the_way_of_anything(made: Callable[[], Findings], width: float) -> None:
    drawn = {stem: figure for stem, figure in draw_all(made(), width).items() if figure}
    assert drawn.keys() & {"effects", "interactions"}
    with style.style():
        faults = {stem: in_the_way(figure) for stem, figure in drawn.items()}
    assert not any(faults.values()), faults
    assert {figure.get_figwidth() for figure in drawn.values()} == {width}


@pytest.mark.slow
@pytest.mark.parametrize("width", BOTH)
def test_every_network_of_the_families_is_named(width: float) -> None:
    points = [
        families.Point.own(f"{family}-{size}", 10**9 * 2**size * (1 + at / 9), 75 + 2 * size + at)
        for at, family in enumerate([*PEERS][:4])
        for size in range(3)
    ]
    points = [replace(point, family=point.name.partition("-")[0]) for point in points]
    own = families.Point.own("mine", 3e9, 80.0)
    with style.style():
        drawn = families.draw([own, *points], "multiply-adds", True, width)
        assert in_the_way(drawn) == []
    (axes,) = drawn.axes
    named = " ".join([axes.get_xlabel(), *(text.get_text() for text in axes.texts)])
    assert all(point.name in named for point in (own, *points))


@pytest.mark.slow
@pytest.mark.parametrize("width", BOTH)
def test_a_study_s_figures_are_clear_and_ring_what_can_not_be_told_from_the_best(
    width: float, tmp_path: Path,
) -> None:  # fmt: skip
    folder = in_checkout("results/measured/scaling_study")
    study = read_study(folder)
    trials = study.trials
    summary = summarise_study(study, trials)
    with style.style():
        drawn = (study_figures.draw_map(study, trials, summary, width),
                 study_figures.draw_top1(trials, summary, width))  # fmt: skip
        assert [in_the_way(figure) for figure in drawn if figure] == [[], []]
        costs = study_figures.draw_costs(map_costs(load_study("scaling_study"), 12), width)
        assert in_the_way(costs) == []
        for figure in (drawn[0], costs):  # a web page loads no images
            assert "<image" not in style.save(figure, tmp_path, "map")[0].read_text()
    (legend,) = drawn[0].legends
    words = [text.get_text() for text in legend.get_texts()]
    assert f"not told from the best ({len(not_apart(trials, summary))} networks)" in words
    assert any(text.startswith("the paper's, top-1 ") for text in words)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_name_beside_two_points_is_joined_to_its_own(side: int) -> None:
    """Two points side by side: whatever name is not clearly nearer to its own has a line."""
    with style.style():
        figure = style.figure(3.25, 2.5)
        axes = figure.add_subplot()
        axes.set_xlim(0, 10)
        axes.set_ylim(0, 10)
        points = [("one of both", 5.0, 5.0), ("the other", 5.0 + 0.6 * side, 5.0), ("c", 5.0, 8.0)]
        axes.plot([x for _, x, _ in points], [y for *_, y in points], "o")
        label_points(axes, points, [style.BLUE] * 3, [(5.0 + x / 5, 5.0) for x in range(-15, 16)])
        assert in_the_way(figure) == []
    spots = axes.transData.transform([point[1:] for point in points])
    for index, text in enumerate(axes.texts):
        box = Text.get_window_extent(text)
        away = [np.hypot(max(box.x0 - x, x - box.x1, 0), max(box.y0 - y, y - box.y1, 0))
                for x, y in spots]  # fmt: skip
        joined = getattr(text, "arrow_patch", None) is not None
        assert joined or away[index] == min(away)


def test_one_epoch_is_no_curve_and_a_row_without_runs_no_lane() -> None:
    rows, runs = chain({"a": [90.0, 90.5], "b": [91.0, 92.0], "c": [92.0, 92.0]})
    kept = tuple(run.model_copy(update={"curve": curve(90.0, 2)[1:]}) for run in runs[:4])
    drawn = draw_all(Findings(replace(FACTS, seeds=(0, 1)), rows, kept))
    assert drawn["curves"] is None
    assert drawn["effects"] is not None
    assert [text.get_text() for text in drawn["effects"].axes[0].texts].count("compared to a") == 1
    assert "compared to b" not in [text.get_text() for text in drawn["effects"].axes[0].texts]


def test_every_seed_is_a_dot_beside_the_mean() -> None:
    rows, runs = chain({"a": [90.0, 90.5, 91.0], "b": [91.0, 92.0, 91.6]})
    drawn = draw_all(Findings(FACTS, rows, runs))["effects"]
    assert drawn is not None
    dots = [line for line in drawn.axes[0].lines if line.get_markersize() < 3]
    assert [[round(x, 1) for x in line.get_xdata()] for line in dots] == [[1.0, 1.5, 0.6]]


def test_a_staircase_has_the_bars_of_an_additive_plan_alone() -> None:
    rows, runs = chain({"a": [90.0, 90.5, 91.0], "b": [91.0, 92.0, 91.6]})
    found = Findings(FACTS, rows, runs)
    drawn = staircase.draw(found)
    assert drawn is not None
    bars = [bar for bar in drawn.axes[0].patches if isinstance(bar, Rectangle)]
    ends = [
        bar.get_x() + bar.get_width() for bar in bars if round(bar.get_height(), 6) == staircase.BAR
    ]
    assert ends == pytest.approx([90.5, 91.5333], abs=1e-3)
    assert staircase.draw(replace(found, facts=replace(FACTS, kind="list"))) is None


def test_a_map_is_a_triangle_on_one_scale_and_marks_what_is_real() -> None:
    shares = crossed().shares
    assert isinstance(shares, Attribution)
    with style.style():
        drawn = attribution.interaction_map(shares)
    cells = [text.get_text() for text in drawn.axes[0].texts]
    assert len(cells) == 6
    real = [*attribution.real(shares.alone), *attribution.real([e for *_, e in shares.pairs])]
    assert 0 < sum(text.endswith("*") for text in cells) == sum(real) < 6
    mesh = drawn.axes[0].collections[0]
    assert mesh.norm.vmin == -mesh.norm.vmax == -100  # type: ignore[attr-defined]


def test_answers_are_counted_by_digit_and_pictures_are_those_that_one_alone_has() -> None:
    labels = np.array([0, 1, 1, 2, 2])
    one, other = np.array([0, 1, 1, 2, 0]), np.array([0, 1, 2, 1, 2])
    assert confusion(one, labels, 3).tolist() == [[1, 0, 0], [0, 2, 0], [1, 0, 1]]
    pictures = np.zeros((5, 4, 4, 3), np.float32)
    with style.style():
        drawn = draw_won(pictures, labels, {"one": one, "other": other})
        assert drawn is not None
        titles = [axes.get_title() for axes in drawn.axes if axes.get_title()]
        assert titles == ["1, not 2", "2, not 1", "2, not 0"]
        assert draw_won(pictures, labels, {"one": one, "same": one}) is None
        matrix = draw_confusion({"one": one}, labels, "012", 3.25)
    assert matrix.axes[0].get_title("left") == "one: 4 of 5 right"


@pytest.mark.slow
@pytest.mark.parametrize("width", BOTH)
def test_counts_of_a_confusion_matrix_have_room(width: float) -> None:
    labels = np.repeat(np.arange(10), 20)
    answers = {name: (labels + labels.size // 3 * at) % 10 for at, name in enumerate(("CMT", "b"))}
    with style.style():
        drawn = draw_confusion(answers, labels, "0123456789", width)
        assert in_the_way(drawn) == []


@pytest.mark.parametrize(
    ("text", "inches"),
    [("column", 3.25), ("1.5", 5.0), ("text", 6.75), ("3.25in", 3.25), ("82.55mm", 3.25)],
)
def test_a_width_is_a_name_or_a_length(text: str, inches: float) -> None:
    assert style.parse_width(text) == pytest.approx(inches)


@pytest.mark.parametrize("text", ["", "colum", "3.25", "1in", "99in", "nan in", "-4in"])
def test_another_width_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--width"):
        style.parse_width(text)


def test_fonts_are_embedded_whole(tmp_path: Path) -> None:
    with style.style():
        made = style.figure(2, 1)
        made.text(0.5, 0.5, "Top-1")
        (path,) = style.save(made, tmp_path, "small", ("pdf",))
    held = path.read_bytes()
    assert b"/FontFile2" in held
    assert b"/Type3" not in held
