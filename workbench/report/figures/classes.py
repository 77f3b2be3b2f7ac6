"""Which classes each row gained and lost: a panel for each row."""

from typing import TYPE_CHECKING

from workbench.report.images import ImageFindings
from workbench.show import figures as style
from workbench.statistics.images import ClassChange, RowImages

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 20  # classes of a panel: those that changed most
ACROSS = 3
LOOKS = {
    "gained": ("^", style.BLUE),
    "lost": ("v", style.VERMILION),
    "undecided": ("o", style.GREY),
    "none": ("x", style.BLACK),
}


def draw(found: ImageFindings) -> "Figure | None":
    """None where no row is compared."""
    rows = found.rows
    if not rows:
        return None
    tallest = max(min(len(row.classes), MOST) for row in rows)
    across = min(len(rows), ACROSS)
    down = -(-len(rows) // across)
    made = style.figure(3.6 * across + 0.4, (1.1 + 0.2 * tallest) * down)
    for at, row in enumerate(rows):
        _panel(made.add_subplot(down, across, at + 1), found, row)
    made.supxlabel("change of the class, percentage points, with 95 % interval", fontsize=9)
    return made


def shown(row: RowImages) -> list[ClassChange]:
    """The classes that a panel has room for, the largest gain first."""
    kept = sorted(row.classes, key=lambda each: -abs(each.mean))[:MOST]
    return sorted(kept, key=lambda each: -each.mean)


def _panel(axes: "Axes", found: ImageFindings, row: RowImages) -> None:
    classes = shown(row)
    for height, each in enumerate(classes):
        marker, colour = LOOKS[each.verdict]
        if each.interval is not None:
            ends = [each.interval.low, each.interval.high]
            axes.plot(ends, [height, height], color=colour, linewidth=1.8, solid_capstyle="butt")
        axes.plot(each.mean, height, marker, color=colour, markersize=5)
    axes.axvline(0, color=style.BLACK, linewidth=0.8)
    names = [style.shorten(found.class_name(each.label), 16) for each in classes]
    axes.set_yticks(range(len(classes)), names, fontsize=8)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    less = f", {MOST} of {len(row.classes)} classes" if len(row.classes) > MOST else ""
    title = f"{style.shorten(row.variant)}{less}\nagainst {style.shorten(row.compared_to)}"
    axes.set_title(title, fontsize=8)
