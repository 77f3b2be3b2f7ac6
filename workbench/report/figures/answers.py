"""What networks answer: confusion matrices, and images that one of two has right."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.show import figures as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Labels = NDArray[np.int64]
SHADES = "Oranges"
ACROSS = 8  # pictures of a row
NARROW = 4.5  # inches, in which two matrices have no room beside each other


def draw_confusion(
    answers: Mapping[str, Labels],
    labels: Labels,
    classes: Sequence[str],
    width: float = style.WIDTHS["text"],
) -> "Figure":
    """A matrix for each network, by name: rows are the true classes, columns the answers.

    Only mistakes are shaded, so that the many right answers do not hide them.
    """
    across = min(len(answers), 2 if width > NARROW else 1)
    down = -(-len(answers) // across)
    made = style.figure(width, down * (0.92 * width / across))
    for index, (name, given) in enumerate(answers.items()):
        counts = confusion(given, labels, len(classes))
        axes = made.add_subplot(down, across, index + 1)
        _matrix(axes, counts, classes)
        right = np.trace(counts)
        axes.set_title(f"{name}: {right} of {len(labels)} right", fontsize=style.NORMAL)
    made.supxlabel("answer")
    made.supylabel("digit")
    return made


def confusion(given: Labels, labels: Labels, classes: int) -> NDArray[np.int64]:
    """(classes, classes) counts: by true class, then by answer."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, given), 1)
    return counts


def _matrix(axes: "Axes", counts: NDArray[np.int64], classes: Sequence[str]) -> None:
    mistakes = counts * (1 - np.eye(len(counts), dtype=np.int64))
    axes.imshow(mistakes, cmap=SHADES, vmin=0, vmax=max(int(mistakes.max()), 1))
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    dark = mistakes > 0.6 * max(int(mistakes.max()), 1)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            colour = "white" if dark[i, j] else style.GREY if i == j else style.BLACK
            axes.text(
                j, i, str(count), ha="center", va="center", color=colour, fontsize=style.SMALL
            )


def draw_won(
    images: NDArray[np.float32],
    labels: Labels,
    answers: Mapping[str, Labels],
    width: float = style.WIDTHS["text"],
) -> "Figure | None":
    """Of two networks, by name: a row of the images that the first alone has right, and one of
    those that the second alone has. Images are (N, H, W, 3) in [0, 1]. None where there is none.
    """
    (one, first), (other, second) = answers.items()
    rows = [
        (one, np.flatnonzero((first == labels) & (second != labels)), second),
        (other, np.flatnonzero((second == labels) & (first != labels)), first),
    ]
    if not any(len(found) for _, found, _ in rows):
        return None
    made = style.figure(width, 1.15 * len(rows))
    for row, (name, found, wrong) in enumerate(rows):
        for column in range(ACROSS):
            axes = made.add_subplot(len(rows), ACROSS, row * ACROSS + column + 1)
            style.without_frame(axes)
            if column == 0:
                axes.set_ylabel(f"{name}\nalone: {len(found)}", fontsize=style.SMALL)
            if column < len(found):
                at = found[column]
                axes.imshow(images[at], interpolation="nearest")
                words = f"{labels[at]}, not {wrong[at]}"
                axes.set_title(words, fontsize=style.SMALL, loc="center", pad=2)
    return made
