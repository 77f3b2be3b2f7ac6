"""Networks that were saved, or that the runs of a results folder kept."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import InputError, nearest, unknown
from workbench.runs.folder import run_folder
from workbench.runs.results import Sweep, load_sweep
from workbench.runs.rows import StoredRun
from workbench.user_modules import import_modules

if TYPE_CHECKING:
    from torch import nn

KEPT = ("last", "best")


def load(
    path: str | Path, variant: str | None = None, seed: int | None = None, *, weights: str = "last"
) -> "nn.Module":
    """A network with its weights, in eval mode, on the CPU: images (B, 3, H, W) -> (B, classes).

    `path` is a folder that `wb.save` wrote; or a results folder, whose completed runs keep their
    final weights with `--keep weights`, and then `variant` and `seed` say which run. They may be
    left out where there is only one. `weights` are `last`, or `best` on validation images, of a
    recipe that has some. Averaged weights are kept where the run's score is of those.
    Raises `InputError` for a run that is not there, has not completed or kept no weights.
    """
    from workbench.train.saved import holds_network, load_saved

    if weights not in KEPT:
        raise unknown("weights", weights, KEPT)
    folder = Path(path)
    if holds_network(folder):
        if variant is not None or seed is not None:
            raise InputError(
                f"{path} is one saved network; leave variant and seed out", key="variant"
            )
        return load_saved(folder)
    sweep = load_sweep(path)
    run = _run(sweep, variant, seed)
    kept = run_folder(sweep.folder or folder, run) / weights
    if not holds_network(kept):
        why = "kept no weights; --keep weights keeps them as runs complete"
        if holds_network(kept.with_name("last")):
            why = "has no validation images to tell its best weights by"
        elif run.status != "completed":
            why = f"is {run.status}, not completed"
        raise InputError(f"{path}: {run.variant!r}, seed {run.seed}, {why}", key="results")
    import_modules(sweep.plan.modules)
    return load_saved(kept)


def kept_runs(
    path: str | Path, variant: str | None = None, seed: int | None = None
) -> list[tuple[StoredRun, Path]]:
    """The runs of a results folder that kept their final weights, and where these are.

    Raises `InputError` for a variant or seed that is not there, and where no run kept weights.
    """
    from workbench.train.saved import holds_network

    sweep = load_sweep(path)
    asked = [run for run in sweep.runs if variant in (None, run.variant)]
    if not asked:
        raise unknown("variant", str(variant), dict.fromkeys(run.variant for run in sweep.runs))
    chosen = [run for run in asked if seed in (None, run.seed)]
    if not chosen:
        raise unknown("seed", str(seed), dict.fromkeys(str(run.seed) for run in asked))
    home = sweep.folder or Path(path)
    folders = [(run, run_folder(home, run) / "last") for run in chosen]
    found = [(run, folder) for run, folder in folders if holds_network(folder)]
    if not found:
        raise InputError(
            f"{path}: no run kept its weights; --keep weights keeps them as runs complete",
            key="results",
        )
    import_modules(sweep.plan.modules)
    return found


def _run(sweep: Sweep, variant: str | None, seed: int | None) -> StoredRun:
    variants = tuple(dict.fromkeys(run.variant for run in sweep.runs))
    if variant is None and len(variants) == 1:
        variant = variants[0]
    if variant is None:
        raise InputError(f"missing; {nearest('', variants)}", key="variant")
    if variant not in variants:
        raise unknown("variant", variant, variants)
    runs = {run.seed: run for run in sweep.runs if run.variant == variant}
    if seed is None and len(runs) == 1:
        return next(iter(runs.values()))
    if seed is None:
        raise InputError(f"missing; {nearest('', map(str, runs))}", key="seed")
    if seed not in runs:
        raise unknown("seed", str(seed), map(str, runs))
    return runs[seed]
