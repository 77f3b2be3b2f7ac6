"""The images that most seeds gained or lost, as pictures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.report.images import ImageFindings
from workbench.show import figures as style
from workbench.statistics.images import ImageChange, RowImages

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 10  # pictures of a line
MARGIN, SIDE, LINE = 1.0, 0.72, 0.98  # inches: of the names, of a picture's place, of a line


def draw(found: ImageFindings, width: float = MARGIN + SIDE * ACROSS) -> "Figure | None":
    """A line of images gained and a line of images lost for each row, most seeds first.

    Of more lines than a page holds, those whose images most seeds agree on. None where no image
    changed, or the data set is not here.
    """
    across = min(int((width - MARGIN) / SIDE), ACROSS)
    lines = [
        (row, what, changed[:across])
        for row in found.rows
        for what, changed in (("gained", row.gained), ("lost", row.lost))
        if changed
    ]
    if not lines or found.missing:
        return None
    lines = style.heaviest(
        lines, int(style.TALLEST / LINE), lambda line: _seeds(line[2][0], line[1])
    )
    made = style.figure(width, LINE * len(lines))
    made.set_layout_engine("none")  # the places are known, and a search for them takes seconds
    for at, line in enumerate(lines):
        _line(made, found, (at, len(lines)), *line)
    return made


def _line(
    made: "Figure",
    found: ImageFindings,
    place: tuple[int, int],
    row: RowImages,
    what: str,
    changed: Sequence[ImageChange],
) -> None:
    at, lines = place
    for column, each in enumerate(changed):
        axes = made.add_axes(_place(column, at, lines, made.get_figwidth()))
        _picture(axes, found, each, what, len(row.seeds))
        if column == 0:
            name = f"{style.wrapped(row.variant, MARGIN - 0.15, lines=3)}\n{what}"
            axes.set_ylabel(name, fontsize=style.SMALL, rotation=0, ha="right", va="center")


def _place(column: int, line: int, lines: int, width: float) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of a picture, as shares of the figure."""
    height = LINE * lines
    left, bottom = MARGIN + SIDE * column, LINE * (lines - line - 1) + 0.04
    return left / width, bottom / height, 0.9 * SIDE / width, 0.9 * SIDE / height


def _seeds(image: ImageChange, what: str) -> int:
    """How many seeds gained it, or lost it."""
    return image.row_alone if what == "gained" else image.other_alone


def _picture(axes: "Axes", found: ImageFindings, each: ImageChange, what: str, seeds: int) -> None:
    picture = found.picture(each.image)
    assert picture is not None
    axes.imshow(picture, interpolation="nearest" if max(picture.shape) < 100 else "antialiased")
    style.without_frame(axes)
    count = _seeds(each, what)
    name = style.shorten(found.class_name(each.label), style.letters(SIDE))
    axes.set_title(f"{name}\n{count} of {seeds}", fontsize=style.SMALL, loc="center", pad=2)
