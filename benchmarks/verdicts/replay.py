"""Plans that are drawn from the runs of a results folder."""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.verdicts.plans import Floats, Generator, Ints, Plans
from workbench.runs.results import load_evidence
from workbench.statistics import variance
from workbench.statistics.metric import TOP1, Metric


@dataclass(frozen=True, slots=True)
class Real:
    """Runs of a results folder: their scores (rows, seeds), in percent or nats, and the products of
    every two runs image by image, (rows, seeds, rows, seeds): of the scores and of the losses."""

    scores: Floats
    products: Floats
    losses: Floats
    images: int
    metric: Metric = TOP1

    def half(self, which: int) -> "Real":
        """Half of the seeds, drawn by lot: a rule may be chosen on one and judged on the other."""
        seeds = np.sort(np.random.default_rng(0).permutation(self.scores.shape[1])[which::2])
        return replace(
            self,
            scores=self.scores[:, seeds],
            products=self.products[:, seeds][..., seeds],
            losses=self.losses[:, seeds][..., seeds],
        )


def real(scores: Floats, losses: Floats, metric: Metric = TOP1) -> Real:
    """From (rows, seeds, images): right and wrong as 1 and 0, or the loss, and the losses."""
    unit = 100 if metric.counts else 1
    products, of_losses = _products(unit * scores), _products(losses)
    return Real(unit * scores.mean(-1), products, of_losses, scores.shape[-1], metric)


def _products(values: Floats) -> Floats:
    flat = values.reshape(-1, values.shape[-1])
    flat = flat - flat.mean(0)
    found: Floats = (flat @ flat.T).reshape(values.shape[:2] * 2)
    return found


def evidence(folder: str, metric: Metric = TOP1) -> Real:
    """The runs of all seeds that every row has."""
    frame = load_evidence(folder)
    table = dict(iter(frame.groupby(["variant", "seed"], sort=False, observed=True)))
    names = list(dict.fromkeys(variant for variant, _ in table))
    every = [{seed for variant, seed in table if variant == name} for name in names]
    seeds = sorted(set.intersection(*every))

    def column(name: str) -> Floats:
        return np.array([[table[row, seed][name] for seed in seeds] for row in names], np.float64)

    losses = column("loss")
    return real(column("correct") if metric.counts else losses, losses, metric)


def replayed(
    found: Real, plans: int, seeds: int, generator: Generator, paired: bool = True
) -> Plans:
    """Plans of `seeds` of the real seeds. What images say is counted from those seeds alone.

    Means of some seeds out of few vary less than means of as many new ones would (the correction
    for a finite population); they are moved apart to make up for that.
    """
    rows, every = found.scores.shape
    scores = found.scores - found.scores.mean(-1, keepdims=True)
    drawn = generator.random((plans, 1 if paired else rows, every)).argsort(-1)[..., :seeds]
    drawn = np.broadcast_to(drawn, (plans, rows, seeds))
    values = np.take_along_axis(np.broadcast_to(scores, (plans, rows, every)), drawn, -1)
    values = values + values.mean(-1, keepdims=True) * ((1 - seeds / every) ** -0.5 - 1)
    explained = _covariances(found.products, drawn) / found.images**2
    known = np.diagonal(explained, axis1=-2, axis2=-1)
    losses = _covariances(found.losses, drawn)
    root = np.sqrt(np.maximum(np.diagonal(losses, axis1=-2, axis2=-1), 1e-12))
    alike = np.clip(losses / (root[:, :, None] * root[:, None]), 0.0, 1.0)
    deviation = np.broadcast_to(scores.std(-1, ddof=1), (plans, rows))
    scale: Floats | float = 1.0
    if found.metric.counts:
        levels = np.broadcast_to(found.scores, (plans, rows, every))
        scale = variance.level_scale(np.take_along_axis(levels, drawn, -1).mean(-1))
    return Plans(values, known, deviation, scale, variance.Together(explained, alike))


def _covariances(products: Floats, drawn: Ints) -> Floats:
    """(plans, rows, rows), summed over the images, of the (plans, rows, seeds) runs drawn."""
    plans, rows, seeds = drawn.shape
    found = np.empty((plans, rows, rows))
    for a in range(rows):
        for b in range(a, rows):
            of = products[a, :, b][drawn[:, a, :, None], drawn[:, b, None]]
            centred = np.trace(of, axis1=-2, axis2=-1) - of.sum((-1, -2)) / seeds
            found[:, a, b] = found[:, b, a] = centred / (seeds - 1)
    return found
