"""What earlier runs of a plan, or the size of its test set alone, say of the noise to come."""

from collections.abc import Sequence

import numpy as np

from workbench.statistics import difference
from workbench.statistics.facts import Method, Row, RunRecord
from workbench.statistics.metric import Metric, images_variance
from workbench.statistics.paired import paired
from workbench.statistics.power import Noise
from workbench.statistics.shared import fit_rows
from workbench.statistics.student import rounding_error

COIN = 50.0  # percent: the top-1 at which images explain most


def noise_of_images(rows: Sequence[Row], method: Method, images: int) -> dict[str, Noise]:
    """Of each compared row, as if every image were right in half of the runs, and as if runs did
    not differ beyond that."""
    compared = [row.name for row in rows if row.compared_to is not None]
    known, family = images_variance(COIN, images), method.tests(len(compared))
    pooled = len(rows) if method.variance == "shared" else 2
    noise = Noise(known, pooled, family, known, rounding_error(images))
    return dict.fromkeys(compared, noise)


def noise_of_runs(
    rows: Sequence[Row],
    runs: Sequence[RunRecord],
    method: Method,
    metric: Metric,
    images: int | None,
) -> dict[str, Noise]:
    """Of each compared row, from earlier runs; empty where no row has two seeds."""
    compared = [row for row in rows if row.compared_to is not None]
    scored = [run for run in runs if run.score(metric) is not None]
    seeds = sorted({run.seed for run in scored})
    least = rounding_error(images) * metric.counts
    family = method.tests(len(compared))
    if method.variance == "own":
        pairs = {row.name: [*paired(row, runs, seeds, metric).values()] for row in compared}
        return {
            name: Noise(float(np.var(values, ddof=1)) / 2, 2, family, least=least)
            for name, values in pairs.items()
            if len(values) > 1
        }
    model = fit_rows(rows, runs, seeds, metric, method)
    if not compared or not (model.moments.count > 1).any():
        return {}
    index = {row.name: position for position, row in enumerate(rows)}
    first = np.array([index[row.name] for row in compared])
    second = np.array([index[row.compared_to or ""] for row in compared])
    found, count = difference.contrasts(model, first, second), np.maximum(model.moments.count, 1)
    run = found.error**2 / (1 / count[first] + 1 / count[second])  # the mean of both rows
    known = found.floor * run / difference.FLOOR_SHARE
    rows_behind = np.where(found.loud[0] | found.loud[1], 2, (model.moments.count > 1).sum())
    return {
        row.name: Noise(float(run[at]), int(rows_behind[at]), family, float(known[at]), least)
        for at, row in enumerate(compared)
    }
