"""Which classes each row gained and lost: a panel for each row."""

from typing import TYPE_CHECKING

from workbench.report.images import ImageFindings
from workbench.show import figures as style
from workbench.statistics.images import ClassChange, RowImages

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 20  # classes of a panel: those that changed most
PANEL = 2.0  # inches of a panel at least
FOOT = 0.35  # inches below the panels
LOOKS = {
    "gained": ("^", style.BLUE),
    "lost": ("v", style.VERMILION),
    "undecided": ("o", style.GREY),
    "none": ("x", style.BLACK),
}


def draw(found: ImageFindings, width: float = style.PAGE) -> "Figure | None":
    """None where no row is compared; of more rows than a page holds, those that change most."""
    if not found.rows:
        return None
    tallest = 0.55 + 0.16 * max(min(len(row.classes), MOST) for row in found.rows)
    across = min(len(found.rows), int(width / PANEL))
    rows = style.heaviest(found.rows, across * int((style.TALLEST - FOOT) / tallest), _largest)
    down = -(-len(rows) // across)
    made = style.figure(width, tallest * down + FOOT)
    for at, row in enumerate(rows):
        _panel(made.add_subplot(down, across, at + 1), found, row, width / across)
    label = "change of the class, percentage points, with its interval"
    if len(rows) < len(found.rows):
        label += f"; {len(rows)} of {len(found.rows)} rows"
    made.supxlabel(style.wrapped(label, width - 0.2, style.NORMAL))
    return made


def _largest(row: RowImages) -> float:
    return max(abs(each.mean) for each in row.classes)


def shown(row: RowImages) -> list[ClassChange]:
    """The classes that a panel has room for, the largest gain first."""
    kept = sorted(row.classes, key=lambda each: -abs(each.mean))[:MOST]
    return sorted(kept, key=lambda each: -each.mean)


def _panel(axes: "Axes", found: ImageFindings, row: RowImages, width: float) -> None:
    classes = shown(row)
    for height, each in enumerate(classes):
        marker, colour = LOOKS[each.verdict]
        if each.interval is not None:
            ends = [each.interval.low, each.interval.high]
            axes.plot(ends, [height, height], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot(each.mean, height, marker, color=colour, markersize=4)
    axes.axvline(0, color=style.BLACK, linewidth=0.8)
    names = [style.shorten(found.class_name(each.label), 14) for each in classes]
    axes.set_yticks(range(len(classes)), names)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=4)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    less = f", {MOST} of {len(row.classes)} classes" if len(row.classes) > MOST else ""
    room = width - 0.25 - 0.06 * max(map(len, names), default=0)
    words = (f"{row.variant}{less}", f"against {row.compared_to}")
    axes.set_title(
        "\n".join(style.wrapped(text, room, lines=1) for text in words), fontsize=style.SMALL
    )
