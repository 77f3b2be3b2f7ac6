"""What a notebook shows: the tables and figures of the reports, as objects that Jupyter displays.

It computes nothing: every number comes from the rooms, every drawing from the report's figures.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console, RenderableType

from workbench.errors import InputError, unknown
from workbench.shipped import in_checkout
from workbench.show.table import Column, Printout, Table, cell
from workbench.whole_file import writing

if TYPE_CHECKING:
    from IPython.display import Image, Markdown, Pretty
    from matplotlib.figure import Figure
    from torch import Tensor

    from workbench.cost.peers import Standing
    from workbench.cost.speed import Speed
    from workbench.models import Network
    from workbench.report.findings import Findings
    from workbench.runs.results import Sweep
    from workbench.statistics.attribution import Attribution
    from workbench.study.cost_map import CostMap
    from workbench.study.summary import ReportedStudy, StudySummary
    from workbench.study.trials import Trial

DPI = 96  # a notebook holds its pictures as text
WIDTH = 110  # of text


def measured(name: str) -> Path:
    """The folder `results/measured/NAME` of this checkout. Raises `InputError` without one."""
    home = in_checkout("results/measured")
    if not (home / name).is_dir():
        raise unknown("results", name, (each.name for each in home.glob("*/")))
    return home / name


def say(found: Table | Printout | RenderableType, width: int = WIDTH) -> "Pretty":
    """Anything that a command prints, as it would stand on a terminal of `width` columns."""
    from IPython.display import Pretty

    from workbench.show.terminal import view

    text = StringIO()
    console = Console(file=text, width=width, force_jupyter=False, color_system=None)
    console.print(view(found) if isinstance(found, Table | Printout) else found)
    return Pretty("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def listing(table: Table) -> "Markdown":
    """A table without the columns that only files have room for; its notes below."""
    from IPython.display import Markdown

    from workbench.show.formats import as_markdown

    return Markdown(as_markdown(table.for_people()))


def picture(draw: "Callable[[], Figure | None]") -> "Image":
    """What `draw` draws, in the reports' look. Raises `InputError` where there is nothing."""
    from IPython.display import Image

    from workbench.show import figures as style

    with style.style():
        made = draw()
        if made is None:
            raise InputError("figure: nothing was measured that it could show")
        found = BytesIO()
        made.savefig(found, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    return Image(found.getvalue(), format="png")


# ---------------------------------------------------------------- published and measured costs


def standings(
    found: "Sequence[Standing]",
    speeds: "Mapping[str, Speed] | None" = None,
    own: Mapping[str, tuple[float, float]] | None = None,
    save: str | Path | None = None,
    width: str = "text",
) -> "Image":
    """Published top-1 against MACs, or against the measured throughput of those in `speeds`.

    `own` are networks of one's own, each with its cost, in the same unit, and its top-1 in percent.
    `save` is a file for print, by its ending `.pdf`, `.svg` or `.png`, of `width` as in
    `workbench report --figures`. Raises `InputError` for another ending or width.
    """
    from workbench.report.figures.families import draw, points_of

    points, what = points_of(found, speeds, own or {})

    def drawn(inches: float = 6.75) -> "Figure":
        return draw(points, what, less_is_better=speeds is None, width=inches)

    if save is not None:
        _save(drawn, Path(save), width)
    return picture(drawn)


def _save(drawn: "Callable[[float], Figure]", path: Path, width: str) -> None:
    from workbench.show import figures as style

    formats = style.parse_formats(path.suffix.removeprefix("."))
    with style.style(), writing(path, "save"):
        style.save(drawn(style.parse_width(width)), path.parent, path.stem, formats)


def sources(found: "Sequence[Standing]", model: str) -> "Markdown":
    """Every published top-1 of a model, with where it was read. Raises `InputError`."""
    known = {each.model: each for each in found}
    if model not in known:
        raise unknown("model", model, known)
    titles = ("top-1, %", "GMACs printed", "source", "note")
    columns = [Column(each, (each,), "number" if "%" in each else "text") for each in titles]
    rows = [
        tuple(
            cell("" if value is None else str(value))
            for value in (row.top1, row.gmacs, row.source, row.note)
        )
        for row in known[model].rows
    ]
    return listing(Table(model, tuple(columns), rows))


# ---------------------------------------------------------------- a sweep


def table(sweep: "Sweep") -> "Markdown":
    """The main table of a sweep, with its notes."""
    from workbench.report.main_table import main_table

    return listing(main_table(_findings(sweep)))


def effects(sweep: "Sweep") -> "Image":
    """Differences between rows, with their intervals and verdicts."""
    from workbench.report.figures import effects as figure

    return picture(lambda: figure.draw(_findings(sweep).contrasts))


def top1_macs(sweep: "Sweep") -> "Image":
    """The plan's first metric against multiply-adds, with the Pareto front."""
    from workbench.report.figures import cost

    return picture(lambda: cost.draw(_findings(sweep), "macs"))


def curves(sweep: "Sweep") -> "Image":
    """The plan's first metric over the epochs."""
    from workbench.report.figures import curves as figure

    metric = sweep.facts().method.metrics[0]
    return picture(lambda: figure.draw(sweep.rows(), sweep.records(), metric=metric))


def shares(sweep: "Sweep") -> "Markdown":
    """Shapley values and interactions of a full factorial, as the report lists them."""
    from workbench.report.shares import attribution_table

    return listing(attribution_table(_attributed(sweep)))


def attribution(sweep: "Sweep") -> "Image":
    """Shapley values of a full factorial."""
    from workbench.report.figures.attribution import bars

    found = _attributed(sweep)
    return picture(lambda: bars(found))


def interactions(sweep: "Sweep") -> "Image":
    """Interactions of pairs in a full factorial."""
    from workbench.report.figures.attribution import interaction_map

    found = _attributed(sweep)
    return picture(lambda: interaction_map(found))


def _attributed(sweep: "Sweep") -> "Attribution":
    from workbench.statistics.attribution import Attribution

    found = _findings(sweep).shares
    if not isinstance(found, Attribution):
        raise InputError(f"{sweep.plan.name}: no full factorial of which a seed completed")
    return found


@lru_cache(maxsize=4)  # the cells of a notebook share what is computed
def _findings(sweep: "Sweep") -> "Findings":
    from workbench.report.findings import Findings

    return Findings.of(sweep)


# ---------------------------------------------------------------- a study


def cost_map(found: "CostMap") -> "Image":
    """The alpha-beta plane: growth after rounding over what was asked for."""
    from workbench.study.figures import draw_costs

    return picture(lambda: draw_costs(found))


def study_map(study: "ReportedStudy", trials: "Sequence[Trial]") -> "Image":
    """The alpha-beta plane with the trials of a study."""
    from workbench.study.figures import draw_map

    return picture(lambda: draw_map(study, trials, _summary(study, trials)))


def study_top1(study: "ReportedStudy", trials: "Sequence[Trial]") -> "Image":
    """Top-1 against MACs of the networks that trained."""
    from workbench.study.figures import draw_top1

    return picture(lambda: draw_top1(trials, _summary(study, trials)))


def study_view(study: "ReportedStudy", trials: "Sequence[Trial]") -> "Pretty":
    """What `workbench study` prints at its end."""
    from workbench.study import report

    return say(report.study_view(study, trials, _summary(study, trials)))


def _summary(study: "ReportedStudy", trials: "Sequence[Trial]") -> "StudySummary":
    from workbench.study.summary import summarise_study

    return summarise_study(study, trials)


# ---------------------------------------------------------------- inside a network


def features(model: "Network", image: "Tensor", channels: int = 5) -> "Image":
    """An image (3, R, R) in [0, 1], and the maps of each stage that vary most over it."""
    from workbench.models.inspect import strongest_maps
    from workbench.report.figures.inside import draw_features

    maps = [each.numpy() for each in strongest_maps(model, image, channels)]
    return picture(lambda: draw_features(image.permute(1, 2, 0).numpy(), maps))


def biases(models: "Mapping[str, Network]", stage: int, row: int, column: int) -> "Image":
    """The attention bias of one query over the keys: a row for each model, a column a head."""
    from workbench.models.inspect import attention_bias, bias_of_query
    from workbench.report.figures.inside import draw_grids

    found = {name: attention_bias(model, stage) for name, model in models.items()}
    for name, bias in found.items():
        if bias is None:
            raise InputError(f"{name}: stage {stage} has no attention bias")
    rows = [
        [*bias_of_query(bias, row, column).numpy()] for bias in found.values() if bias is not None
    ]
    heads = [[f"head {index}" for index in range(len(row))] for row in rows]
    return picture(lambda: draw_grids(rows, list(found), heads, signed=True))


def fields(models: "Mapping[str, Network]", images: "Tensor") -> "Image":
    """Effective receptive fields: a row for each model, a column a stage; brighter on a log scale.

    Above each, the least share of the image that holds half of the gradient.
    """
    from workbench.models.inspect import effective_fields
    from workbench.report.figures.inside import draw_grids

    found = [effective_fields(model, images) for model in models.values()]
    grids = [[np.log10(each.gradient.numpy() + 1e-6) for each in row] for row in found]
    titles = [[f"stage {each.stage}: {each.share():.1%}" for each in row] for row in found]
    return picture(lambda: draw_grids(grids, list(models), titles, signed=False))


# ---------------------------------------------------------------- a component of one's own


def contract(module: str, component: str) -> "Pretty":
    """Holds a component of `module` to the contract suite of this checkout; pytest's last words.

    Runs in the working directory, where the module is. Raises `InputError` without a checkout.
    """
    from IPython.display import Pretty

    suite = in_checkout("tests/models/test_contract.py")
    command = [sys.executable, "-m", "pytest", str(suite), "--modules", module, "-k", component]
    command += ["-p", "no:cacheprovider", "--color=no", "-o", "addopts="]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.replace(str(suite.parents[2]), ".").splitlines()
    lines = [line.strip("= ") for line in lines]
    shown = lines[-1:] if done.returncode == 0 else lines[-20:]
    return Pretty("\n".join(re.sub(r" in [\d.]+s.*", "", line) for line in shown))
