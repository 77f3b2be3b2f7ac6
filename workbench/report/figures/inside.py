"""Maps from inside a network: features, biases, receptive fields."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.show import figures as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Grid = NDArray[np.float32]


def draw_features(image: Grid, stages: Sequence[Grid]) -> "Figure":
    """An image (R, R, 3) in [0, 1]; beside it a row of maps (channels, H, W) for each stage."""
    across = max(len(maps) for maps in stages)
    made = style.figure(1.5 * (across + 1), 1.6 * len(stages))
    for row, maps in enumerate(stages):
        for column, each in enumerate(maps):
            axes = _panel(made, len(stages), across + 1, row * (across + 1) + column + 2)
            axes.imshow(each, cmap=style.SHADES, interpolation="nearest")
        side = " x ".join(map(str, maps.shape[1:]))
        first = made.axes[-len(maps)]
        first.set_ylabel(f"stage {row}\n{side}", fontsize=8)
    _panel(made, len(stages), across + 1, 1).imshow(image)
    return made


def draw_grids(
    rows: Sequence[Sequence[Grid]],
    names: Sequence[str],
    titles: Sequence[Sequence[str]],
    signed: bool,
) -> "Figure":
    """Rows of maps (H, W), each row with its name on the left and each map with a title.

    `signed`: one scale for all, with zero in its middle; otherwise each map has its own.
    """
    across = max(len(row) for row in rows)
    made = style.figure(1.5 * across + 0.6, 1.75 * len(rows) + 0.2)
    reach = max(float(np.abs(each).max()) for row in rows for each in row) or 1.0
    for i, row in enumerate(rows):
        for j, each in enumerate(row):
            axes = _panel(made, len(rows), across, i * across + j + 1)
            if signed:
                shown = axes.imshow(each, cmap=style.DIVERGING, vmin=-reach, vmax=reach)
            else:
                shown = axes.imshow(each, cmap=style.SHADES)
            axes.set_title(titles[i][j], fontsize=8)
            if j == 0:
                axes.set_ylabel(names[i], fontsize=8)
    if signed:
        made.colorbar(shown, ax=made.axes, shrink=0.6, aspect=30)
    return made


def _panel(made: "Figure", down: int, across: int, index: int) -> "Axes":
    axes = made.add_subplot(down, across, index)
    style.without_frame(axes)
    return axes
