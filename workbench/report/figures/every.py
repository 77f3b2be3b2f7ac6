"""Every figure of a sweep, at the width it is read at, and their files for a paper."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.report.findings import Findings
from workbench.report.images import ImageFindings
from workbench.show import figures as style
from workbench.statistics.attribution import Attribution
from workbench.statistics.effects import Interactions

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_all(
    found: Findings, width: float = style.PAGE, folder: Path | None = None
) -> "dict[str, Figure | None]":
    """By the name of their files; None where nothing was measured that a figure could show.

    What runs kept of test images is read in the results `folder`.
    """
    from workbench.report.figures import attribution, cost, curves, effects, staircase, training

    shares = found.shares
    with style.style():
        return {
            **{
                "effects" if place == 0 else f"effects_{metric.key}": effects.draw(
                    found.contrasts, width, place
                )
                for place, metric in enumerate(found.facts.method.metrics)
            },
            f"{found.score.key}_macs": cost.draw(found, "macs", width),
            "staircase": staircase.draw(found, width),
            f"{found.score.key}_throughput": cost.draw(found, "throughput", width),
            "attribution": (
                attribution.bars(shares, width) if isinstance(shares, Attribution) else None
            ),
            "interactions": (
                attribution.interaction_map(shares, width)
                if isinstance(shares, Attribution | Interactions)
                else None
            ),
            "tuning": training.tuned(found.facts.tuning, found.rows, found.score.name, width),
            "robust": training.robust(found, width),
            "curves": curves.draw(found.rows, found.runs, width, found.metric),
            **_predictions(found, width, folder),
        }


def _predictions(found: Findings, width: float, folder: Path | None) -> "dict[str, Figure | None]":
    """What detectors and segmenters found in test images."""
    from workbench.report.tasks import predictions

    if folder is None or found.facts.task == "classify":
        return {}
    return {"predictions": predictions.draw(predictions.kept_pictures(folder, found.runs), width)}


def draw_images(found: ImageFindings, width: float) -> "dict[str, Figure | None]":
    """What the test images say, alike."""
    from workbench.report.figures import classes, contact_sheet

    with style.style():
        return {
            "classes": classes.draw(found, width),
            "changed_images": contact_sheet.draw(found, width),
        }


def write_figures(
    place: Path, found: Findings, images: ImageFindings | None, output: style.Output
) -> list[Path]:
    """The figures of a sweep for print, into `place`, a folder in that of its results; the paths
    written."""
    drawn = draw_all(found, output.width, place.parent)
    if images and images.rows:
        drawn |= draw_images(images, output.width)
    return style.save_all(drawn, place, output.formats)
