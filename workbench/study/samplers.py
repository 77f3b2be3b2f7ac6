"""Optuna's samplers and pruners, made so that a trial's number fixes what is drawn for it.

A sampler is made anew for every trial, from the study's seed and the number: a study that was cut
off and resumed then draws what it would have drawn. `qmc` and `grid` are sequences of points, for
the same reason: Optuna's own keep a counter that moves on when a trial is taken up again.
"""

import random
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from optuna import pruners, samplers
from optuna.exceptions import ExperimentalWarning

from workbench.errors import InputError
from workbench.study.file import Pruner, Sampler

Make = Callable[[Sampler, int], samplers.BaseSampler]
MAKERS: Mapping[str, Make] = {
    "tpe": lambda config, seed: samplers.TPESampler(
        multivariate=True, constant_liar=True, n_startup_trials=config.startup, seed=seed
    ),
    "gp": lambda config, seed: samplers.GPSampler(n_startup_trials=config.startup, seed=seed),
    "cmaes": lambda config, seed: samplers.CmaEsSampler(
        n_startup_trials=config.startup, seed=seed, warn_independent_sampling=False
    ),
    "nsga2": lambda config, seed: samplers.NSGAIISampler(
        population_size=config.population, seed=seed
    ),
    "qmc": lambda config, seed: samplers.RandomSampler(seed),  # never asked
    "grid": lambda config, seed: samplers.RandomSampler(seed),
}
NEEDS = {"cmaes": "cmaes", "gp": "torch"}


def make_sampler(config: Sampler, number: int) -> samplers.BaseSampler:
    """The sampler for trial `number`. Raises `InputError` where its package is missing."""
    seed = int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return MAKERS[config.name](config, seed)


def check_sampler(config: Sampler, objectives: int) -> None:
    """Refuse a sampler that can't do this study, before anything is made."""
    package = NEEDS.get(config.name)
    if package is not None:
        try:
            __import__(package)
        except ImportError:
            raise InputError(
                f"{config.name!r} needs the package {package}: pip install {package}", key="sampler"
            ) from None
    if config.name == "cmaes" and objectives > 1:
        raise InputError(
            "'cmaes' knows one objective only; choose from: gp, grid, nsga2, qmc, tpe",
            key="sampler",
        )


def sequence_point(config: Sampler, index: int) -> tuple[float, float] | None:
    """Point `index` of a sampler that is a sequence; none at its end, or for the others."""
    if config.name == "qmc":
        return sobol_point(config.seed, index)
    if config.name == "grid":
        return _grid(config, index)
    return None


def is_sequence(config: Sampler) -> bool:
    """Whether points do not depend on results."""
    return config.name in ("qmc", "grid")


def sobol_point(seed: int, index: int) -> tuple[float, float]:
    """Point `index` of Sobol's sequence, scrambled by `seed`."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(2, scramble=True, rng=np.random.default_rng(seed))
    if index:
        sequence.fast_forward(index)
    first, second = sequence.random(1)[0]
    return float(first), float(second)


def _grid(config: Sampler, index: int) -> tuple[float, float] | None:
    """In a shuffled order, so that a study cut short has seen all of the surface."""
    if index >= config.side**2:
        return None
    cells = list(range(config.side**2))
    random.Random(config.seed).shuffle(cells)
    row, column = divmod(cells[index], config.side)
    return row / (config.side - 1), column / (config.side - 1)


def make_pruner(config: Pruner, epochs: int, active: bool) -> pruners.BasePruner:
    """The pruner over epochs; none where it is not active."""
    if not active:
        return pruners.NopPruner()
    if config.name == "median":
        return pruners.MedianPruner(n_startup_trials=config.startup, n_warmup_steps=config.warmup)
    return pruners.HyperbandPruner(min_resource=max(1, config.warmup), max_resource=epochs)
