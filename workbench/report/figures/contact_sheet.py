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
MARGIN, SIDE, LINE = 1.6, 0.82, 1.05  # inches: of the names, of a picture's place, of a line


def draw(found: ImageFindings) -> "Figure | None":
    """A line of images gained and a line of images lost for each row, most seeds first.

    None where no image changed, or the data set is not here.
    """
    lines = [
        (row, what, changed[:ACROSS])
        for row in found.rows
        for what, changed in (("gained", row.gained), ("lost", row.lost))
        if changed
    ]
    if not lines or found.missing:
        return None
    made = style.figure(MARGIN + SIDE * ACROSS, LINE * len(lines))
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
        axes = made.add_axes(_place(column, at, lines))
        _picture(axes, found, each, what, len(row.seeds))
        if column == 0:
            name = f"{style.shorten(row.variant, 22)}\n{what}"
            axes.set_ylabel(name, fontsize=7, rotation=0, ha="right", va="center")


def _place(column: int, line: int, lines: int) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of a picture, as shares of the figure."""
    width, height = MARGIN + SIDE * ACROSS, LINE * lines
    left, bottom = MARGIN + SIDE * column, LINE * (lines - line - 1) + 0.04
    return left / width, bottom / height, 0.9 * SIDE / width, 0.9 * SIDE / height


def _picture(axes: "Axes", found: ImageFindings, each: ImageChange, what: str, seeds: int) -> None:
    picture = found.picture(each.image)
    assert picture is not None
    axes.imshow(picture, interpolation="nearest" if max(picture.shape) < 100 else "antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    count = each.row_alone if what == "gained" else each.other_alone
    name = style.shorten(found.class_name(each.label), 12)
    axes.set_title(f"{name}\n{count} of {seeds}", fontsize=6, loc="center")
