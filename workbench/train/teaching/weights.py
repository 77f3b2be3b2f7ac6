"""Files of weights that a recipe names: where they are, and that they stay what they were."""

import hashlib
import os
from pathlib import Path

from workbench.config import Recipe, Weights
from workbench.errors import InputError, nearest
from workbench.train.saved import LAST, WEIGHTS


def pin(recipe: Recipe, absent: bool = False) -> Recipe:
    """`recipe` with the SHA-256 of each file of weights that it names.

    With `absent`, a file that is not named yet stays so; costs need none. Raises `InputError` for a
    file that is missing, or has not the digest that the recipe asks for.
    """
    found = {
        key: each.model_copy(update={"sha256": checked_file(each, f"recipe.{key}")[1]})
        for key, each in recipe.weights().items()
        if not (absent and each.weights is None)
    }
    return recipe.model_copy(update=found)


def checked_file(weights: Weights, key: str) -> tuple[Path, str]:
    """The file of `weights`, and its SHA-256, which is the one that is asked for."""
    if weights.weights is None:
        raise InputError(
            "missing; name a file of weights, or a folder that a run left its weights in",
            key=f"{key}.weights",
            about="missing",
        )
    file = weights_file(Path(os.path.expanduser(weights.weights)), f"{key}.weights")
    digest = _digest(file, f"{key}.weights")
    if weights.sha256 not in (None, digest):
        raise InputError(
            f"{str(file)!r} has SHA-256 {digest[:12]}..., and {str(weights.sha256)[:12]}... is"
            " asked for: its weights are others now",
            key=f"{key}.sha256",
        )
    return file, digest


def weights_file(path: Path, key: str) -> Path:
    """A file as it is; of a folder, the weights that were saved there.

    The folder may be one of `wb.save`, of a run, or of the results of runs of which one kept its
    weights.
    """
    if not path.exists():
        raise InputError(f"{str(path)!r} does not exist", key=key)
    if path.is_file():
        return path
    kept = next((each for each in (path, path / LAST) if (each / WEIGHTS).is_file()), None)
    if kept is not None:
        return kept / WEIGHTS
    runs = sorted(path.glob(f"runs/*/{LAST}/{WEIGHTS}"))
    if len(runs) == 1:
        return runs[0]
    names = [str(each.parents[1]) for each in runs]
    if not names:
        raise InputError(
            f"{str(path)!r} holds no weights; --keep weights keeps those of runs that complete",
            key=key,
        )
    raise InputError(f"{str(path)!r} holds several; {nearest(str(path), names)}", key=key)


def _digest(file: Path, key: str) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{str(file)!r} can't be read: {error.strerror}", key=key) from None
