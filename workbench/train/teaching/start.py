"""Where a run begins, and what of it stays as it was: `recipe.init` and `recipe.freeze`."""

import logging
from pathlib import Path

from torch import nn

from workbench.config import Recipe
from workbench.data import DataInfo
from workbench.errors import InputError
from workbench.models.networks import classifiers
from workbench.models.tensor_file import read_facts
from workbench.models.weights import load_file
from workbench.train.teaching.frozen import freeze
from workbench.train.teaching.weights import checked_file

log = logging.getLogger(__name__)


def begin(network: nn.Module, recipe: Recipe, info: DataInfo) -> None:
    """Gives `network` the weights that `recipe` begins from, and freezes what it leaves alone.

    Raises `InputError` for weights that do not fit, with their keys, and where nothing is left to
    train.
    """
    if recipe.init is not None:
        _load(network, checked_file(recipe.init, "recipe.init")[0], info)
    freeze(network, recipe.freeze)


# ---------------------------------------------------------------- init


def _load(network: nn.Module, file: Path, info: DataInfo) -> None:
    heads = _classifier(network)
    fresh = {name: network.get_parameter(name).detach().clone() for name in heads}
    try:
        load_file(network, file, type(network).__name__, new_head=True)
        names = read_facts(file).get("class_names")
    except InputError as error:
        raise error.but(key="recipe.init.weights") from None
    if names is not None and tuple(names) != info.class_names:
        network.load_state_dict(fresh, strict=False)
        log.info("%s: the classifier starts anew, for the classes are others", file)


def _classifier(network: nn.Module) -> list[str]:
    """The names of the parameters that belong to classes."""
    owned = (
        network.get_submodule(path).named_parameters(prefix=path) for path in classifiers(network)
    )
    return [name for parameters in owned for name, _ in parameters]
