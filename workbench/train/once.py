"""One network trained here and now and kept in memory; no ledger, no folder that stays."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from workbench.config import Progress, Recipe, Result, RunConfig, Spec
from workbench.models import Network
from workbench.train.fit import fit
from workbench.train.parts import build_parts


class Trained(NamedTuple):
    """A network in eval mode, and how its training ended."""

    network: Network
    result: Result


def train_once(spec: Spec, recipe: Recipe, seed: int = 0) -> Trained:
    """Trains `spec` on the CPU to its outcome; the global random state is left as it was.

    Raises `InputError` for what `fit` refuses.
    """
    run = RunConfig(variant=spec.name, spec=spec, recipe=recipe, seed=seed)
    with torch.random.fork_rng(devices=[]), TemporaryDirectory() as folder:
        parts = build_parts(run, torch.device("cpu"))
        result = fit(run, Path(folder), _quiet, "cpu", parts=lambda _run, _device: parts)
    assert isinstance(parts.network, Network)
    return Trained(parts.network.eval(), result)


def _quiet(progress: Progress) -> None:
    """Nobody watches."""
